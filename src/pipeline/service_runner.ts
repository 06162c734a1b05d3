import type { Chunk, PipelineContext, PipelineLog, ServerPushService, StreamRequest } from "./contract.ts";
import type { HostCaller } from "./host_caller.ts";
import { openHostedVideo } from "./hosted_video.ts";
import type { LoadMessage, WorkerMessage } from "./protocol.ts";
import { packChunk } from "./wire_chunk.ts";

interface RunningStream {
  readonly chunks: AsyncIterator<Chunk> | Iterator<Chunk>;
  readonly abort: AbortController;
}

/** Drives the user's service in the worker. Every call into user code is caught here and told to the host. */
export class ServiceRunner {
  readonly #send: (message: WorkerMessage, transfer?: Transferable[]) => void;
  readonly #caller: HostCaller;
  readonly #stopping = new AbortController();
  readonly #streams = new Map<string, RunningStream>();
  #service: ServerPushService | undefined;

  constructor(
    { send, caller }: { send: (message: WorkerMessage, transfer?: Transferable[]) => void; caller: HostCaller },
  ) {
    this.#send = send;
    this.#caller = caller;
  }

  /** Imports the module, gets its service and starts it. */
  async load({ url, media }: LoadMessage): Promise<void> {
    let during = "import";
    try {
      const module: unknown = await import(url);
      this.#send({ t: "loaded" });
      during = "getService()";
      const getService = (module as { getService?: unknown }).getService;
      if (typeof getService !== "function") {
        throw new Error("the module has no getService(); export function getService() { return new MyService(); }");
      }
      const service: unknown = await getService();
      const mode = detectMode(service);
      this.#service = service as ServerPushService;
      during = "start()";
      await this.#service.start?.(this.#context(media));
      const { defaultFps } = this.#service;
      this.#send({ t: "ready", mode, defaultFps: typeof defaultFps === "number" ? defaultFps : null });
    } catch (error) {
      this.#send({ t: "failed", during, ...describe(error) });
    }
  }

  /** Begins one call of `serve()`; chunks come one for each `next`. */
  serve(id: string, request: unknown): void {
    const abort = new AbortController();
    try {
      const service = this.#service;
      if (service === undefined) throw new Error("the service is not running");
      const session = { log: this.#log(id), signal: abort.signal };
      const chunks = iterate(service.serve(request as StreamRequest, session));
      this.#streams.set(id, { chunks, abort });
    } catch (error) {
      this.#end(id, describe(error));
    }
  }

  /** Has the generator make its next chunk. */
  async next(id: string): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    try {
      const step = await stream.chunks.next();
      if (!this.#streams.has(id)) return;
      if (step.done === true) {
        this.#streams.delete(id);
        this.#end(id, null);
        return;
      }
      const { chunk, transfer } = packChunk(step.value);
      this.#send({ t: "chunk", id, chunk }, transfer);
    } catch (error) {
      if (this.#streams.delete(id)) this.#end(id, describe(error));
    }
  }

  /** Ends a stream from outside: its signal aborts and its generator is returned. */
  async cancel(id: string): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    stream.abort.abort();
    try {
      await stream.chunks.return?.();
      this.#end(id, null);
    } catch (error) {
      this.#end(id, describe(error));
    }
  }

  /** Ends all streams and stops the service. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#streams.keys()].map((id) => this.cancel(id)));
    try {
      await this.#service?.stop?.();
      this.#send({ t: "stopped", error: null });
    } catch (error) {
      this.#send({ t: "stopped", error: describe(error).detail });
    }
  }

  #end(id: string, error: { detail: string; stack: string } | null): void {
    this.#send({ t: "end", id, error: error?.detail ?? null, stack: error?.stack ?? "" });
  }

  #context(media: readonly string[]): PipelineContext {
    return {
      log: this.#log(null),
      signal: this.#stopping.signal,
      media: [...media],
      openVideo: (path, options) => openHostedVideo(this.#caller, path, options),
    };
  }

  #log(session: string | null): PipelineLog {
    const write = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: object) => {
      this.#send({ t: "log", level, message: String(message), fields: toPlain(fields), session });
    };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }
}

function detectMode(service: unknown): "server_push" | "bidirectional" {
  if (typeof service !== "object" || service === null) {
    throw new Error("getService() returned no object; return one with a serve() method");
  }
  const has = (name: string) => typeof (service as Record<string, unknown>)[name] === "function";
  if (["createSession", "pushChunk", "pullChunks", "closeSession"].every(has)) return "bidirectional";
  if (has("serve")) return "server_push";
  throw new Error("the service has no serve(request) method; it must be an async generator: async *serve(request)");
}

function iterate(chunks: AsyncIterable<Chunk> | Iterable<Chunk>): AsyncIterator<Chunk> | Iterator<Chunk> {
  if (typeof chunks === "object" && chunks !== null) {
    if (Symbol.asyncIterator in chunks) return chunks[Symbol.asyncIterator]();
    if (Symbol.iterator in chunks) return chunks[Symbol.iterator]();
  }
  throw new Error("serve() returned nothing to iterate; make it an async generator: async *serve(request)");
}

function describe(error: unknown): { detail: string; stack: string } {
  if (error instanceof Error) return { detail: error.message || error.name, stack: error.stack ?? "" };
  return { detail: String(error), stack: "" };
}

/** Values that cross the port for certain. */
function toPlain(fields: object | undefined): Record<string, unknown> {
  if (fields === undefined) return {};
  try {
    return JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
  } catch (error) {
    return { unprintable: String(error) };
  }
}
