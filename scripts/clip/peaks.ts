/**
 * Snowy mountains as a landscape of heights that is looked at from afar: fractal ridges, lit from the side.
 *
 * @module
 */

import type { Rgb } from "./canvas.ts";
import { loopNoise, mix, smoothstep } from "./noise.ts";

const DEPTH = 150;
const STEP = 0.75;
/** How many pixels a place rises in the picture for each pixel that it lies farther away. */
const TILT = 0.16;

/** Paints the mountains into `pixels`: premultiplied colour and coverage, `across` pixels wide. */
export function paintPeaks(pixels: Float32Array, view: { across: number; margin: number; horizon: number }): void {
  const { across, margin, horizon } = view;
  for (let column = 0; column < across; column++) {
    const x = column - margin;
    let skyline = horizon;
    for (let z = 0; z < DEPTH; z += STEP) {
      const height = heightAt(x, z);
      const edge = horizon - height - z * TILT;
      if (edge >= skyline) continue;
      const color = shade(x, z, height);
      for (let y = Math.floor(edge); y < skyline; y++) {
        const cover = Math.min(1, y + 1 - edge) - Math.max(0, y + 1 - skyline);
        paint(pixels, (y * across + column) * 4, { color, cover });
      }
      skyline = edge;
    }
  }
}

function paint(pixels: Float32Array, at: number, { color, cover }: { color: Rgb; cover: number }): void {
  const free = Math.min(cover, 1 - (pixels[at + 3] as number));
  if (free <= 0) return;
  for (let c = 0; c < 3; c++) pixels[at + c] = (pixels[at + c] as number) + (color[c] as number) * free;
  pixels[at + 3] = (pixels[at + 3] as number) + free;
}

/** Height in pixels at a place: two massifs and a low chain between them. */
function heightAt(x: number, z: number): number {
  const left = 62 * bump(x, 256, 150) + 26 * bump(x, 60, 90);
  const right = 50 * bump(x, 572, 112);
  const envelope = (17 + left + right) * smoothstep(0, DEPTH * 0.8, z) * (1 - 0.35 * smoothstep(DEPTH * 0.8, DEPTH, z));
  return envelope * ridges(x, z);
}

function bump(x: number, middle: number, width: number): number {
  return Math.exp(-(((x - middle) / width) ** 2));
}

/** A multifractal: small ridges grow on big ones, valleys stay smooth. About 0 to 1.2. */
function ridges(x: number, z: number): number {
  const bendX = x + 12 * noise(x * 0.015, z * 0.015 + 40);
  const bendZ = z + 12 * noise(x * 0.015 + 70, z * 0.015);
  let sum = 0;
  let strength = 0.62;
  let weight = 1;
  let frequency = 0.0118;
  for (let octave = 0; octave < 6; octave++) {
    const crest = 1 -
      Math.abs(1.55 * noise(bendX * frequency + octave * 13.7, bendZ * frequency * 1.15 + octave * 5.1));
    const value = crest * crest * weight;
    sum += value * strength;
    weight = Math.min(1, Math.max(0, value * 1.9));
    strength *= 0.5;
    frequency *= 2.05;
  }
  return sum;
}

function noise(x: number, y: number): number {
  return loopNoise({ x, y, z: 0.5, period: 4 });
}

function shade(x: number, z: number, height: number): Rgb {
  const reach = 0.8;
  const slopeX = (heightAt(x + reach, z) - heightAt(x - reach, z)) / (2 * reach);
  const slopeZ = (heightAt(x, z + reach) - heightAt(x, z - reach)) / (2 * reach);
  const length = Math.hypot(slopeX, slopeZ, 1);
  // The light comes from the right, low, and a little from the front.
  const facing = (-slopeX * 0.8 - slopeZ * 0.28 + 0.36) / length;
  const lit = smoothstep(-0.05, 0.85, facing);
  const bare = smoothstep(0.52, 0.3, 1 / length + (height - 40) * 0.003 + 0.12 * noise(x * 0.2, z * 0.2));
  const haze = smoothstep(64, 2, height + z * TILT * 0.5) * 0.66;
  const warm = Math.exp(-(((x - 420) / 240) ** 2));
  const shadow: Rgb = [70, 94, 146];
  const bright: Rgb = [mix(196, 255, warm), mix(182, 190, warm), mix(198, 164, warm)];
  const rock: Rgb = [mix(38, 96, lit), mix(52, 80, lit), mix(90, 98, lit)];
  function channel(c: 0 | 1 | 2): number {
    const snow = mix(shadow[c], bright[c], lit);
    return mix(
      mix(snow, rock[c], bare * 0.85),
      mix([98, 124, 154][c] as number, [188, 160, 148][c] as number, warm * 0.7),
      haze,
    );
  }
  return [channel(0), channel(1), channel(2)];
}
