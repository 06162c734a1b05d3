import type { Chunk, ServerPushService } from "telefuser";

/** Yields a quarter of a second per chunk without ever waiting, and says how far it has come. */
class FastGenerator implements ServerPushService {
  async *serve(_request: unknown, session: { log: { info(text: string): void } }): AsyncGenerator<Chunk> {
    for (let index = 0;; index++) {
      session.log.info(`made ${index}`);
      const frames = Array.from({ length: 6 }, () => {
        return { format: "rgba", data: new Uint8Array(64 * 48 * 4).fill(index % 256), width: 64, height: 48 } as const;
      });
      yield { index, fps: 24, frames, transfer: true };
    }
  }
}

export function getService(): ServerPushService {
  return new FastGenerator();
}
