import { sleep, TaskScope, type Timer, withTimeLimit } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { Log } from "../log.ts";
import type { VideoCodec } from "../media/mod.ts";
import type { PipelineSession, StreamMode } from "../pipeline/mod.ts";
import { LiveStream } from "../stream/mod.ts";
import {
  CHANNEL_LABEL,
  chooseVideoCodec,
  type ChosenCodec,
  type ConnectionChange,
  type IceFragment,
  PeerConnection,
  readOffer,
  requireChannel,
} from "../webrtc/mod.ts";
import { ChannelLimit } from "./channel_limit.ts";
import { type ControlLatency, ControlTrace } from "./control_trace.ts";
import { Conversation } from "./conversation.ts";
import { farewell, releaseStep } from "./release.ts";
import type { CloseReason, SessionOptions, ViewerOffer } from "./session_options.ts";
import { nextState, type SessionEvent, type SessionState } from "./session_state.ts";
import { Viewer } from "./viewer.ts";

/** Seconds for which the viewer's own buffer may still hold what has been sent. */
const TAIL = 0.3;
/** Seconds for which an answer waits for a pipeline that may refuse the request at once. */
const REFUSAL_TIME = 0.1;
/** Seconds after a viewer closed its control channel within which the connection may follow. */
const CHANNEL_GRACE = 0.5;

/** What belongs to a session that is open. */
interface Parts {
  readonly pipeline: PipelineSession;
  readonly live: LiveStream;
  readonly conversation: Conversation;
}

/**
 * One viewer: its connection, its stream and the pipeline call behind it, opened and closed together. When the connection
 * is lost, stream and pipeline are held for a while, standing still, until the viewer comes back.
 */
export class Session {
  readonly id: string;
  readonly mode: StreamMode;
  readonly createdAt: number;
  /** Whoever knows it may take the session over. */
  readonly resumeToken: string = crypto.getRandomValues(new Uint8Array(16)).toHex();
  readonly #options: SessionOptions;
  readonly #log: Log;
  readonly #tasks: TaskScope;
  readonly #closed = Promise.withResolvers<CloseReason>();
  readonly #trace: ControlTrace;
  #state: SessionState = "opening";
  #reason: CloseReason | undefined;
  #pipeline: PipelineSession | undefined;
  #live: LiveStream | undefined;
  #viewer: Viewer | undefined;
  #conversation: Conversation | undefined;
  #hold: Timer | undefined;
  /** Of a bidirectional session. */
  readonly #channel: ChannelLimit;
  #leftAt: number | undefined;
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
    const { clock, channelLimit: seconds } = options;
    this.#channel = new ChannelLimit({ clock, seconds, missed: () => this.#channelMissed() });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Since when it is held for a viewer that closed its connection itself, in the clock's seconds. */
  get leftAt(): number | undefined {
    return this.#state === "interrupted" ? this.#leftAt : undefined;
  }

  /** Names the present ICE session of the viewer's connection. */
  get iceTag(): string {
    return this.#viewer?.peer.iceTag ?? "";
  }

