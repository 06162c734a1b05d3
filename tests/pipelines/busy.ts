import type { Chunk, ServerPushService } from "telefuser";

const WIDTH = 640;
const HEIGHT = 360;
const PICTURES = 24;

/** Drifting blotches that use up any bitrate, with a bar that moves on from picture to picture, and a tone. */
class Busy implements ServerPushService {
  readonly #pictures = Array.from({ length: PICTURES }, (_, index) => picture(index));

  async *serve(): AsyncGenerator<Chunk> {
    for (let index = 0;; index++) {
      const data = this.#pictures[index % PICTURES]?.slice() ?? new Uint8Array();
      const audio = Int16Array.from({ length: 2000 }, (_, at) => 6000 * Math.sin((index * 2000 + at) * 0.0576));
      yield {
        index,
        fps: 24,
        frames: [{ format: "i420", data, width: WIDTH, height: HEIGHT }],
        audio,
        audio_sample_rate: 48_000,
        audio_channels: 1,
        transfer: true,
      };
    }
  }
}

function picture(index: number): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT * 1.5).fill(128);
  let state = index + 1;
  for (let at = 0; at < WIDTH * HEIGHT; at++) {
    state = (state * 1_103_515_245 + 12_345) >>> 0;
    const x = at % WIDTH;
    data[at] = Math.abs(x - index * 20) < 20 ? 230 : 60 + (state >>> 26);
  }
  return data;
}

export function getService(): ServerPushService {
  return new Busy();
}
