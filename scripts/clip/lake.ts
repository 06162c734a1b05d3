/**
 * The lake: it mirrors what stands above its edge, broken up by ripples, and carries a rowing boat with a lantern.
 *
 * @module
 */

import type { Canvas, Rgb } from "./canvas.ts";
import { loopNoise, mix, smoothstep } from "./noise.ts";

const DEEP: Rgb = [5, 14, 30];

/** Fills the canvas below `horizon` with water. */
export function drawLake(
  canvas: Canvas,
  { time, sway, horizon }: { time: number; sway: number; horizon: number },
): void {
  const { width, height, data } = canvas;
  const rows = height - horizon;
  for (let y = horizon; y < height; y++) {
    const near = (y - horizon + 0.5) / rows;
    const distance = 1 / (near + 0.055);
    const clear = mix(0.86, 0.5, near ** 0.7);
    for (let x = 0; x < width; x++) {
      const across = (x - width / 2 + sway * (0.6 + near)) * distance * 0.011;
      const away = distance * 2.6;
      const swell = loopNoise({ x: across * 0.9, y: away * 1.1 + 4, z: time * 7, period: 7 });
      const chop = loopNoise({ x: across * 3.1 + 9, y: away * 3.4, z: time * 12, period: 12 });
      const wave = swell + 0.55 * chop;
      const depth = (y - horizon) * 0.92 + wave * (0.8 + 15 * near);
      const from = Math.min(horizon - 1.001, Math.max(0, horizon - 1 - Math.abs(depth)));
      const beside = Math.min(width - 1.001, Math.max(0, x + chop * (0.5 + 3 * near)));
      const glint = smoothstep(0.42, 0.95, wave) * (0.05 + 0.12 * near);
      const at = (y * width + x) * 3;
      const y0 = Math.floor(from);
      const x0 = Math.floor(beside);
      const source = (y0 * width + x0) * 3;
      for (let c = 0; c < 3; c++) {
        const upper = mix(data[source + c] as number, data[source + 3 + c] as number, beside - x0);
        const below = source + width * 3;
        const lower = mix(data[below + c] as number, data[below + 3 + c] as number, beside - x0);
        const mirrored = mix(upper, lower, from - y0);
        const tint = c === 0 ? 0.9 : c === 1 ? 0.97 : 1.02;
        data[at + c] = (DEEP[c] as number) * (1 - clear) + mirrored * clear * tint +
          glint * ([120, 170, 190][c] as number);
      }
    }
    shoreLine(canvas, { y, near, time });
  }
}

/** A thin bright line where the water meets the land. */
function shoreLine(canvas: Canvas, { y, near, time }: { y: number; near: number; time: number }): void {
  const alpha = 0.34 * smoothstep(0.035, 0, near);
  if (alpha <= 0) return;
  for (let x = 0; x < canvas.width; x++) {
    const broken = Math.max(0, 0.6 + loopNoise({ x: x * 0.012, y: y * 0.6, z: time * 4, period: 4 }));
    canvas.blend(x, y, { color: [150, 168, 176], alpha: alpha * broken });
  }
}

/** Draws the boat, its mirror image and the light of its lantern. */
export function drawBoat(canvas: Canvas, { time, sway }: { time: number; sway: number }): void {
  const turn = 2 * Math.PI * time;
  const x = 452 - sway * 1.05 + 5 * Math.sin(turn + 0.6);
  const y = 281 + 1.4 * Math.sin(turn * 5) + 0.5 * Math.sin(turn * 9 + 1);
  const roll = 0.024 * Math.sin(turn * 5 + 1.1) + 0.012 * Math.sin(turn * 8);
  const lantern = { x: x + 27 + roll * 30, y: y - 25 + roll * 27 };
  const flicker = 0.9 + 0.1 * loopNoise({ x: 3.5, y: 0.5, z: time * 30, period: 30 });
  lanternTrack(canvas, { x: lantern.x, y: y + 7, time, light: flicker });
  hull(canvas, { x, y, roll, time, mirrored: true });
  hull(canvas, { x, y, roll, time, mirrored: false });
  canvas.stroke({
    x0: x + 26,
    y0: y + 0.5,
    x1: lantern.x,
    y1: lantern.y - 3,
    from: 0.9,
    to: 0.6,
    color: [16, 15, 20],
    alpha: 1,
  });
  canvas.glow({ ...lantern, radius: 30, color: [255, 150, 60], light: 0.2 * flicker });
  canvas.glow({ ...lantern, radius: 9, color: [255, 190, 100], light: 0.55 * flicker });
  canvas.glow({ ...lantern, radius: 2.6, color: [255, 240, 200], light: 1.1 * flicker });
}

