import { type Clock, type Timer, withTimeLimit } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { isWorthLogging, type Log } from "../log.ts";
import { type KeyFrameProbe, parseChunk } from "./chunk_schema.ts";
import type { PipelineLimits } from "./limits.ts";
import { toFileUrl } from "./paths.ts";
import type { OpenLink, PipelineLink } from "./pipeline_link.ts";
import { PipelineSession } from "./pipeline_session.ts";
import type { HostMessage, WorkerMessage } from "./protocol.ts";
import type { VideoDesk } from "./video_desk.ts";
import { parseViewerMedia, type ViewerMedia } from "./viewer_media.ts";
import { readWorkerMessage } from "./worker_message.ts";

/** Broken chunks in a row after which a stream is given up. */
const MAX_INVALID_RUN = 100;
/** Messages a second from the worker's side beyond which it counts as a flood; ten sessions at 60 fps make some 1300. */
const MAX_MESSAGES = 20_000;
/** Seconds between two pings. */
const PING_INTERVAL = 1;

/** How a pipeline is used: one request in and chunks out, or messages both ways. */
export type StreamMode = "server_push" | "bidirectional";

/** What a pipeline said of itself when it was ready. */
export interface ReadyPipeline {
  readonly mode: StreamMode;
  readonly defaultFps: number | undefined;
  /** What of the viewer's camera and microphone the service takes; nothing for one that pushes. */
  readonly viewerMedia: ViewerMedia;
}

/** What one run of a pipeline is made with. */
export interface PipelineRunOptions {
  /** Absolute path of the pipeline module. */
  readonly entry: string;
  readonly media: readonly string[];
  readonly openLink: OpenLink;
  readonly desk: VideoDesk;
  readonly probe: KeyFrameProbe;
  readonly limits: PipelineLimits;
  readonly clock: Clock;
  readonly log: Log;
  /** Chunks and messages that broke the rules, over all runs. */
  readonly counters: PipelineCounters;
}

/** What went wrong since the start. */
export interface PipelineCounters {
  /** Chunks that broke the schema. */
  invalidChunks: number;
  /** Errors that nobody in the pipeline caught. */
  uncaughtErrors: number;
  /** Times the worker had to be replaced. */
  restarts: number;
}

/** A pipeline in one worker, from its start to its end. A worker that is lost takes the sessions that it had with it. */
export class PipelineRun {
  readonly #options: PipelineRunOptions;
  readonly #log: Log;
  /** By a key of our own, as an id may come again while the session before it is still being released. */
  readonly #sessions = new Map<string, { readonly session: PipelineSession; readonly id: string }>();
  #lastKey = 0;
  readonly #ready = Promise.withResolvers<ReadyPipeline>();
  readonly #ended = Promise.withResolvers<string>();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #link: PipelineLink;
  #mode: StreamMode | undefined;
  #isOver = false;
  #timer: Timer;
  #second = { began: 0, messages: 0 };
  #strangers = 0;
  /** Since when a ping is without an answer. */
  #askedAt: number | undefined;

