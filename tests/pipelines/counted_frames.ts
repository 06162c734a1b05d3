import type { Chunk, ServerPushService, StreamRequest } from "telefuser";

/** Yields `frames` plain pictures of a changing colour, `per_chunk` at a time, with a tone when `tone` is set. */
class CountedFrames implements ServerPushService {
  async *serve(request: StreamRequest): AsyncGenerator<Chunk> {
    const total = Number(request.frames ?? 48);
    const perChunk = Number(request.per_chunk ?? 6);
    const fps = Number(request.fps ?? 24);
    const width = Number(request.width ?? 64);
    const height = Number(request.height ?? 48);
    const rate = 48_000;
    for (let first = 0, index = 0; first < total; first += perChunk, index++) {
      const count = Math.min(perChunk, total - first);
      const frames = Array.from({ length: count }, (_, offset) => {
        const data = new Uint8Array(width * height * 4).fill((first + offset) * 5 % 256);
        return { format: "rgba", data, width, height } as const;
      });
      const audio = new Int16Array(Math.round(count * rate / fps)).map((_, at) => {
        return request.tone === true ? 8000 * Math.sin(2 * Math.PI * 440 * at / rate) : 0;
      });
      const chunk: Chunk = { index, fps, frames, transfer: true };
      yield request.tone === true ? { ...chunk, audio, audio_sample_rate: rate } : chunk;
    }
  }
}

export function getService(): ServerPushService {
  return new CountedFrames();
}