interface Hull {
  x: number;
  y: number;
  roll: number;
  time: number;
  mirrored: boolean;
}

const WATERLINE = 5;
const SAMPLES = [-1 / 3, 0, 1 / 3] as const;

/** Asks every pixel around the boat, in nine places, what it sees: that keeps slow movement smooth. */
function hull(canvas: Canvas, { x, y, roll, time, mirrored }: Hull): void {
  const top = Math.floor(y) + (mirrored ? WATERLINE - 1 : -13);
  for (let row = top; row < top + 20; row++) {
    const wobble = mirrored ? 2.6 * loopNoise({ x: (row - y) * 0.4, y: 0.2, z: time * 12, period: 12 }) : 0;
    for (let column = Math.floor(x) - 42; column < x + 42; column++) {
      const sum = { r: 0, g: 0, b: 0, cover: 0 };
      for (const down of SAMPLES) {
        const under = row + down - y;
        const v = mirrored ? WATERLINE - (under - WATERLINE) / 0.8 : under;
        if (mirrored && v > WATERLINE) continue;
        for (const right of SAMPLES) addPlank(sum, { u: column + right - x - wobble, v: v - (column - x) * roll });
      }
      if (sum.cover === 0) continue;
      const color: Rgb = [sum.r / sum.cover, sum.g / sum.cover, sum.b / sum.cover];
      const fading = mirrored ? 0.6 * smoothstep(26, 0, row - top) : 1;
      canvas.blend(column, row, { color, alpha: fading * sum.cover / 9 });
    }
  }
}

/** Adds the boat's colour at a place measured from its middle, if there is any boat. */
function addPlank(sum: { r: number; g: number; b: number; cover: number }, { u, v }: { u: number; v: number }): void {
  const depth = (v + 9) / 14;
  const half = 36 * Math.sqrt(Math.max(0, 1 - depth * 0.42)) - 6 * depth * depth;
  const gunwale = -9 + 8.2 * (1 - (u / 36) ** 2);
  if (v < gunwale || v > WATERLINE || Math.abs(u) > half) return;
  const rim = v - gunwale < 1.5;
  const plank = !rim && (v - gunwale) % 3.2 < 0.7 ? 0.72 : 1;
  const lit = smoothstep(-10, 34, u) * (rim ? 60 : 26);
  sum.r += plank * ((rim ? 96 : mix(50, 17, depth)) + lit);
  sum.g += plank * ((rim ? 66 : mix(32, 14, depth)) + lit * 0.6);
  sum.b += plank * ((rim ? 48 : mix(28, 21, depth)) + lit * 0.25);
  sum.cover += 1;
}

/** The lantern's light on the waves below it. */
function lanternTrack(canvas: Canvas, spot: { x: number; y: number; time: number; light: number }): void {
  const { x, y, time, light } = spot;
  for (let row = 0; row < 62; row++) {
    const wave = loopNoise({ x: 1.7, y: row * 0.19, z: time * 14, period: 14 });
    const shine = Math.max(0, 0.42 + 1.5 * loopNoise({ x: 5.2, y: row * 0.3, z: time * 16, period: 16 }));
    const fading = Math.exp(-(((row - 17) / 20) ** 2));
    const half = 2 + row * 0.13;
    const middle = x + wave * (2 + row * 0.16);
    for (let column = -3 * half; column <= 3 * half; column++) {
      const amount = 0.62 * light * shine * fading * Math.exp(-((column / half) ** 2));
      canvas.glow({ x: middle + column, y: y + row, radius: 0.45, color: [255, 168, 78], light: amount });
    }
  }
}
