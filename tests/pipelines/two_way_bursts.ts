import type { BidirectionalService, Chunk, SessionConfig, SessionContext } from "telefuser";

const sessions = new Map<string, AbortSignal>();

/** Twelve pictures every half second, up to 30 ms early or late, whether they are asked for or not. */
class TwoWayBursts implements BidirectionalService {
  createSession({ session_id }: SessionConfig, { signal }: SessionContext): string {
    sessions.set(session_id, signal);
    return session_id;
  }

  pushChunk(): void {
    // Nothing the viewer sends changes the pace.
  }

  async *pullChunks(id: string): AsyncGenerator<Chunk> {
    const signal = sessions.get(id);
    const begin = performance.now();
    for (let index = 0; signal?.aborted === false; index++) {
      const due = begin + 500 * index + 30 * Math.sin(index * 12.9898);
      await new Promise((done) => setTimeout(done, Math.max(0, due - performance.now())));
      const frames = Array.from({ length: 12 }, (_, offset) => {
        const data = new Uint8Array(320 * 192 * 1.5).fill(60 + (index * 12 + offset) % 130);
        return { format: "i420", data, width: 320, height: 192 } as const;
      });
      yield { frames, fps: 24, transfer: true };
    }
  }

  closeSession(id: string): void {
    sessions.delete(id);
  }
}

export function getService(): BidirectionalService {
  return new TwoWayBursts();
}
