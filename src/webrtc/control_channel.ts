import type { RTCDataChannel } from "werift";
import { type Clock, Emitter, systemClock } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import { type ChannelFault, readMessage } from "./channel_message.ts";

/** The label of the one channel a client may open. */
export const CHANNEL_LABEL = "telefuser";
/** Messages kept until the channel opens. */
const MAX_WAITING = 32;
/** Bytes that may wait in the channel before metadata is left out. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/**
 * Seconds until a channel that was refused is closed. A client that opens the right one at once would else get the number
 * of the one that is closing, and its opening would be lost in the reset of that stream (RFC 6525).
 */
const REFUSAL_TIME = 0.5;

type Message = Readonly<Record<string, unknown>>;

/** JSON messages from and to one viewer over its DataChannel. Messages sent before it opens wait, up to a bound. */
export class ControlChannel {
  /** The channel can carry messages now. */
  readonly opened: Emitter<void> = new Emitter();
  /** The viewer has closed it, or it has broken. */
  readonly ended: Emitter<void> = new Emitter();
  /** A message of the viewer: a JSON object. */
  readonly received: Emitter<Message> = new Emitter();
  /** Something came that is no message; the channel lives. */
  readonly faulty: Emitter<ChannelFault> = new Emitter();
  readonly #clock: Clock;
  #channel: RTCDataChannel | undefined;
  #waiting: Message[] = [];

  constructor({ clock = systemClock }: { clock?: Clock } = {}) {
    this.#clock = clock;
  }

  /**
   * Takes over the channel the client made; any further one, one with another label, or one that may lose messages or change
   * their order is refused in words.
   */
  accept(channel: RTCDataChannel): void {
    if (channel.label !== CHANNEL_LABEL) {
      return this.#refuse(channel, `the channel must be called "${CHANNEL_LABEL}", not ${quote(channel.label)}`);
    }
    const { ordered, maxRetransmits, maxPacketLifeTime } = channel;
    if (!ordered || maxRetransmits !== null || maxPacketLifeTime !== null) {
      const detail = `the channel "${CHANNEL_LABEL}" must be ordered and reliable; call ` +
        `pc.createDataChannel("${CHANNEL_LABEL}") without ordered, maxRetransmits and maxPacketLifeTime`;
      return this.#refuse(channel, detail);
    }
    if (this.#channel !== undefined) {
      return this.#refuse(channel, `there is a channel "${CHANNEL_LABEL}" already; use that one`);
    }
    this.attach(channel);
  }

  /** Takes over the channel the client made. */
  attach(channel: RTCDataChannel): void {
    this.#channel = channel;
    channel.onMessage.subscribe((data) => this.#receive(data));
    whenOpen(channel, () => {
      for (const message of this.#waiting.splice(0)) put(channel, message);
      this.opened.emit();
    });
    channel.stateChanged.subscribe((state) => state === "closed" && this.ended.emit());
  }

  /**
   * Sends a message. Before the channel opens the newest few are kept. In place of one that is larger than the viewer takes
   * (RFC 8841, section 6.1), an error goes out that says so.
   *
   * @param options.optional whether it may be left out while the viewer takes nothing in; by default chunk metadata may; a replay
   *   of what the viewer has not got may not
   */
  send(message: Readonly<Record<string, unknown>>, options: { optional?: boolean } = {}): void {
    const channel = this.#channel;
    const optional = options.optional ?? message.type === "chunk";
    if (optional && channel !== undefined && channel.bufferedAmount > MAX_BUFFERED_BYTES) return;
    if (channel?.readyState === "open") put(channel, message);
    else if (this.#waiting.push(message) > MAX_WAITING) this.#waiting.shift();
  }

  /** Whether a client has opened a channel that is still open. */
  get isOpen(): boolean {
    return this.#channel?.readyState === "open";
  }

  /** Resolves when it is open; never when it closes before. */
  whenOpen(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.opened.on(() => resolve());
    if (this.isOpen) resolve();
    return promise;
  }

  /** Whether the client's channel was open and is no more. */
  get hasEnded(): boolean {
    return this.#channel?.readyState === "closing" || this.#channel?.readyState === "closed";
  }

  /** Hears nothing any more. */
  close(): void {
    this.received.clear();
    this.faulty.clear();
    this.ended.clear();
    this.opened.clear();
  }

  /** Says why on the channel itself, then closes it. */
  #refuse(channel: RTCDataChannel, detail: string): void {
    whenOpen(channel, () => {
      channel.send(JSON.stringify({ type: "error", code: "channel_refused", detail }));
      this.#clock.schedule(REFUSAL_TIME, () => channel.close());
    });
  }

  #receive(data: string | Uint8Array): void {
    const reading = readMessage(data);
    if ("fault" in reading) this.faulty.emit(reading.fault);
    else this.received.emit(reading.message);
  }
}

function put(channel: RTCDataChannel, message: Message): void {
  const { type, session_id, timestamp } = message;
  try {
    channel.send(JSON.stringify(message));
  } catch (error) {
    const detail = `a message of type ${String(type)} was left out: ${messageOf(error)}; send large data over HTTP`;
    channel.send(JSON.stringify({ type: "error", code: "message_too_large", detail, session_id, timestamp }));
  }
}

function whenOpen(channel: RTCDataChannel, then: () => void): void {
  if (channel.readyState === "open") return then();
  const subscription = channel.stateChanged.subscribe((state) => {
    if (state !== "open") return;
    subscription.unSubscribe();
    then();
  });
}

function quote(label: string): string {
  return JSON.stringify(label.length > 40 ? `${label.slice(0, 40)}…` : label);
}
