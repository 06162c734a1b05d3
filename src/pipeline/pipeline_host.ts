import { type Clock, withTimeLimit } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { isWorthLogging, Log, type LogLevel } from "../log.ts";
import type { OpenVideoFile } from "../media/mod.ts";
import { type KeyFrameProbe, parseChunk } from "./chunk_schema.ts";
import { toFileUrl } from "./paths.ts";
import type { PipelinePermissions } from "./permissions.ts";
import { PipelineStream } from "./pipeline_stream.ts";
import type { HostMessage, WorkerMessage } from "./protocol.ts";
import { VideoDesk } from "./video_desk.ts";

/** Seconds that `stop()` of a pipeline may take before its worker is ended. */
const STOP_LIMIT = 5;
/** Broken chunks in a row after which a stream is given up. */
const MAX_INVALID_RUN = 100;
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** How a pipeline is used: one request in and chunks out, or messages both ways. */
export type StreamMode = "server_push" | "bidirectional";

/** Where a pipeline stands. */
export type PipelineStatus =
  | { readonly state: "idle" | "starting" | "stopped" }
  | { readonly state: "running"; readonly mode: StreamMode; readonly defaultFps: number | undefined }
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
  readonly #streams = new Map<string, PipelineStream>();
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
   * Begins one call of `serve()`.
   *
   * @throws StreamError `service_not_running`
   */
  serve(request: { session_id: string; [field: string]: unknown }): PipelineStream {
    const id = request.session_id;
    if (this.#status.state !== "running") throw new StreamError("service_not_running", this.reasonNotRunning());
    const stream = new PipelineStream(id, {
      requestNext: () => this.#send({ t: "next", id }),
      cancel: () => this.#send({ t: "cancel", id }),
    });
    this.#streams.set(id, stream);
    this.#send({ t: "serve", id, request });
    return stream;
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
      case "end":
        return this.#endStream(message);
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

  #ready({ mode, defaultFps }: Extract<WorkerMessage, { t: "ready" }>): void {
    if (this.#status.state !== "starting") return;
    if (mode !== "server_push") {
      return this.#fail("the service is bidirectional (createSession, pushChunk, …); only serve() is served");
    }
    const fps = typeof defaultFps === "number" && defaultFps >= 0.1 && defaultFps <= 240 ? defaultFps : undefined;
    this.#status = { state: "running", mode, defaultFps: fps };
    this.#started.resolve();
  }

  #receiveChunk(id: string, wire: unknown): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    const parsed = parseChunk(wire, this.#options.probe);
    if ("chunk" in parsed) return stream.deliver(parsed.chunk);
    const invalid_chunks = ++this.#invalidChunks;
    const faults = parsed.faults.slice(0, 3).map(({ field, detail }) => `${field} ${detail}`);
    for (const fault of isWorthLogging(invalid_chunks) ? faults : []) {
      this.#log.warn(`chunk left out: ${fault}`, { session: id, invalid_chunks });
    }
    if (stream.skip() < MAX_INVALID_RUN) return;
    this.#streams.delete(id);
    this.#send({ t: "cancel", id });
    const detail = `${MAX_INVALID_RUN} chunks in a row break the schema, the last one: ${faults[0] ?? ""}`;
    stream.end(new StreamError("pipeline_failed", detail));
  }

  #endStream({ id, error, stack }: Extract<WorkerMessage, { t: "end" }>): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    if (error === null) return stream.end(null);
    this.#log.error(`serve() failed: ${error}`, { session: id });
    this.#log.debug(String(stack));
    stream.end(new StreamError("pipeline_failed", String(error)));
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
    for (const stream of this.#streams.values()) stream.end(new StreamError("pipeline_failed", detail));
    this.#streams.clear();
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#port?.close();
    this.#port = undefined;
    await this.#desk.close();
  }
}
