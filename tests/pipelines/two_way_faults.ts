import type {
  BidirectionalService,
  Chunk,
  ControlMessage,
  MediaMessage,
  PipelineContext,
  PipelineLog,
  SessionConfig,
  SessionContext,
} from "telefuser";
import type { SessionEnd } from "telefuser";

interface Session {
  readonly config: SessionConfig;
  readonly context: SessionContext;
  closed: number;
  received: number;
}

const sessions = new Map<string, Session>();

/**
 * Breaks where `config.fault` says: `create`, `no id`, `push`, `push later`, `wordy`, `pull`, `first chunk`, `midway`, `close` or
 * `close later`; `config.chunks` is how many it makes. `config.create_ms` is how long `createSession()` takes,
 * `config.close_ms` how long `closeSession()` does. Every call of `closeSession()` is logged, and that of `stop()`, which throws.
 */
class TwoWayFaults implements BidirectionalService {
  #log: PipelineLog | undefined;

  start({ log }: PipelineContext): void {
    this.#log = log;
  }

  stop(): void {
    this.#log?.info("stop was called");
    throw new Error("stop broke");
  }

  async createSession(config: SessionConfig, context: SessionContext): Promise<string> {
    context.log.info("createSession has begun");
    if (typeof config.create_ms === "number") await sleep(config.create_ms);
    if (config.fault === "create") throw new Error("create broke");
    if (config.fault === "no id") return undefined as unknown as string;
    sessions.set(config.session_id, { config, context, closed: 0, received: 0 });
    return config.session_id;
  }

  pushChunk(id: string, message: ControlMessage | MediaMessage): void | Promise<void> {
    const session = sessionOf(id);
    session.received++;
    if (message.type !== "control") return;
    if (session.config.fault === "push") throw new Error("push broke");
    if (session.config.fault === "wordy") throw new Error(`wordy ${"x".repeat(300_000)}`);
    if (session.config.fault === "push later") {
      return sleep(5).then(() => Promise.reject(new Error("push later broke")));
    }
  }

  pullChunks(id: string): AsyncIterable<Chunk> {
    const session = sessionOf(id);
    if (session.config.fault === "pull") throw new Error("pull broke");
    return chunks(session);
  }

  closeSession(id: string, reason: SessionEnd): void | Promise<void> {
    const session = sessionOf(id);
    session.context.log.info("closeSession was called", { times: ++session.closed, code: reason.code });
    if (typeof session.config.close_ms === "number") return sleep(session.config.close_ms);
    if (session.config.fault === "close") throw new Error("close broke");
    if (session.config.fault === "close later") {
      return sleep(5).then(() => Promise.reject(new Error("close later broke")));
    }
  }
}

async function* chunks({ config, context }: Session): AsyncGenerator<Chunk> {
  if (config.fault === "first chunk") throw new Error("first chunk broke");
  const count = typeof config.chunks === "number" ? config.chunks : Number.POSITIVE_INFINITY;
  for (let index = 0; index < count && !context.signal.aborted; index++) {
    if (config.fault === "midway" && index === 3) throw new Error("midway broke");
    const data = new Uint8Array(64 * 48 * 1.5).fill(100 + index % 50);
    yield { frames: [{ format: "i420", data, width: 64, height: 48 }], fps: 24, step: index };
    await sleep(1);
  }
}

function sessionOf(id: string): Session {
  const session = sessions.get(id);
  if (session === undefined) throw new Error(`no session ${id}`);
  return session;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

export function getService(): BidirectionalService {
  return new TwoWayFaults();
}
