import type { Chunk, ServerPushService } from "telefuser";

/** Changes the size of its pictures in mid-stream, odd sizes included. */
class Resizing implements ServerPushService {
  async *serve(): AsyncGenerator<Chunk> {
    for (const [width, height] of [[64, 48], [160, 90], [97, 61], [64, 48]] as const) {
      const frames = Array.from({ length: 6 }, (_, at) => {
        return { format: "rgba", data: new Uint8Array(width * height * 4).fill(at * 20), width, height } as const;
      });
      yield { frames, fps: 24 };
    }
  }
}

export function getService(): ServerPushService {
  return new Resizing();
}
