import type {
  BidirectionalService,
  ControlMessage,
  PipelineContext,
  ServerPushService,
  SessionConfig,
  SessionContext,
  SessionEnd,
  StreamRequest,
} from "./contract.ts";
import type { HostCaller } from "./host_caller.ts";
import { openHostedVideo } from "./hosted_video.ts";
import type { ChunkLimits, InputLane, LoadMessage, WorkerMessage } from "./protocol.ts";
import { type SessionCalls, SessionRunner } from "./session_runner.ts";
import { describe, toPlain } from "./thrown.ts";
import type { WorkerLog } from "./worker_log.ts";

/** A service and which kind it is. */
type Service =
  | { readonly mode: "server_push"; readonly service: ServerPushService }
  | { readonly mode: "bidirectional"; readonly service: BidirectionalService };

/** A session whose `closeSession()` runs. */
interface Closing {
  readonly id: string;
  /** Resolves with true when it has returned, with false when the host has let go of the session before that. */
  readonly released: PromiseWithResolvers<boolean>;
}

const STOPPING: SessionEnd = { code: "shutting_down", detail: "the server is shutting down" };

/** Drives the user's service in the worker. Every call into user code is caught here and told to the host. */
export class ServiceRunner {
  readonly #send: (message: WorkerMessage, transfer?: Transferable[]) => void;
  readonly #caller: HostCaller;
  readonly #log: WorkerLog;
  readonly #stopping = new AbortController();
  readonly #sessions = new Map<string, { readonly runner: SessionRunner; readonly sessionId: string }>();
  /** Sessions whose `createSession()` runs, with the reason when they are to be closed right after it. */
  readonly #opening = new Map<string, SessionEnd | null>();
  /** Sessions whose `closeSession()` runs, by the id that the server gave them. */
  readonly #closing = new Map<string, Closing>();
  /** The service's own ids of its sessions. */
  readonly #ownIds = new Map<string, string>();
  #loaded: Service | undefined;
  #limits: ChunkLimits = { chunkBytes: 0, chunkFrames: 0 };

  constructor(
    { send, caller, log }: {
      send: (message: WorkerMessage, transfer?: Transferable[]) => void;
      caller: HostCaller;
      log: WorkerLog;
    },
  ) {
    this.#send = send;
    this.#caller = caller;
    this.#log = log;
  }

