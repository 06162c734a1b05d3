/** A colour that goes round; put your own pipeline here. */
import type { Chunk, ServerPushService } from "telefuser";

const SIZE = { width: 320, height: 192 };
const FPS = 24;
/** Seconds of one round. */
const ROUND_S = 6;

class Colours implements ServerPushService {
  async *serve(): AsyncGenerator<Chunk> {
    for (let index = 0;; index++) {
      const data = new Uint8Array(SIZE.width * SIZE.height * 4);
      const colour = colourAt(index / FPS / ROUND_S);
      for (let at = 0; at < data.length; at += 4) data.set(colour, at);
      yield { index, fps: FPS, frames: [{ format: "rgba", data, ...SIZE }] };
    }
  }
}

/** The colour after so many rounds, red first. */
function colourAt(rounds: number): number[] {
  const channel = (third: number) => 128 + 100 * Math.cos(2 * Math.PI * (rounds - third / 3));
  return [channel(0), channel(1), channel(2), 255];
}

/** The server calls this once. */
export function getService(): ServerPushService {
  return new Colours();
}
