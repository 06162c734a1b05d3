/**
 * The evening sky: afterglow, stars, aurora, a shooting star and a skein of geese. All of it repeats after one loop.
 *
 * @module
 */

import type { Canvas, Rgb } from "./canvas.ts";
import { loopFractal, loopNoise, mix, seededRandom, smoothstep } from "./noise.ts";

const STOPS: readonly { y: number; color: Rgb }[] = [
  { y: 0, color: [7, 10, 30] },
  { y: 0.36, color: [13, 26, 62] },
  { y: 0.62, color: [30, 66, 108] },
  { y: 0.8, color: [92, 120, 142] },
  { y: 1, color: [176, 158, 142] },
];

interface Star {
  x: number;
  y: number;
  radius: number;
  light: number;
  twinkles: number;
  phase: number;
  color: Rgb;
}

interface Curtain {
  base: number;
  slope: number;
  height: number;
  light: number;
  seed: number;
  from: number;
  to: number;
}

const CURTAINS: readonly Curtain[] = [
  { base: 118, slope: -34, height: 88, light: 0.62, seed: 31, from: 60, to: 760 },
  { base: 148, slope: -58, height: 118, light: 1.0, seed: 3, from: -120, to: 690 },
  { base: 168, slope: 12, height: 70, light: 0.42, seed: 57, from: 180, to: 820 },
];

const LOW: Rgb = [70, 255, 150];
const MIDDLE: Rgb = [40, 190, 170];
const HIGH: Rgb = [150, 70, 205];

/** Paints the sky above the waterline. */
export class Sky {
  readonly #background: Float32Array;
  readonly #stars: Star[];
  readonly #light: Float32Array;
  readonly #width: number;
  readonly #horizon: number;

  constructor(width: number, horizon: number) {
    this.#width = width;
    this.#horizon = horizon;
    this.#background = paintBackground(width, horizon);
    this.#stars = scatterStars(width, horizon);
    this.#light = new Float32Array(width * horizon * 3);
  }

  /** Draws the sky at `time`, from 0 up to 1 of the loop. */
  draw(canvas: Canvas, time: number): void {
    canvas.data.set(this.#background);
    for (const star of this.#stars) {
      const twinkle = 0.72 + 0.28 * Math.sin(2 * Math.PI * (star.twinkles * time + star.phase));
      canvas.glow({ ...star, light: star.light * twinkle });
    }
    this.#light.fill(0);
    for (const curtain of CURTAINS) this.#rays(curtain, time);
    this.#spread(canvas);
    drawShootingStar(canvas, time);
    drawGeese(canvas, time);
  }

  /** Many thin rays along a folded ribbon; where the ribbon turns, rays lie closer and shine brighter. */
  #rays(curtain: Curtain, time: number): void {
    const count = 2200;
    const { seed } = curtain;
    const breathing = 0.8 + 0.3 * loopNoise({ x: seed, y: 0.5, z: time * 4, period: 4 });
    for (let i = 0; i < count; i++) {
      const s = i / count;
      const fold = loopNoise({ x: s * 3.1 + seed, y: 0.3, z: time * 3, period: 3 });
      const ripple = loopNoise({ x: s * 9 + seed, y: 7.7, z: time * 5, period: 5 });
      const x = mix(curtain.from, curtain.to, s) + fold * 130 + ripple * 22;
      const wave = loopNoise({ x: s * 2.3 + seed, y: 3.9, z: time * 3, period: 3 });
      const bottom = curtain.base + curtain.slope * s + wave * 38 + ripple * 9;
      const grain = loopNoise({ x: s * 46 + seed, y: 0, z: time * 9, period: 9 });
      const patch = loopFractal({ x: s * 4.2 + seed, y: 11.1, z: time * 4, period: 4 }, 2);
      const ends = smoothstep(0, 0.22, s) * smoothstep(1, 0.74, s);
      const light = curtain.light * breathing * ends * Math.max(0, 0.42 + 0.62 * grain + 0.9 * patch);
      if (light <= 0.01) continue;
      this.#ray(x, bottom, { light: light * 0.3, height: curtain.height * (0.75 + 0.55 * grain + 0.5 * patch) });
    }
  }

  #ray(x: number, bottom: number, { light, height }: { light: number; height: number }): void {
    const width = this.#width;
    const rise = 9;
    for (let h = -rise; h < height; h++) {
      const y = Math.round(bottom - h);
      if (y < 0 || y >= this.#horizon) continue;
      const up = Math.max(0, h) / height;
      const amount = h < 0 ? smoothstep(-rise, 2, h) * light : light * Math.exp(-2.7 * up) * (1 - up);
      const leaning = x + h * 0.1;
      const column = Math.floor(leaning);
      const part = leaning - column;
      const low = smoothstep(0.42, 0.02, up);
      const high = smoothstep(0.3, 0.95, up);
      for (let c = 0; c < 3; c++) {
        const color = mix(mix(MIDDLE[c] as number, LOW[c] as number, low), HIGH[c] as number, high) * amount;
        if (column >= 0 && column < width) this.#add((y * width + column) * 3 + c, color * (1 - part));
        if (column >= -1 && column < width - 1) this.#add((y * width + column + 1) * 3 + c, color * part);
      }
    }
  }

