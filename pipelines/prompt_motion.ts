/**
 * Turns a prompt into moving type, shapes and tones. Nothing but arithmetic: it runs at the strictest security level.
 *
 * The words decide everything that looks or sounds: colours, backdrop, motion, tempo and notes. The same prompt always
 * gives the same stream.
 *
 * What a request may ask for: `prompt`, `fps`, `width` and `height` (even, 64 to 1280; 640x360 when absent) and
 * `duration_s` (endless when absent).
 *
 * @module
 */

import type { Chunk, RawFrame, ServerPushService, SessionContext, StreamRequest } from "telefuser";
import { rhythmOf, setCards } from "./prompt_motion/cards.ts";
import { Poster } from "./prompt_motion/poster.ts";
import { SAMPLE_RATE, Tones } from "./prompt_motion/tones.ts";

const DEFAULT_PROMPT = "say something";
const DEFAULT_FPS = 24;
/** Length of one chunk in seconds, as near as whole frames allow. Raw pictures are large, so it is short. */
const CHUNK_S = 0.2;
const MOST_FRAMES = 8;

/** What one viewer asked for. */
interface Wishes {
  prompt: string;
  fps: number;
  width: number;
  height: number;
  /** Number of frames to send; Infinity for an endless stream. */
  total: number;
}

/** The server calls this once. */
export function getService(): ServerPushService {
  return { defaultFps: DEFAULT_FPS, serve };
}

async function* serve(request: StreamRequest, session: SessionContext): AsyncGenerator<Chunk> {
  const { prompt, fps, width, height, total } = readWishes(request);
  const size = { width, height };
  const cards = await setCards(prompt, size);
  const rhythm = rhythmOf(prompt, cards);
  const poster = new Poster(prompt, { cards, rhythm, size });
  const tones = new Tones(prompt, { cards, rhythm });
  const count = Math.min(MOST_FRAMES, Math.max(1, Math.round(fps * CHUNK_S)));
  for (let index = 0, first = 0; first < total && !session.signal.aborted; index++, first += count) {
    const last = Math.min(first + count, total);
    const frames: RawFrame[] = [];
    for (let number = first; number < last; number++) {
      frames.push({ format: "rgba", data: poster.draw(number / fps).bytes, width, height });
    }
    yield {
      type: "chunk",
      index,
      frames,
      fps,
      num_frames: frames.length,
      resolution: `${width}x${height}`,
      prompt,
      timestamp: Date.now() / 1000,
      audio: tones.next(samplesUntil(last, fps) - samplesUntil(first, fps)),
      audio_sample_rate: SAMPLE_RATE,
      audio_channels: 2,
      transfer: true,
    };
  }
}

/** Samples that belong before a frame. Rounded for the whole stream, not for a chunk, so that no error adds up. */
function samplesUntil(frame: number, fps: number): number {
  return Math.round(frame / fps * SAMPLE_RATE);
}

function readWishes(request: StreamRequest): Wishes {
  const prompt = request.prompt ?? "";
  if (typeof prompt !== "string") throw new Error(`prompt is ${show(prompt)}: give a text, or leave it out.`);
  const fps = request.fps ?? DEFAULT_FPS;
  if (typeof fps !== "number" || !(fps >= 0.1 && fps <= 240)) {
    throw new Error(`fps is ${show(fps)}: give a number from 0.1 to 240, or leave it out for ${DEFAULT_FPS}.`);
  }
  const duration = request.duration_s ?? Infinity;
  if (typeof duration !== "number" || !(duration > 0)) {
    throw new Error(
      `duration_s is ${show(duration)}: give a number of seconds above 0, or leave it out to go on for ever.`,
    );
  }
  return {
    prompt: prompt.trim() === "" ? DEFAULT_PROMPT : prompt.trim(),
    fps,
    width: readSide(request, "width", 640),
    height: readSide(request, "height", 360),
    total: Math.max(1, Math.round(duration * fps)),
  };
}

function readSide(request: StreamRequest, field: "width" | "height", usual: number): number {
  const side = request[field] ?? usual;
  if (typeof side === "number" && side >= 64 && side <= 1280 && side % 2 === 0) return side;
  throw new Error(`${field} is ${show(side)}: give an even number from 64 to 1280, or leave it out for ${usual}.`);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
