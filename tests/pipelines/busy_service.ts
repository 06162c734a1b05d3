import type { Chunk, ServerPushService } from "telefuser";
import { blotches, type BlotchesOptions } from "./blotches.ts";

const WIDTH = 640;
const HEIGHT = 360;
const PICTURES = 24;

/** Pictures of noise with a bar that moves on from picture to picture, and a tone. */
export class BusyService implements ServerPushService {
  readonly #pictures: readonly Uint8Array[];

  constructor(noise: Pick<BlotchesOptions, "contrast" | "rows"> = {}) {
    const size = { width: WIDTH, height: HEIGHT };
    this.#pictures = Array.from({ length: PICTURES }, (_, index) => blotches(index, { ...size, ...noise }));
  }

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