  constructor(options: PipelineRunOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#ready.promise.catch(() => undefined);
    const { clock, entry, media, limits } = options;
    this.#link = options.openLink({
      received: (message) => this.#receive(message),
      lost: (detail) => this.#fail(`the pipeline's worker ended: ${detail}`),
    });
    this.#timer = clock.schedule(limits.startSeconds, () => {
      this.#fail(`the pipeline was not ready within ${limits.startSeconds} s`);
    });
    const { chunkBytes, chunkFrames } = limits;
    this.#send({ t: "load", url: toFileUrl(entry).href, media, limits: { chunkBytes, chunkFrames } });
  }

  /** Where it runs, for people. */
  get place(): string {
    return this.#link.name;
  }

  /**
   * Resolves when the pipeline runs.
   *
   * @throws StreamError `pipeline_failed` with the reason
   */
  get ready(): Promise<ReadyPipeline> {
    return this.#ready.promise;
  }

  /** Resolves with the reason when the run is over and all of its sessions have been told. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /**
   * Opens a session: one call of `serve()`, or of `createSession()` and then `pullChunks()`.
   *
   * @throws StreamError `invalid_request` when the request cannot be handed to the worker
   */
  open(request: { readonly session_id: string; readonly [field: string]: unknown }): PipelineSession {
    const key = String(++this.#lastKey);
    const id = request.session_id;
    const session = new PipelineSession({
      requestNext: () => this.#send({ t: "next", id: key }),
      push: (lane, message, transfer) => this.#send({ t: "push", id: key, lane, message }, transfer),
      close: (reason) => {
        if (!this.#sessions.has(key)) return session.release();
        this.#send({ t: "close", id: key, reason });
        void this.#limitClosing(key);
      },
    });
    try {
      this.#send({ t: "open", id: key, request });
    } catch (cause) {
      const detail = `the offer does not reach the pipeline: ${messageOf(cause)}; nest its fields less deeply`;
      throw new StreamError("invalid_request", detail, { cause });
    }
    this.#sessions.set(key, { session, id });
    if (this.#mode === "bidirectional") void this.#limitOpening(session);
    return session;
  }

  /** Stops the service and ends the worker, by force when it does not answer. */
  async stop(reason: string): Promise<void> {
    const { clock, limits } = this.#options;
    if (this.#mode !== undefined && !this.#isOver) {
      this.#send({ t: "stop" });
      const outcome = await withTimeLimit(clock, limits.closeSeconds, this.#stopped.promise);
      if (outcome === "timeout") this.#log.warn(`stop() took more than ${limits.closeSeconds} s; its worker is ended`);
    }
    this.#end(reason);
  }

  #send(message: HostMessage, transfer: Transferable[] = []): void {
    if (!this.#isOver) this.#link.send(message, transfer);
  }

  #receive(data: unknown): void {
    if (this.#isOver) return;
    if (this.#isFlood()) return this.#fail(`the pipeline floods the server: over ${MAX_MESSAGES} messages in a second`);
    const message = readWorkerMessage(data);
    if (message !== null) return this.#handle(message);
    if (isWorthLogging(++this.#strangers)) this.#log.warn("ignored a message that is not of the protocol");
  }

  #handle(message: WorkerMessage): void {
    switch (message.t) {
      case "loaded":
        return this.#log.debug("module loaded");
      case "ready":
        return this.#becomeReady(message);
      case "failed":
        this.#log.debug(message.stack);
        return this.#fail(`${message.during} failed: ${message.detail}`);
      case "chunk":
        return this.#receiveChunk(message.id, message.chunk);
      case "opened":
        return this.#sessions.get(message.id)?.session.accept();
      case "refused":
        return this.#refused(message);
      case "taken":
        return this.#sessions.get(message.id)?.session.inbox.taken(message.lane);
      case "end":
        return this.#endSession(message);
      case "close_failed": {
        const { during, detail } = message;
        return this.#log.error(`${during} failed: ${detail}`, { session: this.#sessions.get(message.id)?.id });
      }
      case "closed":
        this.#sessions.get(message.id)?.session.release();
        return void this.#sessions.delete(message.id);
      case "log":
        return this.#print(message);
      case "fault":
        return this.#fault(message);
      case "left":
        return this.#fail(`the pipeline ended its own worker by calling ${message.by}`);
      case "call":
        return void this.#answer(message);
      case "pong":
        this.#askedAt = undefined;
        return;
      case "stopped":
        if (message.error !== null) this.#log.error(`stop() failed: ${message.error}`);
        return this.#stopped.resolve();
    }
  }

  #becomeReady({ mode, defaultFps, viewerMedia }: Extract<WorkerMessage, { t: "ready" }>): void {
    if (this.#mode !== undefined) return;
    const media = parseViewerMedia(mode === "bidirectional" ? viewerMedia : { video: false, audio: false });
    if ("fault" in media) return this.#fail(`the service's viewerMedia does not hold: ${media.fault}`);
    const fps = defaultFps !== null && defaultFps >= 0.1 && defaultFps <= 240 ? defaultFps : undefined;
    this.#mode = mode;
    this.#timer.cancel();
    this.#watch();
    this.#ready.resolve({ mode, defaultFps: fps, viewerMedia: media });
  }

  /** A worker that is blocked answers nothing. */
  #watch(): void {
    const { clock, limits } = this.#options;
    this.#timer = clock.schedule(Math.min(PING_INTERVAL, limits.heartbeatSeconds / 4), () => {
      const now = clock.now();
      if (this.#askedAt !== undefined && now - this.#askedAt > limits.heartbeatSeconds) {
        const detail =
          `the pipeline gave no sign of life for ${limits.heartbeatSeconds} s; it blocks its worker, or has ` +
          "ended it. Long computations need an await now and then";
        return this.#fail(detail);
      }
      if (this.#askedAt === undefined) {
        this.#askedAt = now;
        this.#send({ t: "ping" });
      }
      this.#watch();
    });
  }

  #isFlood(): boolean {
    const now = this.#options.clock.now();
    if (now - this.#second.began >= 1) this.#second = { began: now, messages: 0 };
    return ++this.#second.messages > MAX_MESSAGES;
  }

  async #limitOpening(session: PipelineSession): Promise<void> {
    const { clock, limits: { openSeconds } } = this.#options;
    const opened = session.opened.catch(() => undefined);
    if (await withTimeLimit(clock, openSeconds, opened) !== "timeout") return;
    session.end(new StreamError("timeout", `createSession() took more than ${openSeconds} s`));
  }

  /** One that does not let go of a session keeps neither its viewer nor its place waiting. */
  async #limitClosing(key: string): Promise<void> {
    const { clock, limits: { closeSeconds } } = this.#options;
    const entry = this.#sessions.get(key);
    if (entry === undefined || await withTimeLimit(clock, closeSeconds, entry.session.released) !== "timeout") return;
    this.#log.warn(`the pipeline took more than ${closeSeconds} s to let go of the session`, { session: entry.id });
    this.#sessions.delete(key);
    this.#send({ t: "let_go", id: key });
    entry.session.release();
  }

  #refused({ id: key, conflict, detail, stack }: Extract<WorkerMessage, { t: "refused" }>): void {
    const entry = this.#sessions.get(key);
    if (entry === undefined) return;
    this.#log.warn(`createSession() refused: ${detail}`, { session: entry.id });
    this.#log.debug(stack);
    entry.session.end(new StreamError(conflict ? "session_exists" : "pipeline_failed", detail));
  }

  #receiveChunk(key: string, wire: unknown): void {
    const entry = this.#sessions.get(key);
    if (entry === undefined) return;
    const { session, id } = entry;
    const { probe, limits, counters } = this.#options;
    const parsed = parseChunk(wire, { probe, limits });
    if ("chunk" in parsed) return session.deliver(parsed.chunk);
    const invalid_chunks = ++counters.invalidChunks;
    const faults = parsed.faults.slice(0, 3).map(({ field, detail }) => `${field} ${detail}`);
    for (const fault of isWorthLogging(invalid_chunks) ? faults : []) {
      this.#log.warn(`chunk left out: ${fault}`, { session: id, invalid_chunks });
    }
    if (session.skip() < MAX_INVALID_RUN) return;
    const detail = `${MAX_INVALID_RUN} chunks in a row break the schema, the last one: ${faults[0] ?? ""}`;
    session.end(new StreamError("pipeline_failed", detail));
  }

  #endSession({ id: key, error, during, stack }: Extract<WorkerMessage, { t: "end" }>): void {
    const entry = this.#sessions.get(key);
    if (entry === undefined) return;
    if (error === null) return entry.session.end(null);
    this.#log.error(`${during} failed: ${error}`, { session: entry.id });
    this.#log.debug(stack);
    entry.session.end(new StreamError("pipeline_failed", error));
  }

  #print({ level, message, fields, session }: Extract<WorkerMessage, { t: "log" }>): void {
    this.#log.write(level, message, session === null ? fields : { ...fields, session });
  }

  #fault({ detail, stack }: Extract<WorkerMessage, { t: "fault" }>): void {
    const uncaught_errors = ++this.#options.counters.uncaughtErrors;
    if (!isWorthLogging(uncaught_errors)) return;
    this.#log.error(`nobody caught: ${detail}`, { uncaught_errors });
    this.#log.debug(stack);
  }

  async #answer({ call, op, args }: Extract<WorkerMessage, { t: "call" }>): Promise<void> {
    try {
      const { value, transfer } = await this.#options.desk.answer(op, args);
      this.#send({ t: "reply", call, value }, transfer);
    } catch (error) {
      this.#send({ t: "refuse", call, detail: messageOf(error) });
    }
  }

  #fail(detail: string): void {
    if (this.#isOver) return;
    this.#log.error(detail);
    this.#end(detail);
  }

  #end(detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer.cancel();
    this.#link.close();
    this.#stopped.resolve();
    for (const { session } of this.#sessions.values()) {
      session.end(new StreamError("pipeline_failed", detail));
      session.release();
    }
    this.#sessions.clear();
    this.#ready.reject(new StreamError("pipeline_failed", detail));
    this.#ended.resolve(detail);
  }
}
