import type { BidirectionalService, Chunk, SessionConfig } from "telefuser";

const forever = () => new Promise<never>(() => undefined);

/** Hangs where the session's `hang` says. */
class Hanging implements BidirectionalService {
  readonly #hangs = new Map<string, string>();

  async createSession(config: SessionConfig): Promise<string> {
    const id = String(config.session_id);
    this.#hangs.set(id, String(config.hang));
    if (config.hang === "createSession") await forever();
    return id;
  }

  async pushChunk(id: string): Promise<void> {
    if (this.#hangs.get(id) === "pushChunk") await forever();
  }

  async *pullChunks(id: string): AsyncGenerator<Chunk> {
    const data = new Uint8Array(64 * 48 * 4);
    while (this.#hangs.has(id)) {
      yield { frames: [{ format: "rgba", data, width: 64, height: 48 }], fps: 24 };
      if (this.#hangs.get(id) === "pullChunks") await forever();
    }
  }

  async closeSession(id: string): Promise<void> {
    const hang = this.#hangs.get(id);
    this.#hangs.delete(id);
    if (hang === "closeSession") await forever();
  }

  async stop(): Promise<void> {
    await forever();
  }
}

export function getService(): BidirectionalService {
  return new Hanging();
}