  /** `mid` of the media section that candidates are about. */
  get mid(): string {
    return this.#viewer?.peer.mid ?? "0";
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
    const { offer: viewerOffer } = this.#options;
    try {
      const offer = readOffer(viewerOffer.sdp);
      const chosen = chooseVideoCodec(offer, this.#options.preferredCodec);
      if (this.mode === "bidirectional") requireChannel(offer);
      const codec = this.#codec = chosen.codec;
      const pipeline = this.#pipeline = this.#options.openPipeline();
      if (this.mode === "server_push") pipeline.prefetch();
      const conversation = this.#conversation = this.#converse(pipeline);
      const live = this.#live = this.#makeStream(codec, conversation);
      const viewer = this.#viewer = this.#makeViewer({ chosen, viewerOffer, pipeline, live });
      conversation.attach(viewer.peer.channel);
      const answer = await viewer.peer.answer(offer, viewerOffer);
      await this.#accepted(pipeline);
      if (this.#step("answered") === null) throw new StreamError("shutting_down", "the session was closed meanwhile");
      viewer.peer.limitConnecting();
      this.#tasks.run("stream", () => this.#run({ pipeline, live, conversation }));
      this.#log.info("answered", { codec, mode: this.mode });
      return answer;
    } catch (error) {
      const before = this.#reason;
      await this.close({ code: "setup_failed", detail: messageOf(error) });
      if (before?.code !== "client_request") throw error;
      throw new StreamError("session_not_found", `session ${this.id} is closed: ${before.detail}`, { cause: error });
    }
  }

  /**
   * Takes the viewer over to a new connection; the old one, if there is one left, goes.
   *
   * @param after `sequence` of the last message that the viewer got, when it says
   * @returns the SDP answer
   * @throws StreamError `invalid_sdp`, `no_common_codec`, `no_ice_candidates`; `session_not_found` when it is over;
   * `resume_refused` when sessions are not held
   */
  async resume(viewerOffer: ViewerOffer, { after }: { after?: number | undefined } = {}): Promise<string> {
    const [pipeline, live, conversation, codec] = [this.#pipeline, this.#live, this.#conversation, this.#codec];
    if (this.#options.holdSeconds === 0) {
      const detail = "--webrtc-hold-seconds is 0, so no session is held; leave session_id and resume_token out";
      throw new StreamError("resume_refused", detail, { field: "resume_token" });
    }
    if (pipeline === undefined || live === undefined || conversation === undefined || codec === undefined) {
      throw this.#over();
    }
    const offer = readOffer(viewerOffer.sdp);
    const chosen = chooseVideoCodec(offer, codec);
    if (chosen.codec !== codec) {
      const detail = `this session is sent in ${codec}, which the offer does not have; open a new session`;
      throw new StreamError("no_common_codec", detail, { field: "sdp" });
    }
    if (this.mode === "bidirectional") requireChannel(offer);
    const viewer = this.#makeViewer({ chosen, viewerOffer, pipeline, live });
    let answer: string;
    try {
      answer = await viewer.peer.answer(offer, viewerOffer);
    } catch (error) {
      await viewer.close(messageOf(error));
      throw error;
    }
    if (this.#reason !== undefined) {
      await viewer.close(this.#reason.detail);
      throw this.#over();
    }
    const before = this.#viewer;
    this.#viewer = viewer;
    conversation.attach(viewer.peer.channel, { after });
    viewer.peer.limitConnecting();
    this.#lost("the viewer comes back over a new connection");
    await before?.close("replaced by a new connection");
    return answer;
  }

  /**
   * Takes candidates of the viewer's, or restarts ICE.
   *
   * @returns what is to be told in turn; null when nothing is
   * @throws StreamError `connection_gone` when there is no connection
   */
  async trickle(fragment: IceFragment): Promise<IceFragment | null> {
    const viewer = this.#viewer;
    if (viewer === undefined) throw this.#over();
    return await viewer.peer.trickle(fragment);
  }

  /** Ends the session; harmless when it is over. Resolves when everything has been released. */
  async close(reason: CloseReason): Promise<void> {
    if (this.#step("close") !== null) {
      this.#reason = reason;
      this.#hold?.cancel();
      this.#channel.stop();
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
    const video = this.#viewer?.peer.video?.stats;
    const input = this.#pipeline?.inbox.counters;
    const path = this.#viewer?.peer.path;
    return {
      chunks: this.#live?.chunks ?? 0,
      frames_encoded: counters?.framesEncoded ?? 0,
      frames_dropped: counters?.framesDropped ?? 0,
      frames_invalid: counters?.framesInvalid ?? 0,
      underruns: counters?.underruns ?? 0,
      ...this.#viewer?.inputStats,
      controls_received: input?.controlsReceived ?? 0,
      controls_dropped: input?.controlsDropped ?? 0,
      controls_waiting: this.#pipeline?.inbox.length ?? 0,
      packets_sent: video?.packetsSent ?? 0,
      packets_resent: video?.packetsResent ?? 0,
      fraction_lost: video?.fractionLost ?? 0,
      round_trip_ms: Math.round((video?.roundTrip ?? 0) * 1000),
      target_bitrate: Math.round(path?.state.bitrate ?? this.#options.bitrate),
      queue_delay_ms: Math.round(((path?.stats.queueDelay ?? 0) + (path?.stats.backlog ?? 0)) * 1000),
      ...this.#trace.latency.summary,
    };
  }

  /** Waits until the pipeline has taken the session, or for a moment in which it may refuse the request. */
  async #accepted(pipeline: PipelineSession): Promise<void> {
    if (this.mode === "bidirectional") return await pipeline.opened;
    await withTimeLimit(this.#options.clock, REFUSAL_TIME, pipeline.first);
    if (pipeline.failure !== null) throw pipeline.failure;
  }

  #makeViewer(
    { chosen, viewerOffer, pipeline, live }: {
      chosen: ChosenCodec;
      viewerOffer: ViewerOffer;
      pipeline: PipelineSession;
      live: LiveStream;
    },
  ): Viewer {
    const { ports, silenceLimit, connectLimit, clock, viewerMedia: media, cameraBitrate } = this.#options;
    const { bitrate: maximum, minBitrate } = this.#options;
    const { iceServers, loopback, resumable } = viewerOffer;
    const peer = new PeerConnection({
      chosen,
      receive: { video: media.video !== null, audio: media.audio !== null },
      cameraBitrate,
      bitrate: { minimum: Math.min(minBitrate, maximum), maximum },
      lowLatency: this.mode === "bidirectional",
      iceServers,
      loopback,
      ports,
      silenceLimit,
      connectLimit,
      clock,
      log: this.#log,
    });
    const trace = this.#trace;
    const viewer = new Viewer({ peer, live, inbox: pipeline.inbox, media, codec: chosen.codec, trace, log: this.#log });
    peer.stateChanged.on((change) => {
      if (viewer === this.#viewer) this.#connectionChanged(viewer, { ...change, resumable });
    });
    if (this.mode === "bidirectional") {
      peer.channel.opened.on(() => viewer === this.#viewer && this.#channel.open());
      peer.channel.ended.on(() => void this.#channelEnded(viewer));
    }
    return viewer;
  }

  #connectionChanged(
    viewer: Viewer,
    { state, reason, byViewer, resumable }: ConnectionChange & { resumable: boolean },
  ): void {
    if (state === "connected") return this.#connected(viewer);
    const isHeld = this.#state === "interrupted" || this.#state === "live" && (resumable || !byViewer);
    if (byViewer) this.#leftAt = this.#options.clock.now();
    if (state === "interrupted" || isHeld) return this.#lost(reason);
    void this.close({ code: "connection_lost", detail: reason });
  }

  /** A viewer that closes the channel alone wants to stop; one that is about to vanish closes it, too. */
  async #channelEnded(viewer: Viewer): Promise<void> {
    await sleep(this.#options.clock, CHANNEL_GRACE);
    if (viewer !== this.#viewer || viewer.peer.state !== "connected") return;
    await this.close({ code: "client_request", detail: "the viewer closed the control channel" });
  }

  #connected(viewer: Viewer): void {
    const live = this.#live;
    const wasInterrupted = this.#state === "interrupted";
    if (live === undefined || this.#step("connected") === null) return;
    this.#hold?.cancel();
    this.#leftAt = undefined;
    const stoodStill = live.unpause();
    if (wasInterrupted) viewer.skip(stoodStill);
    viewer.join();
    live.requestKeyFrame();
    if (this.mode === "bidirectional") this.#channel.begin();
    const after_ms = Math.round((this.#options.clock.now() - this.createdAt) * 1000);
    this.#log.info(wasInterrupted ? "connected again" : "connected", { after_ms });
  }

  /** Holds the session for a viewer that may come back. */
  #lost(reason: string): void {
    const { holdSeconds, clock } = this.#options;
    if (holdSeconds === 0) return void this.close({ code: "connection_lost", detail: reason });
    if (this.#step("lost") !== null) {
      this.#live?.pause();
      this.#channel.stop();
      this.#log.info(`interrupted: ${reason}`, { hold_seconds: holdSeconds });
    } else if (this.#state !== "interrupted") {
      return;
    }
    // Each connection that comes and goes in between is a sign of life.
    this.#hold?.cancel();
    this.#hold = clock.schedule(holdSeconds, () => {
      const detail = `${reason}, and the viewer did not come back within ${holdSeconds} s`;
      void this.close({ code: "connection_lost", detail });
    });
  }

  #over(): StreamError {
    const why = this.#reason === undefined ? "is not open yet" : `is closed: ${this.#reason.detail}`;
    return new StreamError("session_not_found", `session ${this.id} ${why}`, { field: "session_id" });
  }

  #converse(pipeline: PipelineSession): Conversation {
    return new Conversation({
      sessionId: this.id,
      inbox: this.mode === "bidirectional" ? pipeline.inbox : null,
      trace: this.#trace,
      clock: this.#options.clock,
      rtpTimestampOf: (mediaTime) => this.#viewer?.peer.video?.timestampOf(mediaTime),
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

  async #run({ pipeline, live, conversation }: Parts): Promise<void> {
    if (this.mode === "bidirectional") {
      await Promise.race([this.#channel.opened, this.closed]);
      if (this.#reason !== undefined) return;
    }
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

  #channelMissed(): void {
    const detail = `the DataChannel "${CHANNEL_LABEL}" did not open within ${this.#options.channelLimit} s; ` +
      `call pc.createDataChannel("${CHANNEL_LABEL}") before createOffer()`;
    void this.close({ code: "setup_failed", detail });
  }

  async #releaseAll(reason: CloseReason): Promise<void> {
    const viewer = this.#viewer;
    const { clock } = this.#options;
    const release = (name: string, step: () => unknown) => releaseStep(name, { step, clock, log: this.#log });
    await release("conversation", () => this.#conversation?.close(reason));
    // It has a limit of its own, and no other session may have its id or its place before.
    const pipeline = releaseStep("pipeline", {
      step: () => this.#pipeline?.close(reason),
      limit: null,
      clock,
      log: this.#log,
    });
    if (viewer !== undefined) await farewell(viewer.peer, { reason, clock });
    await release("connection", () => viewer?.close(reason.detail));
    await release("stream", () => this.#live?.close());
    await pipeline;
  }

  #step(event: SessionEvent): SessionState | null {
    const next = nextState(this.#state, event);
    if (next !== null) this.#state = next;
    return next;
  }
}
