/**
 * The picture of the clip: an evening at a lake, with aurora over snowy peaks. The whole scene repeats after one loop.
 *
 * @module
 */

import { Canvas } from "./canvas.ts";
import { drawCounter } from "./counter.ts";
import { Foreground } from "./foreground.ts";
import { drawBoat, drawLake } from "./lake.ts";
import { Land } from "./land.ts";
import { Sky } from "./sky.ts";

/** The row where the water begins, as a part of the height. */
const HORIZON = 0.642;

/** Draws the frames of the clip. */
export class Scene {
  readonly #canvas: Canvas;
  readonly #horizon: number;
  readonly #sky: Sky;
  readonly #land: Land;
  readonly #foreground: Foreground;
  readonly #frames: number;

  constructor({ width, height, frames }: { width: number; height: number; frames: number }) {
    this.#frames = frames;
    this.#horizon = Math.round(height * HORIZON);
    this.#canvas = new Canvas(width, height);
    this.#sky = new Sky(width, this.#horizon);
    this.#land = new Land(width, this.#horizon);
    this.#foreground = new Foreground(width);
  }

  /** Draws frame `number` as RGBA bytes. */
  draw(number: number, into: Uint8ClampedArray): void {
    const time = number / this.#frames;
    const sway = 13 * Math.sin(2 * Math.PI * time);
    const canvas = this.#canvas;
    this.#sky.draw(canvas, time);
    this.#land.draw(canvas, { time, sway });
    drawLake(canvas, { time, sway, horizon: this.#horizon });
    drawBoat(canvas, { time, sway });
    this.#foreground.draw(canvas, { time, sway });
    this.#vignette();
    drawCounter(canvas, number);
    canvas.toRgba(into);
  }

  #vignette(): void {
    const { width, height, data } = this.#canvas;
    for (let y = 0; y < height; y++) {
      const dy = y / height - 0.46;
      for (let x = 0; x < width; x++) {
        const dx = x / width - 0.5;
        const shade = 1 - 0.62 * Math.max(0, dx * dx + dy * dy * 0.8 - 0.07);
        const at = (y * width + x) * 3;
        for (let c = 0; c < 3; c++) data[at + c] = (data[at + c] as number) * shade;
      }
    }
  }
}
