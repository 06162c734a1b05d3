import { type Clock, withTimeLimit } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { isWorthLogging, Log, type LogLevel } from "../log.ts";
import type { OpenVideoFile } from "../media/mod.ts";
import { type KeyFrameProbe, parseChunk } from "./chunk_schema.ts";
import { toFileUrl } from "./paths.ts";
import type { PipelinePermissions } from "./permissions.ts";
import { PipelineSession } from "./pipeline_session.ts";
import type { HostMessage, WorkerMessage } from "./protocol.ts";
import { VideoDesk } from "./video_desk.ts";
import { parseViewerMedia, type ViewerMedia } from "./viewer_media.ts";

export type { ViewerMedia };

/** Seconds that `stop()` of a pipeline may take before its worker is ended. */
const STOP_LIMIT = 5;
/** Seconds that `createSession()` may take. */
const OPEN_LIMIT = 30;
/** Broken chunks in a row after which a stream is given up. */
const MAX_INVALID_RUN = 100;
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** How a pipeline is used: one request in and chunks out, or messages both ways. */
export type StreamMode = "server_push" | "bidirectional";

/** Where a pipeline stands. */
export type PipelineStatus =
  | { readonly state: "idle" | "starting" | "stopped" }
  | {
    readonly state: "running";
    readonly mode: StreamMode;
    readonly defaultFps: number | undefined;
    /** What of the viewer's camera and microphone the service takes; nothing for one that pushes. */
    readonly viewerMedia: ViewerMedia;
  }
  | { readonly state: "failed"; readonly detail: string };

/** What a host needs. */
export interface PipelineHostOptions {
  /** Absolute path of the pipeline module. */
  readonly entry: string;
  readonly permissions: PipelinePermissions;
  readonly media: readonly string[];
  readonly assets: ReadonlyMap<string, string>;
  readonly openVideo: OpenVideoFile;
  readonly probe: KeyFrameProbe;
  readonly clock: Clock;
}

/** Runs one pipeline in a worker of its own and talks to it over a port. */
export class PipelineHost {
  readonly #options: PipelineHostOptions;
  readonly #log: Log;
  readonly #desk: VideoDesk;
  /** By a key of our own, as an id may come again while the session before it is still being released. */
  readonly #sessions = new Map<string, { readonly session: PipelineSession; readonly id: string }>();
  #lastKey = 0;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #started = Promise.withResolvers<void>();
  #status: PipelineStatus = { state: "idle" };
  #worker: Worker | undefined;
  #port: MessagePort | undefined;
  #invalidChunks = 0;

  constructor(options: PipelineHostOptions) {
    this.#options = options;
    this.#log = new Log(`pipeline ${options.entry.split(/[\\/]/).at(-1) ?? ""}`);
    this.#desk = new VideoDesk(options);
  }

  get status(): PipelineStatus {
    return this.#status;
  }

  /** Chunks that broke the schema since the start. */
  get invalidChunks(): number {
    return this.#invalidChunks;
  }

