import type { BidirectionalService, Chunk, PipelineContext, SessionConfig, SessionEnd } from "telefuser";

const PICTURE = { format: "rgba", data: new Uint8Array(64 * 48 * 4).fill(90), width: 64, height: 48 } as const;

const open = new Set<string>();

/** Takes its time to release what it has, and logs when it is done. */
class Stopping implements BidirectionalService {
  #context: PipelineContext | undefined;

  start(context: PipelineContext): void {
    this.#context = context;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 200));
    this.#context?.log.info("stop() is through");
  }

  createSession(config: SessionConfig): string {
    open.add(config.session_id);
    return config.session_id;
  }

  pushChunk(): void {}

  async *pullChunks(id: string): AsyncGenerator<Chunk> {
    while (open.has(id)) yield { frames: [PICTURE, PICTURE], fps: 24 };
  }

  async closeSession(id: string, { code }: SessionEnd): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 200));
    open.delete(id);
    this.#context?.log.info("closeSession() is through", { code });
  }
}

export function getService(): BidirectionalService {
  return new Stopping();
}
