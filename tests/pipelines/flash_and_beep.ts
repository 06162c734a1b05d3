import type { Chunk, ServerPushService } from "telefuser";

const WIDTH = 320;
const HEIGHT = 192;
const FPS = 25;
const SAMPLE_RATE = 48_000;
const PER_PICTURE = SAMPLE_RATE / FPS;

/** Once a second a white picture of 80 ms and, begun at the same instant, a beep of 80 ms; else black and silence. */
class FlashAndBeep implements ServerPushService {
  async *serve(): AsyncGenerator<Chunk> {
    for (let index = 0;; index++) {
      const isOn = index % FPS < 2;
      const data = new Uint8Array(WIDTH * HEIGHT * 1.5).fill(128);
      data.fill(isOn ? 235 : 16, 0, WIDTH * HEIGHT);
      const audio = new Int16Array(PER_PICTURE);
      if (isOn) { for (let at = 0; at < PER_PICTURE; at++) audio[at] = 12_000 * Math.sin(at * 2 * Math.PI / 48); }
      yield {
        index,
        fps: FPS,
        frames: [{ format: "i420", data, width: WIDTH, height: HEIGHT }],
        audio,
        audio_sample_rate: SAMPLE_RATE,
        audio_channels: 1,
        transfer: true,
      };
    }
  }
}

export function getService(): ServerPushService {
  return new FlashAndBeep();
}
