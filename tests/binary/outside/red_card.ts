import type { Chunk, ServerPushService } from "telefuser";
import { drawCard } from "./drawing/card.ts";

/** A red card with a white dot that goes across it; tests copy it out of the checkout. */
class RedCard implements ServerPushService {
  async *serve(): AsyncGenerator<Chunk> {
    for (let index = 0;; index++) yield { index, fps: 24, frames: [await drawCard(index)] };
  }
}

export function getService(): ServerPushService {
  return new RedCard();
}
