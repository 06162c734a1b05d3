import type { RTCDataChannel } from "werift";
import { Emitter } from "../async/mod.ts";

/** The label of the one channel a client may open. */
export const CHANNEL_LABEL = "telefuser";
/** Messages kept until the channel opens. */
const MAX_WAITING = 32;
/** Bytes that may wait in the channel before metadata is left out. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** JSON messages to one viewer over its DataChannel. Messages sent before it opens wait, up to a bound. */
export class ControlChannel {
  /** The channel can carry messages now. */
  readonly opened: Emitter<void> = new Emitter();
  #channel: RTCDataChannel | undefined;
  #waiting: string[] = [];

  /** Takes over the channel the client made. */
  attach(channel: RTCDataChannel): void {
    this.#channel = channel;
    const open = () => {
      for (const text of this.#waiting.splice(0)) channel.send(text);
      this.opened.emit();
    };
    if (channel.readyState === "open") open();
    else channel.stateChanged.subscribe((state) => state === "open" && open());
  }

  /**
   * Sends a message. Before the channel opens the newest few are kept; while a viewer takes nothing in, chunk metadata is
   * left out.
   */
  send(message: Readonly<Record<string, unknown>>): void {
    const channel = this.#channel;
    if (message.type === "chunk" && channel !== undefined && channel.bufferedAmount > MAX_BUFFERED_BYTES) return;
    const text = JSON.stringify(message);
    if (channel?.readyState === "open") channel.send(text);
    else if (this.#waiting.push(text) > MAX_WAITING) this.#waiting.shift();
  }

  /** Whether a client has opened a channel that is still open. */
  get isOpen(): boolean {
    return this.#channel?.readyState === "open";
  }
}
