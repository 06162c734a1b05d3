import type { Clock } from "../async/mod.ts";
import type { Inbox } from "../pipeline/mod.ts";
import type { RoutedChunk } from "../stream/mod.ts";
import type { ControlChannel } from "../webrtc/mod.ts";
import type { ControlTrace } from "./control_trace.ts";

/** Who talks. */
export interface ConversationOptions {
  readonly sessionId: string;
  readonly channel: ControlChannel;
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

/** What goes over the control channel of one session, both ways. */
export class Conversation {
  readonly #options: ConversationOptions;

  constructor(options: ConversationOptions) {
    this.#options = options;
    const { channel } = options;
    channel.received.on((message) => this.#receive(message));
    channel.faulty.on(({ code, detail }) => this.#refuse(code, detail));
  }

  /** Sends a message, with the session's id and the time. */
  tell(message: Readonly<Record<string, unknown>>): void {
    this.#options.channel.send(this.#stamped(message));
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

  #receive(message: Readonly<Record<string, unknown>>): void {
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
    this.#options.channel.send(this.#stamped({ type: "error", code, detail }), { optional: true });
  }

  #stamped(message: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const { sessionId, clock } = this.#options;
    return { ...message, session_id: sessionId, timestamp: clock.unixTime() };
  }
}
