import type { Clock } from "../async/mod.ts";
import type { Inbox } from "../pipeline/mod.ts";
import type { RoutedChunk } from "../stream/mod.ts";
import type { ControlChannel } from "../webrtc/mod.ts";
import type { ControlTrace } from "./control_trace.ts";

/** Messages that are kept for a viewer that comes back. */
const MAX_KEPT = 256;
/** Size that they may have together, in characters of JSON. */
const MAX_KEPT_LENGTH = 1024 * 1024;

/** Who talks. */
export interface ConversationOptions {
  readonly sessionId: string;
  /** Where control messages go; null when the service takes none. */
  readonly inbox: Inbox | null;
  readonly trace: ControlTrace;
  readonly clock: Clock;
  /** The RTP timestamp of a media time, once the picture track is there. */
  readonly rtpTimestampOf: (mediaTime: number) => number | undefined;
  /** A control message has gone to the pipeline. */
  readonly controlled: () => void;
  /** The viewer wants the session to end. */
  readonly stop: () => void;
}

type Message = Readonly<Record<string, unknown>>;

/** What goes over the control channel of one session, both ways, whichever connection carries it. */
export class Conversation {
  readonly #options: ConversationOptions;
  #channel: ControlChannel | undefined;
  /** The newest messages, in their order. */
  readonly #kept: { readonly sequence: number; readonly message: Message; readonly length: number }[] = [];
  #keptLength = 0;
  #sequence = 0;
  /** The last message that went out. */
  #sent = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /**
   * Goes on over a channel, in place of the one before. When it opens, what the viewer has not got is sent, as far as it
   * was kept.
   *
   * @param after `sequence` of the last message that the viewer got; undefined: the last one that was sent
   */
  attach(channel: ControlChannel, { after }: { after?: number | undefined } = {}): void {
    this.#channel?.close();
    this.#channel = channel;
    channel.received.on((message) => this.#receive(message));
    channel.faulty.on(({ code, detail }) => this.#refuse(code, detail));
    const replay = () => {
      const from = after ?? this.#sent;
      for (const { sequence, message } of this.#kept) {
        // Its picture has gone over another connection, whose RTP timestamps are not those of this one.
        const { rtp_timestamp: _, ...rest } = message;
        if (sequence > from) channel.send(rest, { optional: false });
      }
      this.#sent = this.#sequence;
    };
    if (channel.isOpen) replay();
    else channel.opened.on(replay);
  }

  /** Sends a message, with its number, the session's id and the time; while nobody is there it is kept. */
  tell(message: Message): void {
    const sequence = ++this.#sequence;
    const stamped = { ...this.#stamped(message), sequence };
    this.#keep(sequence, stamped);
    if (this.#channel?.isOpen !== true) return;
    this.#channel.send(stamped);
    this.#sent = sequence;
  }

  /** Tells of a chunk; its pictures and sound go another way. */
  chunk({ index, data, mediaTime }: RoutedChunk): void {
    const { trace, rtpTimestampOf } = this.#options;
    const { applied_controls: applied } = data;
    if (mediaTime === null || !Array.isArray(applied)) return this.tell({ type: "chunk", index, data });
    trace.placed(applied, mediaTime);
    this.tell({ type: "chunk", index, data, rtp_timestamp: rtpTimestampOf(mediaTime) });
  }

  /** Says farewell. */
  close({ code, detail }: { readonly code: string; readonly detail: string }): void {
    this.tell({ type: "closed", reason: detail, code });
  }

  #keep(sequence: number, message: Message): void {
    const { length } = JSON.stringify(message);
    this.#kept.push({ sequence, message, length });
    this.#keptLength += length;
    while (this.#kept.length > MAX_KEPT || this.#keptLength > MAX_KEPT_LENGTH) {
      const oldest = this.#kept.shift();
      if (oldest === undefined) return;
      this.#keptLength -= oldest.length;
    }
  }

  #receive(message: Message): void {
    const { inbox, trace, controlled, stop } = this.#options;
    if (message.type === "stop") return stop();
    if (message.type === "control_trace") {
      if (trace.reported(message.latency_ms)) return;
      const detail = "latency_ms of control_trace must be a number of milliseconds, 0 to 60000";
      return this.#refuse("invalid_message", detail);
    }
    if (message.type === "media") {
      const detail = 'the type "media" is kept for camera and microphone; send tracks instead';
      return this.#refuse("invalid_message", detail);
    }
    if (inbox === null) {
      const detail = 'this pipeline takes no messages; only {"type":"stop"} is understood';
      return this.#refuse("no_input", detail);
    }
    trace.received(message.id);
    inbox.control(message);
    controlled();
  }

  /** Answers a message that is not taken; a viewer that sends many and reads nothing gets no more answers. */
  #refuse(code: string, detail: string): void {
    this.#channel?.send(this.#stamped({ type: "error", code, detail }), { optional: true });
  }

  #stamped(message: Message): Message {
    const { sessionId, clock } = this.#options;
    return { ...message, session_id: sessionId, timestamp: clock.unixTime() };
  }
}