  /** Loads and starts the pipeline; resolves when it runs or has failed. It does not throw: see `status`. */
  async start(): Promise<void> {
    this.#status = { state: "starting" };
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<unknown>) => this.#receive(data);
    const worker = this.#worker = new Worker(new URL("./worker_entry.ts", import.meta.url).href, {
      type: "module",
      name: "pipeline",
      deno: { permissions: this.#options.permissions.worker },
    });
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(`the pipeline's worker ended: ${event.message}`);
    };
    worker.postMessage(null, [port2]);
    this.#send({ t: "load", url: toFileUrl(this.#options.entry).href, media: this.#options.media });
    await this.#started.promise;
  }

  /**
   * Opens a session: one call of `serve()`, or of `createSession()` and then `pullChunks()`.
   *
   * @throws StreamError `service_not_running`; `invalid_request` when the request cannot be handed to the worker
   */
  open(request: { readonly session_id: string; readonly [field: string]: unknown }): PipelineSession {
    if (this.#status.state !== "running") throw new StreamError("service_not_running", this.reasonNotRunning());
    const key = String(++this.#lastKey);
    const id = request.session_id;
    const session = new PipelineSession({
      requestNext: () => this.#send({ t: "next", id: key }),
      push: (lane, message, transfer) => this.#send({ t: "push", id: key, lane, message }, transfer),
      close: (reason) => {
        if (this.#sessions.has(key)) this.#send({ t: "close", id: key, reason });
        else session.release();
      },
    });
    try {
      this.#send({ t: "open", id: key, request });
    } catch (cause) {
      const detail = `the offer does not reach the pipeline: ${messageOf(cause)}; nest its fields less deeply`;
      throw new StreamError("invalid_request", detail, { cause });
    }
    this.#sessions.set(key, { session, id });
    if (this.#status.mode === "bidirectional") void this.#limitOpening(session);
    return session;
  }

  /** Why an offer cannot be served now, in words. */
  reasonNotRunning(): string {
    switch (this.#status.state) {
      case "failed":
        return `Stream service is not running: ${this.#status.detail}`;
      case "stopped":
        return "Stream service is not running: the server is shutting down";
      case "idle":
      case "starting":
        return "Stream service is not running: the pipeline is still starting; try again in a moment";
      case "running":
        return "";
    }
  }

  /** Stops the service and ends the worker, by force when it does not answer. */
  async stop(): Promise<void> {
    const wasRunning = this.#status.state === "running";
    this.#status = { state: "stopped" };
    if (this.#worker === undefined) return;
    if (wasRunning) {
      this.#send({ t: "stop" });
      const outcome = await withTimeLimit(this.#options.clock, STOP_LIMIT, this.#stopped.promise);
      if (outcome === "timeout") this.#log.warn(`stop() took more than ${STOP_LIMIT} s; its worker is ended`);
    }
    await this.#end("the server is shutting down");
  }

  #send(message: HostMessage, transfer: Transferable[] = []): void {
    this.#port?.postMessage(message, transfer);
  }

  #receive(data: unknown): void {
    const message = data as WorkerMessage;
    switch (message?.t) {
      case "loaded":
        return this.#log.debug("module loaded");
      case "ready":
        return this.#ready(message);
      case "failed":
        this.#log.debug(String(message.stack));
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
        return this.#receiveLog(message);
      case "call":
        return void this.#answer(message);
      case "stopped":
        if (message.error !== null) this.#log.error(`stop() failed: ${message.error}`);
        return this.#stopped.resolve();
      default:
        return this.#log.warn("ignored a message that is not of the protocol");
    }
  }

  #ready({ mode, defaultFps, viewerMedia }: Extract<WorkerMessage, { t: "ready" }>): void {
    if (this.#status.state !== "starting") return;
    const media = parseViewerMedia(mode === "bidirectional" ? viewerMedia : { video: false, audio: false });
    if ("fault" in media) return this.#fail(`the service's viewerMedia does not hold: ${media.fault}`);
    const fps = typeof defaultFps === "number" && defaultFps >= 0.1 && defaultFps <= 240 ? defaultFps : undefined;
    const known: StreamMode = mode === "bidirectional" ? "bidirectional" : "server_push";
    this.#status = { state: "running", mode: known, defaultFps: fps, viewerMedia: media };
    this.#started.resolve();
  }

  async #limitOpening(session: PipelineSession): Promise<void> {
    const opened = session.opened.catch(() => undefined);
    if (await withTimeLimit(this.#options.clock, OPEN_LIMIT, opened) !== "timeout") return;
    session.end(new StreamError("timeout", `createSession() took more than ${OPEN_LIMIT} s`));
  }

  #refused({ id: key, conflict, detail, stack }: Extract<WorkerMessage, { t: "refused" }>): void {
    const entry = this.#sessions.get(key);
    if (entry === undefined) return;
    this.#log.warn(`createSession() refused: ${String(detail)}`, { session: entry.id });
    this.#log.debug(String(stack));
    entry.session.end(new StreamError(conflict === true ? "session_exists" : "pipeline_failed", String(detail)));
  }

  #receiveChunk(key: string, wire: unknown): void {
    const entry = this.#sessions.get(key);
    if (entry === undefined) return;
    const { session, id } = entry;
    const parsed = parseChunk(wire, this.#options.probe);
    if ("chunk" in parsed) return session.deliver(parsed.chunk);
    const invalid_chunks = ++this.#invalidChunks;
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
    this.#log.error(`${String(during)} failed: ${String(error)}`, { session: entry.id });
    this.#log.debug(String(stack));
    entry.session.end(new StreamError("pipeline_failed", String(error)));
  }

  #receiveLog({ level, message, fields, session }: Extract<WorkerMessage, { t: "log" }>): void {
    const known = LOG_LEVELS.find((one) => one === level) ?? "info";
    const shown = typeof fields === "object" && fields !== null ? fields : {};
    this.#log.write(known, String(message), session === null ? shown : { ...shown, session });
  }

  async #answer({ call, op, args }: Extract<WorkerMessage, { t: "call" }>): Promise<void> {
    try {
      const { value, transfer } = await this.#desk.answer(String(op), args);
      this.#send({ t: "reply", call, value }, transfer);
    } catch (error) {
      this.#send({ t: "refuse", call, detail: messageOf(error) });
    }
  }

  #fail(detail: string): void {
    if (this.#status.state === "stopped" || this.#status.state === "failed") return;
    this.#status = { state: "failed", detail };
    this.#log.error(detail);
    this.#started.resolve();
    this.#stopped.resolve();
    void this.#end(detail);
  }

  async #end(detail: string): Promise<void> {
    for (const { session } of this.#sessions.values()) {
      session.end(new StreamError("pipeline_failed", detail));
      session.release();
    }
    this.#sessions.clear();
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#port?.close();
    this.#port = undefined;
    await this.#desk.close();
  }
}
