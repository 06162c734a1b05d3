import { type Clock, sleep, TaskScope, withTimeLimit } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { Log } from "../log.ts";
import type { EncoderEffort, MediaReader, VideoCodec } from "../media/mod.ts";
import type { PipelineSession, StreamMode, ViewerMedia } from "../pipeline/mod.ts";
import { LiveStream } from "../stream/mod.ts";
import {
  CHANNEL_LABEL,
  chooseVideoCodec,
  type ChosenCodec,
  type IceServer,
  type Offer,
  PeerConnection,
  readOffer,
} from "../webrtc/mod.ts";
import { type ControlLatency, ControlTrace } from "./control_trace.ts";
import { Conversation } from "./conversation.ts";
import { ViewerInput } from "./viewer_input.ts";
import { nextState, type SessionEvent, type SessionState } from "./session_state.ts";

/** Seconds for which the viewer's own buffer may still hold what has been sent. */
const TAIL = 0.3;
/** Seconds given to the last message before the connection goes. */
const FAREWELL = 0.1;
/** Seconds for which an answer waits for a pipeline that may refuse the request at once. */
const REFUSAL_TIME = 0.1;
/** Seconds that each step of closing may take. */
const STEP_LIMIT = 3;

/** Why a session ended: a code for programs, a sentence for people. */
export interface CloseReason {
  readonly code:
    | "finished"
    | "pipeline_failed"
    | "client_request"
    | "connection_lost"
    | "setup_failed"
    | "shutting_down";
  readonly detail: string;
}

/** What a session is made with. */
export interface SessionOptions {
  readonly id: string;
  readonly offerSdp: string;
  readonly mode: StreamMode;
  readonly fps: number;
  readonly preferredCodec: VideoCodec;
  readonly bitrate: number;
  /** What of the viewer's camera and microphone the pipeline takes. */
  readonly viewerMedia: ViewerMedia;
  /** Most that the viewer's camera may send, in bit/s. */
  readonly cameraBitrate: number;
  readonly effort: EncoderEffort;
  readonly bufferSeconds: number;
  readonly connectLimit: number;
  /** Seconds from the connection until the control channel must be open, for a bidirectional session. */
  readonly channelLimit: number;
  readonly silenceLimit: number;
  readonly iceServers: readonly IceServer[];
  /** Whether the viewer is on this machine. */
  readonly loopback: boolean;
  readonly clock: Clock;
  /** Begins the pipeline's side. */
  readonly openPipeline: () => PipelineSession;
}

/** What belongs to a session that is open. */
interface Parts {
  readonly pipeline: PipelineSession;
  readonly peer: PeerConnection;
  readonly live: LiveStream;
  readonly conversation: Conversation;
}

/** One viewer: its connection, its stream and the pipeline call behind it, opened and closed together. */
export class Session {
  readonly id: string;
  readonly mode: StreamMode;
  readonly createdAt: number;
  readonly #options: SessionOptions;
  readonly #log: Log;
  readonly #tasks: TaskScope;
  readonly #closed = Promise.withResolvers<CloseReason>();
  readonly #trace: ControlTrace;
  #state: SessionState = "opening";
  #reason: CloseReason | undefined;
  #pipeline: PipelineSession | undefined;
  #live: LiveStream | undefined;
  #peer: PeerConnection | undefined;
  #conversation: Conversation | undefined;
  #input: ViewerInput | undefined;
  #codec: VideoCodec | undefined;

