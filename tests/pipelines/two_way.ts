import type { BidirectionalService, Chunk, ControlMessage, MediaMessage, SessionConfig, SessionEnd } from "telefuser";

/** One session: what has come in, and a wake-up for whoever waits for it. */
interface Session {
  readonly config: SessionConfig;
  readonly received: (ControlMessage | MediaMessage)[];
  wake: () => void;
  isOpen: boolean;
}

const sessions = new Map<string, Session>();

/** What the session before the last one was closed with, for tests that ask the next session. */
let lastEnd: SessionEnd | null = null;

/**
 * Answers every message with a chunk that holds it. A message `{ do: "throw in pull" }` and the like makes that method
 * throw, `config.refuse` and `config.conflict` make `createSession()` throw.
 */
class TwoWay implements BidirectionalService {
  createSession(config: SessionConfig): string {
    if (typeof config.refuse === "string") throw new Error(config.refuse);
    if (config.conflict === true) throw Object.assign(new Error("the model is taken"), { code: "session_exists" });
    const id = typeof config.own_id === "string" ? config.own_id : config.session_id;
    sessions.set(id, { config, received: [], wake: () => undefined, isOpen: true });
    return id;
  }

  async pushChunk(id: string, message: ControlMessage | MediaMessage): Promise<void> {
    const session = sessions.get(id);
    if (session === undefined) throw new Error(`no session ${id}`);
    const control = message as ControlMessage;
    if (control.do === "throw in push") throw new Error("pushed too far");
    if (typeof control.slow_ms === "number") await new Promise((done) => setTimeout(done, control.slow_ms as number));
    session.received.push(message);
    session.wake();
  }

  async *pullChunks(id: string): AsyncGenerator<Chunk> {
    const session = sessions.get(id);
    if (session === undefined) return;
    yield { greeting: "hello", config: session.config, last_end: lastEnd };
    while (session.isOpen) {
      const message = session.received.shift() as ControlMessage | undefined;
      if (message === undefined) {
        await new Promise<void>((wake) => session.wake = wake);
        continue;
      }
      if (message.do === "throw in pull") throw new Error("pulled too hard");
      if (message.do === "finish") return;
      if (message.do === "nested") yield { data: { frames: [gray()], fps: 24, note: "nested" }, outer: 1 };
      else if (message.do === "picture") yield { frames: [gray()], fps: 24, applied_controls: [message.id ?? 0] };
      else yield { echo: message };
    }
  }

  closeSession(id: string, reason: SessionEnd): void {
    const session = sessions.get(id);
    if (session === undefined) return;
    lastEnd = reason;
    session.isOpen = false;
    session.wake();
    sessions.delete(id);
    if (session.config.fail_to_close === true) throw new Error("the door is stuck");
  }
}

function gray() {
  const data = new Uint8Array(64 * 48 * 1.5).fill(128);
  return { format: "i420" as const, data, width: 64, height: 48 };
}

export function getService(): BidirectionalService {
  return new TwoWay();
}
