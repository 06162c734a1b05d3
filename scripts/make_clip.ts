/**
 * Makes `pipelines/assets/clip.mp4`, the clip that comes with the server: 20 seconds of an evening at a lake, drawn and
 * composed by this program and the modules in `clip/`. Picture and sound repeat without a seam.
 *
 * ```sh
 * deno run -A --config deno.json scripts/make_clip.ts [target.mp4]
 * ```
 *
 * 640x360, 24 frames a second, 480 frames, H.264 (no B-frames, a key frame every 2 s) and AAC (stereo, 48 kHz).
 *
 * Every frame carries its number, from 0 to 479, for people and for tests. The strip at the lower edge has 16 cells of
 * 16x12 pixels side by side, the first with its upper left corner at x = 368, y = 344, so the strip covers x 368 to 623
 * and y 344 to 355. Read from left to right the cells are the bits of (number mod 65536), highest bit first; white is 1,
 * black is 0. To read one, average the luma of its inner 8x6 pixels (4 from the left and right edge, 3 from the upper
 * and lower) and compare with 128. In a scaled picture all of this scales along.
 *
 * @module
 */

import { composeLoop } from "./clip/music.ts";
import { Mp4Writer } from "./clip/mp4_writer.ts";
import { Scene } from "./clip/scene.ts";

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 24;
const SECONDS = 20;
const AUDIO_RATE = 48_000;
const AAC_BLOCK = 1024;
const LARGEST = 3_000_000;

const target = Deno.args[0] ?? new URL("../pipelines/assets/clip.mp4", import.meta.url).pathname;
await makeClip(target);
const { size } = await Deno.stat(target);
console.log(`${target}: ${size} bytes`);
if (size > LARGEST) throw new Error(`The clip has ${size} bytes; ${LARGEST} are allowed. Raise the crf.`);

async function makeClip(path: string): Promise<void> {
  await using file = await Mp4Writer.open(path, {
    width: WIDTH,
    height: HEIGHT,
    fps: FPS,
    keyInterval: 2 * FPS,
    crf: 18.3,
    audioRate: AUDIO_RATE,
    audioBitrate: 128_000,
  });
  const frames = FPS * SECONDS;
  const samples = AUDIO_RATE / FPS;
  const music = composeLoop({ samples: AUDIO_RATE * SECONDS, rate: AUDIO_RATE });
  const scene = new Scene({ width: WIDTH, height: HEIGHT, frames });
  const rgba = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  for (let number = 0; number < frames; number++) {
    scene.draw(number, rgba);
    await file.writeFrame(rgba);
    const at = number * samples;
    await file.writeSound({
      left: music.left.subarray(at, at + samples),
      right: music.right.subarray(at, at + samples),
    });
    if (number % FPS === 0) console.log(`second ${number / FPS} of ${SECONDS}`);
  }
  // AAC codes whole blocks: the last one is filled up with the sound that follows when the loop begins anew.
  const overhang = AAC_BLOCK - (AUDIO_RATE * SECONDS) % AAC_BLOCK;
  await file.writeSound({ left: music.left.subarray(0, overhang), right: music.right.subarray(0, overhang) });
}
