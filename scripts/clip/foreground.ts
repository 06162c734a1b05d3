/**
 * What stands close to the viewer: reeds that sway in both corners, and fireflies.
 *
 * @module
 */

import type { Canvas, Rgb } from "./canvas.ts";
import { mix, seededRandom, smoothstep } from "./noise.ts";

interface Reed {
  x: number;
  height: number;
  lean: number;
  width: number;
  phase: number;
  swing: number;
  cattail: boolean;
  color: Rgb;
}

interface Firefly {
  x: number;
  y: number;
  reach: number;
  phase: number;
  turns: number;
  pulses: number;
}

/** Paints the near shore. */
export class Foreground {
  readonly #reeds: Reed[];
  readonly #fireflies: Firefly[];

  constructor(width: number) {
    this.#reeds = growReeds(width);
    this.#fireflies = hatchFireflies(width);
  }

  /** Draws the foreground at `time`, from 0 up to 1 of the loop. */
  draw(canvas: Canvas, { time, sway }: { time: number; sway: number }): void {
    for (const reed of this.#reeds) drawReed(canvas, reed, { time, sway });
    for (const firefly of this.#fireflies) drawFirefly(canvas, firefly, time);
  }
}

function growReeds(width: number): Reed[] {
  const random = seededRandom(4242);
  const reeds: Reed[] = [];
  for (let i = 0; i < 128; i++) {
    const left = i % 2 === 0;
    const inward = random() ** 1.7;
    const x = left ? -26 + inward * 178 : width + 26 - inward * 132;
    const far = random();
    const blade = {
      x,
      height: (46 + 78 * (1 - inward) ** 0.8) * (0.62 + 0.5 * random()),
      lean: (left ? 1 : -1) * (8 + 34 * random()) * (random() < 0.2 ? -0.6 : 1),
      width: 1.1 + 1.5 * random(),
      phase: random(),
      swing: 2.5 + 4.5 * random(),
      cattail: random() < 0.15,
    };
    reeds.push({ ...blade, color: [mix(3, 12, far), mix(8, 24, far), mix(14, 32, far)] });
  }
  return reeds.sort((a, b) => b.color[0] - a.color[0]);
}

function drawReed(canvas: Canvas, reed: Reed, { time, sway }: { time: number; sway: number }): void {
  const turn = 2 * Math.PI * (time + reed.phase * 0.3);
  const wind = Math.sin(turn * 4) + 0.45 * Math.sin(turn * 9 + reed.phase * 6);
  const foot = reed.x - sway * 1.7;
  const lean = reed.cattail ? reed.lean * 0.35 : reed.lean;
  const height = reed.cattail ? reed.height * 1.12 : reed.height;
  for (let rise = 0; rise < height; rise++) {
    const up = rise / height;
    const middle = foot + lean * up ** 2.2 + wind * reed.swing * up ** 1.8;
    const slope = 1 + Math.abs((2.2 * lean * up ** 1.2) / height);
    const half = (reed.cattail ? 0.75 : reed.width * (1 - up ** 1.6)) * slope;
    const row = canvas.height - 1 - rise;
    const edge: Rgb = [reed.color[0] + 26 * up, reed.color[1] + 40 * up, reed.color[2] + 40 * up];
    canvas.span(row, middle - half, middle + half, { color: edge, alpha: 1 });
    if (!reed.cattail || up < 0.78) continue;
    const body = 2.7 * Math.sqrt(Math.max(0, 1 - ((up - 0.875) / 0.095) ** 2));
    if (body > 0) canvas.span(row, middle - body, middle + body, { color: [32, 24, 24], alpha: 1 });
  }
}

function hatchFireflies(width: number): Firefly[] {
  const random = seededRandom(909);
  const fireflies: Firefly[] = [];
  for (let i = 0; i < 17; i++) {
    const left = i % 3 !== 0;
    fireflies.push({
      x: left ? 16 + 190 * random() : width - 16 - 150 * random(),
      y: 236 + 88 * random(),
      reach: 10 + 20 * random(),
      phase: random(),
      turns: 1 + Math.floor(random() * 2),
      pulses: 4 + Math.floor(random() * 5),
    });
  }
  return fireflies;
}

function drawFirefly(canvas: Canvas, firefly: Firefly, time: number): void {
  const turn = 2 * Math.PI * (time * firefly.turns + firefly.phase);
  const x = firefly.x + firefly.reach * Math.sin(turn) + 4 * Math.sin(turn * 3 + 1);
  const y = firefly.y + firefly.reach * 0.5 * Math.sin(turn * 2 + firefly.phase * 9);
  const pulse = Math.sin(2 * Math.PI * (time * firefly.pulses + firefly.phase * 5));
  const light = smoothstep(-0.35, 0.9, pulse);
  canvas.glow({ x, y, radius: 6.5, color: [214, 226, 96], light: 0.24 * light });
  canvas.glow({ x, y, radius: 1.35, color: [255, 250, 190], light: 0.95 * light });
}
