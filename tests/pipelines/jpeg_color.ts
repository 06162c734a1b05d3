import type { Chunk, ServerPushService } from "telefuser";

/** A JPEG of 64x48 pixels, all of them rgb(200, 40, 60). */
const JPEG =
  "/9j/4AAQSkZJRgABAgAAAQABAAD//gAQTGF2YzU5LjM3LjEwMAD/2wBDAAgEBAQEBAUFBQUFBQYGBgYGBgYGBgYGBgYHBwcICAgHBwcGBgcHCA" +
  "gICAkJCQgICAgJCQoKCgwMCwsODg4RERT/xABNAAEBAAAAAAAAAAAAAAAAAAAABgEBAQEAAAAAAAAAAAAAAAAAAAUHEAEAAAAAAAAAAAAAAAAA" +
  "AAAAEQEAAAAAAAAAAAAAAAAAAAAA/8AAEQgAMABAAwEiAAIRAAMRAP/aAAwDAQACEQMRAD8AmQE5p4AAAAAAAAAAAAAAAAAAAAAD/9k=";

/** One plain colour for ever, as JPEG. */
class JpegColor implements ServerPushService {
  async *serve(): AsyncGenerator<Chunk> {
    for (let index = 0;; index++) yield { index, fps: 24, frames_b64: new Array<string>(6).fill(JPEG) };
  }
}

export function getService(): ServerPushService {
  return new JpegColor();
}
