import type { Chunk, ServerPushService, SessionContext } from "telefuser";

/** A few frames, then nothing for a long time. */
class Paused implements ServerPushService {
  async *serve(_request: unknown, session: SessionContext): AsyncGenerator<Chunk> {
    const frames = Array.from({ length: 3 }, (_, at) => {
      return { format: "rgba", data: new Uint8Array(64 * 48 * 4).fill(60 + at), width: 64, height: 48 } as const;
    });
    yield { frames, fps: 24 };
    await new Promise<void>((resolve) => session.signal.addEventListener("abort", () => resolve()));
    session.log.info("left the pause");
  }
}

export function getService(): ServerPushService {
  return new Paused();
}
