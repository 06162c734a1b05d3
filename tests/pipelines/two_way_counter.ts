import type { BidirectionalService, Chunk, ControlMessage, MediaMessage, SessionConfig } from "telefuser";

interface Session {
  readonly pushMs: number;
  unsaid: unknown[];
  wake: () => void;
  isOpen: boolean;
}

const sessions = new Map<string, Session>();

/** Answers with `seen`, the `n` of the messages since the chunk before; `config.push_ms` is how long it takes one. */
class TwoWayCounter implements BidirectionalService {
  createSession({ session_id, push_ms }: SessionConfig): string {
    const pushMs = typeof push_ms === "number" ? push_ms : 0;
    sessions.set(session_id, { pushMs, unsaid: [], wake: () => undefined, isOpen: true });
    return session_id;
  }

  async pushChunk(id: string, message: ControlMessage | MediaMessage): Promise<void> {
    const session = sessions.get(id);
    if (session === undefined) return;
    if (session.pushMs > 0) await new Promise((done) => setTimeout(done, session.pushMs));
    session.unsaid.push((message as ControlMessage).n);
    session.wake();
  }

  async *pullChunks(id: string): AsyncGenerator<Chunk> {
    const session = sessions.get(id);
    while (session?.isOpen) {
      if (session.unsaid.length > 0) yield { seen: session.unsaid.splice(0) };
      else await new Promise<void>((wake) => session.wake = wake);
    }
  }

  closeSession(id: string): void {
    const session = sessions.get(id);
    sessions.delete(id);
    if (session === undefined) return;
    session.isOpen = false;
    session.wake();
  }
}

export function getService(): BidirectionalService {
  return new TwoWayCounter();
}