  #add(at: number, amount: number): void {
    this.#light[at] = (this.#light[at] as number) + amount;
  }

  /** Softens the rays sideways and screens them onto the sky. */
  #spread(canvas: Canvas): void {
    const width = this.#width;
    const light = this.#light;
    const last = width - 1;
    for (let y = 0; y < this.#horizon; y++) {
      const row = y * width;
      for (let x = 0; x < width; x++) {
        const near = [row + Math.max(0, x - 1), row + Math.min(last, x + 1)] as const;
        const far = [row + Math.max(0, x - 2), row + Math.min(last, x + 2)] as const;
        for (let c = 0; c < 3; c++) {
          const at = (row + x) * 3 + c;
          const soft = 0.32 * (light[at] as number) +
            0.22 * ((light[near[0] * 3 + c] as number) + (light[near[1] * 3 + c] as number)) +
            0.12 * ((light[far[0] * 3 + c] as number) + (light[far[1] * 3 + c] as number));
          const screen = 235 * (1 - Math.exp(-soft / 210));
          const old = canvas.data[at] as number;
          canvas.data[at] = old + screen * (1 - old / 300);
        }
      }
    }
  }
}

function paintBackground(width: number, horizon: number): Float32Array {
  const pixels = new Float32Array(width * horizon * 3);
  for (let y = 0; y < horizon; y++) {
    const high = y / horizon;
    let stop = 0;
    while (stop < STOPS.length - 2 && high > (STOPS[stop + 1]?.y ?? 1)) stop++;
    const below = STOPS[stop] ?? { y: 0, color: [0, 0, 0] as const };
    const above = STOPS[stop + 1] ?? below;
    const t = smoothstep(below.y, above.y, high) * 0.5 + 0.5 * ((high - below.y) / (above.y - below.y));
    for (let x = 0; x < width; x++) {
      const warm = Math.exp(-(((x - width * 0.64) / (width * 0.34)) ** 2)) * Math.exp(-(horizon - y) / 62);
      const veil = loopFractal({ x: x * 0.006 + y * 0.004, y: y * 0.022, z: 0, period: 4 }, 3) *
        smoothstep(0.3, 0.9, high);
      const at = (y * width + x) * 3;
      const glow: Rgb = [226, 92, 8];
      for (let c = 0; c < 3; c++) {
        const base = mix(below.color[c] as number, above.color[c] as number, t);
        pixels[at + c] = base * (1 + 0.16 * veil) + (glow[c] as number) * warm * (1 + 0.5 * veil);
      }
    }
  }
  return pixels;
}

function scatterStars(width: number, horizon: number): Star[] {
  const random = seededRandom(77);
  const stars: Star[] = [];
  for (let i = 0; i < 260; i++) {
    const y = random() ** 1.35 * horizon * 0.82;
    const size = random() ** 5;
    const warmth = random();
    stars.push({
      x: random() * width,
      y,
      radius: 0.62 + size * 0.75,
      light: (0.22 + 0.75 * size + 0.15 * random()) * (1 - y / horizon) ** 0.8,
      twinkles: 2 + Math.floor(random() * 7),
      phase: random(),
      color: [mix(200, 255, warmth), mix(220, 235, warmth), mix(255, 205, warmth)],
    });
  }
  return stars;
}

function drawShootingStar(canvas: Canvas, time: number): void {
  const run = (time - 0.765) / 0.045;
  if (run <= 0 || run >= 1) return;
  const x = mix(212, 92, run);
  const y = mix(26, 66, run);
  const light = Math.sin(Math.PI * run);
  for (let i = 0; i < 42; i++) {
    const fading = (1 - i / 42) ** 2;
    canvas.glow({ x: x + i * 1.5, y: y - i * 0.5, radius: 0.9, color: [255, 250, 235], light: 0.5 * light * fading });
  }
}

function drawGeese(canvas: Canvas, time: number): void {
  const run = (time - 0.08) / 0.62;
  if (run <= 0 || run >= 1) return;
  for (let i = 0; i < 9; i++) {
    const arm = Math.ceil(i / 2);
    const side = i % 2 === 0 ? 1 : -1;
    const x = mix(700, -110, run) + arm * 13 + side * 1.5;
    const y = 128 - 22 * run + arm * side * 4.2 + 2.2 * Math.sin(2 * Math.PI * (time * 6 + i * 0.17));
    const flap = Math.sin(2 * Math.PI * (time * 44 + i * 0.31));
    const ink = { color: [10, 16, 30] as const, alpha: 0.85 };
    canvas.stroke({ x0: x, y0: y, x1: x + 4.4, y1: y - 2.4 * flap - 0.8, from: 0.75, to: 0.2, ...ink });
    canvas.stroke({ x0: x, y0: y, x1: x - 2.6, y1: y - 2.8 * flap - 0.6, from: 0.75, to: 0.2, ...ink });
    canvas.stroke({ x0: x - 2.6, y0: y + 0.3, x1: x + 2.6, y1: y, from: 0.55, to: 0.6, ...ink });
  }
}