  /** @param totals latencies of all sessions, to which this one adds its own */
  constructor(options: SessionOptions, totals: ControlLatency) {
    this.id = options.id;
    this.mode = options.mode;
    this.createdAt = options.clock.now();
    this.#options = options;
    this.#log = new Log(`session ${options.id}`);
    this.#tasks = new TaskScope(this.#log);
    this.#trace = new ControlTrace({ clock: options.clock, totals });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The codec that was negotiated. */
  get codec(): VideoCodec | undefined {
    return this.#codec;
  }

  /** Why it is closing or closed. */
  get closeReason(): CloseReason | undefined {
    return this.#reason;
  }

  /** Resolves with the reason when everything has been released. */
  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  /**
   * Opens all parts and answers the offer. When anything fails, what was opened is released before it throws.
   *
   * @returns the SDP answer
   * @throws StreamError `invalid_sdp`, `no_common_codec`, `no_ice_candidates`, `service_not_running`,
   * `pipeline_failed`, `session_exists`, `timeout`; `session_not_found` when it was closed by request meanwhile
   */
  async open(): Promise<string> {
    try {
      const offer = readOffer(this.#options.offerSdp);
      const chosen = chooseVideoCodec(offer, this.#options.preferredCodec);
      if (this.mode === "bidirectional") requireChannel(offer);
      const codec = this.#codec = chosen.codec;
      const pipeline = this.#pipeline = this.#options.openPipeline();
      if (this.mode === "server_push") pipeline.prefetch();
      const peer = this.#peer = this.#makePeer(chosen);
      const conversation = this.#conversation = this.#converse(pipeline, peer);
      const live = this.#live = this.#makeStream(codec, conversation);
      const answer = await peer.answer(offer);
      await this.#accepted(pipeline);
      if (this.#step("answered") === null) throw new StreamError("shutting_down", "the session was closed meanwhile");
      this.#tasks.run("stream", () => this.#run({ pipeline, peer, live, conversation }));
      this.#log.info("answered", { codec, mode: this.mode });
      return answer;
    } catch (error) {
      const before = this.#reason;
      await this.close({ code: "setup_failed", detail: messageOf(error) });
      if (before?.code !== "client_request") throw error;
      throw new StreamError("session_not_found", `session ${this.id} is closed: ${before.detail}`, { cause: error });
    }
  }

  /** Ends the session; harmless when it is over. Resolves when everything has been released. */
  async close(reason: CloseReason): Promise<void> {
    if (this.#step("close") !== null) {
      this.#reason = reason;
      this.#log.info(`closing: ${reason.detail}`, { code: reason.code });
      await this.#releaseAll(reason);
      this.#step("released");
      this.#closed.resolve(reason);
    }
    await this.#closed.promise;
  }

  /** Counters for status and logs. */
  get stats() {
    const counters = this.#live?.counters;
    const video = this.#peer?.video?.stats;
    const input = this.#pipeline?.inbox.counters;
    return {
      chunks: this.#live?.chunks ?? 0,
      frames_encoded: counters?.framesEncoded ?? 0,
      frames_dropped: counters?.framesDropped ?? 0,
      frames_invalid: counters?.framesInvalid ?? 0,
      underruns: counters?.underruns ?? 0,
      ...this.#input?.stats,
      controls_received: input?.controlsReceived ?? 0,
      controls_dropped: input?.controlsDropped ?? 0,
      controls_waiting: this.#pipeline?.inbox.length ?? 0,
      packets_sent: video?.packetsSent ?? 0,
      packets_resent: video?.packetsResent ?? 0,
      fraction_lost: video?.fractionLost ?? 0,
      round_trip_ms: Math.round((video?.roundTrip ?? 0) * 1000),
      ...this.#trace.latency.summary,
    };
  }

  /** Waits until the pipeline has taken the session, or for a moment in which it may refuse the request. */
  async #accepted(pipeline: PipelineSession): Promise<void> {
    if (this.mode === "bidirectional") return await pipeline.opened;
    await withTimeLimit(this.#options.clock, REFUSAL_TIME, pipeline.first);
    if (pipeline.failure !== null) throw pipeline.failure;
  }

  #makePeer(chosen: ChosenCodec): PeerConnection {
    const { iceServers, loopback, silenceLimit, connectLimit, clock, viewerMedia, cameraBitrate } = this.#options;
    const peer = new PeerConnection({
      chosen,
      receive: { video: viewerMedia.video !== null, audio: viewerMedia.audio !== null },
      cameraBitrate,
      lowLatency: this.mode === "bidirectional",
      iceServers,
      loopback,
      silenceLimit,
      connectLimit,
      clock,
      log: this.#log,
    });
    peer.stateChanged.on(({ state, reason }) => {
      if (state === "connected") this.#connected(peer, chosen.codec);
      else if (state === "closed") void this.close({ code: "connection_lost", detail: reason });
    });
    return peer;
  }

  #converse(pipeline: PipelineSession, peer: PeerConnection): Conversation {
    const isTwoWay = this.mode === "bidirectional";
    const { channel } = peer;
    if (isTwoWay) {
      channel.ended.on(() => {
        void this.close({ code: "client_request", detail: "the viewer closed the control channel" });
      });
    }
    return new Conversation({
      sessionId: this.id,
      channel,
      inbox: isTwoWay ? pipeline.inbox : null,
      trace: this.#trace,
      clock: this.#options.clock,
      rtpTimestampOf: (mediaTime) => peer.video?.timestampOf(mediaTime),
      controlled: () => this.#live?.nudge(),
      stop: () => void this.close({ code: "client_request", detail: "stopped by the viewer" }),
    });
  }

  #makeStream(codec: VideoCodec, conversation: Conversation): LiveStream {
    const { bitrate, effort, fps, bufferSeconds, clock } = this.#options;
    return new LiveStream({
      codec,
      bitrate,
      effort,
      fps,
      bufferSeconds,
      interactive: this.mode === "bidirectional",
      clock,
      log: this.#log,
      routed: (chunk) => conversation.chunk(chunk),
    });
  }

  #connected(peer: PeerConnection, codec: VideoCodec): void {
    const live = this.#live;
    const inbox = this.#pipeline?.inbox;
    if (live === undefined || inbox === undefined || this.#step("connected") === null) return;
    this.#input = new ViewerInput({ peer, inbox, codec, media: this.#options.viewerMedia, log: this.#log });
    this.#log.info("connected", { after_ms: Math.round((this.#options.clock.now() - this.createdAt) * 1000) });
    const { video, audio } = peer;
    const reader: MediaReader = {
      video: (frame, payloads) => {
        video?.send(payloads, frame.mediaTime);
        this.#trace.sent(frame.mediaTime);
      },
      audio: (packet) => audio?.send([packet.data], packet.mediaTime),
    };
    live.addReader(reader);
    live.start();
    video?.start(live.clock);
    audio?.start(live.clock);
    video?.keyFrameRequested.on(() => live.requestKeyFrame());
  }

  async #run({ pipeline, peer, live, conversation }: Parts): Promise<void> {
    if (this.mode === "bidirectional" && !await this.#channelOpen(peer)) return;
    try {
      await live.run(pipeline);
    } catch (error) {
      const detail = messageOf(error);
      conversation.tell({ type: "error", code: "pipeline_failed", detail });
      void this.close({ code: "pipeline_failed", detail: `the pipeline failed: ${detail}` });
      return;
    }
    if (this.#state === "closing" || this.#state === "closed") return;
    await sleep(this.#options.clock, TAIL);
    conversation.tell({ type: "done", total_chunks: live.chunks });
    void this.close({ code: "finished", detail: "the pipeline is done and everything has been played" });
  }

  /** Waits for the control channel; false when the session is over without it. */
  async #channelOpen({ channel, ready }: PeerConnection): Promise<boolean> {
    const { clock, channelLimit } = this.#options;
    await Promise.race([ready, this.closed]);
    const opened = Promise.withResolvers<void>();
    channel.opened.on(() => opened.resolve());
    if (channel.isOpen) opened.resolve();
    const outcome = await withTimeLimit(clock, channelLimit, Promise.race([opened.promise, this.closed]));
    if (outcome === "timeout") {
      const detail = `the DataChannel "${CHANNEL_LABEL}" did not open within ${channelLimit} s; ` +
        `call pc.createDataChannel("${CHANNEL_LABEL}") before createOffer()`;
      void this.close({ code: "setup_failed", detail });
    }
    return outcome !== "timeout" && this.#reason === undefined;
  }

  async #releaseAll(reason: CloseReason): Promise<void> {
    const peer = this.#peer;
    await this.#releaseStep("conversation", () => this.#conversation?.close(reason));
    const pipeline = this.#releaseStep("pipeline", () => this.#pipeline?.close(reason));
    if (peer?.channel.isOpen) await sleep(this.#options.clock, FAREWELL);
    await this.#releaseStep("connection", () => peer?.close(reason.detail));
    await this.#releaseStep("camera and microphone", () => this.#input?.close());
    await this.#releaseStep("stream", () => this.#live?.close());
    await pipeline;
  }

  async #releaseStep(name: string, step: () => unknown): Promise<void> {
    try {
      const outcome = await withTimeLimit(this.#options.clock, STEP_LIMIT, Promise.resolve(step()));
      if (outcome === "timeout") this.#log.warn(`releasing the ${name} took more than ${STEP_LIMIT} s`);
    } catch (error) {
      this.#log.warn(`releasing the ${name} failed: ${messageOf(error)}`);
    }
  }

  #step(event: SessionEvent): SessionState | null {
    const next = nextState(this.#state, event);
    if (next !== null) this.#state = next;
    return next;
  }
}

/** @throws StreamError `invalid_sdp` when the offer opens no data channel */
function requireChannel({ media }: Offer): void {
  if (media.some(({ kind, rejected }) => kind === "application" && !rejected)) return;
  throw new StreamError(
    "invalid_sdp",
    `this pipeline is bidirectional and the SDP has no DataChannel; call pc.createDataChannel("${CHANNEL_LABEL}") ` +
      "before createOffer()",
    { field: "sdp" },
  );
}
