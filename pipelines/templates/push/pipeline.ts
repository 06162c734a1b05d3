/**
 * A pipeline that pushes: it gets a request from each viewer and yields pictures until the viewer leaves. Here a bar
 * moves across the picture, in a colour that the prompt decides; put your own in the place of `draw()`.
 *
 * What a request may ask for: `prompt` and `fps` (1 to 60; 24 when absent).
 *
 * @module
 */

import type { Chunk, PipelineContext, RawFrame, ServerPushService, SessionContext, StreamRequest } from "telefuser";

const WIDTH = 640;
const HEIGHT = 360;
const DEFAULT_FPS = 24;
/** Pictures in a chunk: few, so that what the server keeps in memory is little. */
const CHUNK_FRAMES = 6;

const BAR_WIDTH = 80;
/** Seconds in which the bar goes once across. */
const ROUND_S = 4;
/** Colours of pixels, each as 0xAABBGGRR: opacity, blue, green, red. */
const BACKGROUND = 0xff30241a;
const BARS = [0xff3c8cff, 0xffd0b040, 0xff60c860, 0xffb070e0] as const;

/** What a viewer asked for. */
interface Wishes {
  prompt: string;
  fps: number;
}

/** The server calls this once. */
export function getService(): ServerPushService {
  return new Pipeline();
}

class Pipeline implements ServerPushService {
  readonly defaultFps = DEFAULT_FPS;

  /** Called once, before the first viewer: load models and open files here. */
  start({ log }: PipelineContext): void {
    log.info("started", { resolution: `${WIDTH}x${HEIGHT}` });
  }

  /**
   * Called once for each viewer. The server asks for the next chunk while less than a second is waiting to be shown, so
   * this may run as fast as it can.
   */
  async *serve(request: StreamRequest, session: SessionContext): AsyncGenerator<Chunk> {
    const { prompt, fps } = readWishes(request);
    for (let first = 0; !session.signal.aborted; first += CHUNK_FRAMES) {
      const frames: RawFrame[] = [];
      for (let index = first; index < first + CHUNK_FRAMES; index++) {
        frames.push(draw({ prompt, seconds: index / fps }));
      }
      // The pixels are made anew for every chunk, so they can be handed over instead of copied.
      yield { frames, fps, prompt, transfer: true };
    }
  }
}

/** One picture. */
function draw({ prompt, seconds }: { prompt: string; seconds: number }): RawFrame {
  const pixels = new Uint32Array(WIDTH * HEIGHT).fill(BACKGROUND);
  const left = Math.floor(seconds / ROUND_S * WIDTH) % WIDTH;
  for (let row = 0; row < HEIGHT; row++) {
    const begin = row * WIDTH;
    pixels.fill(colorOf(prompt), begin + left, begin + Math.min(left + BAR_WIDTH, WIDTH));
  }
  return { format: "rgba", data: new Uint8Array(pixels.buffer), width: WIDTH, height: HEIGHT };
}

/** The same prompt always has the same colour. */
function colorOf(prompt: string): number {
  let sum = 0;
  for (const letter of prompt) sum += letter.codePointAt(0) ?? 0;
  return BARS[sum % BARS.length] ?? BARS[0];
}

/** Checks what is used. A viewer gets the words of an error that is thrown before the first chunk. */
function readWishes({ prompt = "", fps = DEFAULT_FPS }: StreamRequest): Wishes {
  if (typeof prompt !== "string") throw new Error("prompt: give a text, or leave it out.");
  if (typeof fps !== "number" || !(fps >= 1 && fps <= 60)) {
    throw new Error(`fps: give a number from 1 to 60, or leave it out for ${DEFAULT_FPS}.`);
  }
  return { prompt, fps };
}