  /** Imports the module, gets its service and starts it. */
  async load({ url, media, limits }: LoadMessage): Promise<void> {
    this.#limits = limits;
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
      const loaded = this.#loaded = detectMode(service);
      during = "start()";
      await loaded.service.start?.(this.#context(media));
      const { defaultFps } = loaded.service;
      this.#send({
        t: "ready",
        mode: loaded.mode,
        defaultFps: typeof defaultFps === "number" ? defaultFps : null,
        viewerMedia: loaded.mode === "bidirectional" ? toPlain(loaded.service.viewerMedia) : null,
      });
    } catch (error) {
      this.#send({ t: "failed", during, ...describe(error) });
    }
  }

  /** Opens a session; chunks come one for each `next`. */
  async open(id: string, request: { readonly session_id: string }): Promise<void> {
    const abort = new AbortController();
    const session: SessionContext = { log: this.#log.of(request.session_id), signal: abort.signal };
    this.#opening.set(id, null);
    try {
      const calls = await this.#callsFor(id, { request, session });
      const runner = new SessionRunner({ id, calls, abort, limits: this.#limits, send: this.#send });
      this.#sessions.set(id, { runner, sessionId: request.session_id });
      this.#send({ t: "opened", id });
    } catch (error) {
      abort.abort();
      this.#send({ t: "refused", id, conflict: isConflict(error), ...describe(error) });
    }
    const reason = this.#opening.get(id);
    this.#opening.delete(id);
    if (reason) await this.close(id, reason);
  }

  /** Has a session make its next chunk. */
  next(id: string): Promise<void> | undefined {
    return this.#sessions.get(id)?.runner.next();
  }

  /** Gives a session a message. */
  push(id: string, lane: InputLane, message: unknown): Promise<void> | undefined {
    return this.#sessions.get(id)?.runner.push(lane, message);
  }

  /** Ends a session from outside; one that is still being created ends right after that. */
  async close(id: string, reason: SessionEnd): Promise<void> {
    if (this.#opening.get(id) === null) this.#opening.set(id, reason);
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    if (session !== undefined) {
      const { runner, sessionId } = session;
      const closing: Closing = { id, released: Promise.withResolvers() };
      this.#closing.set(sessionId, closing);
      await runner.close(reason);
      if (this.#closing.get(sessionId) === closing) this.#closing.delete(sessionId);
      closing.released.resolve(true);
    }
    if (!this.#opening.has(id)) this.#send({ t: "closed", id });
    this.#ownIds.delete(id);
  }

  /** The host waits no longer for a session to close: who waits for its id is refused, until it has closed after all. */
  letGo(id: string): void {
    for (const closing of this.#closing.values()) if (closing.id === id) closing.released.resolve(false);
  }

  /** Ends all sessions and stops the service. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#sessions.keys()].map((id) => this.close(id, STOPPING)));
    try {
      await this.#loaded?.service.stop?.();
      this.#send({ t: "stopped", error: null });
    } catch (error) {
      this.#send({ t: "stopped", error: describe(error).detail });
    }
  }

  async #callsFor(
    id: string,
    { request, session }: { request: { readonly session_id: string }; session: SessionContext },
  ): Promise<SessionCalls> {
    const loaded = this.#loaded;
    if (loaded === undefined) throw new Error("the service is not running");
    if (loaded.mode === "server_push") {
      const { service } = loaded;
      const chunks = () => service.serve(request as StreamRequest, session);
      return { source: "serve()", chunks, push: null, close: null };
    }
    const { service } = loaded;
    // The id may come again while the session before it is still being closed: two at once would share one model.
    const isFree = await this.#closing.get(request.session_id)?.released.promise ?? true;
    if (!isFree) throw conflict("closeSession() of the session before it has not returned; leave session_id out");
    if (this.#opening.get(id) !== null) throw new Error("the session was closed before it began");
    const own: unknown = await service.createSession(request as SessionConfig, session);
    if (typeof own !== "string" || own === "") {
      throw new Error("createSession() returned no id; return a text, for example config.session_id");
    }
    for (const [other, taken] of this.#ownIds) {
      if (taken !== own || other === id) continue;
      throw conflict(`createSession() returned ${JSON.stringify(own)}, which is another session's id`);
    }
    this.#ownIds.set(id, own);
    return {
      source: "pullChunks()",
      chunks: () => service.pullChunks(own),
      push: (message) => service.pushChunk(own, message as ControlMessage),
      close: (reason) => service.closeSession(own, reason),
    };
  }

  #context(media: readonly string[]): PipelineContext {
    return {
      log: this.#log.of(null),
      signal: this.#stopping.signal,
      media: [...media],
      openVideo: (path, options) => openHostedVideo(this.#caller, path, options),
    };
  }
}

/** An id that another session has. */
function conflict(detail: string): Error {
  return Object.assign(new Error(detail), { code: "session_exists" });
}

const BIDIRECTIONAL = ["createSession", "pushChunk", "pullChunks", "closeSession"];

function detectMode(service: unknown): Service {
  if (typeof service !== "object" || service === null) {
    throw new Error("getService() returned no object; return one with a serve() method");
  }
  const has = (name: string) => typeof (service as Record<string, unknown>)[name] === "function";
  if (BIDIRECTIONAL.every(has)) return { mode: "bidirectional", service: service as BidirectionalService };
  if (has("serve")) return { mode: "server_push", service: service as ServerPushService };
  if (BIDIRECTIONAL.some(has)) {
    const missing = BIDIRECTIONAL.filter((name) => !has(name)).map((name) => `${name}()`).join(", ");
    throw new Error(`the service has no ${missing}; a bidirectional one needs ${BIDIRECTIONAL.join(", ")}`);
  }
  throw new Error("the service has no serve(request) method; it must be an async generator: async *serve(request)");
}

/** Whether a pipeline refuses a session because another one is in its way; whatever it threw. */
function isConflict(thrown: unknown): boolean {
  try {
    return (thrown as { code?: unknown } | null)?.code === "session_exists";
  } catch {
    // A getter or a proxy that throws names no conflict.
    return false;
  }
}
