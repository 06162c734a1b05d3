/**
 * Mountains, woods and a cabin on the far shore. Each layer is painted once, wider than the picture, and then shifted a
 * little with every frame; near layers move more than far ones.
 *
 * @module
 */

import type { Canvas, Rgb } from "./canvas.ts";
import { loopFractal, loopNoise, mix, seededRandom, smoothstep } from "./noise.ts";
import { paintPeaks } from "./peaks.ts";

/** Pixels a layer is wider than the picture on each side. */
const MARGIN = 40;

/** Where the cabin's lit window is, as seen with the camera in the middle. */
export const CABIN: { readonly x: number; readonly y: number } = { x: 168, y: 221 };

interface LayerShape {
  /** How far it moves when the camera moves by one pixel. */
  parallax: number;
  /** Height of its edge above the waterline in pixels at a place. */
  ridge: (x: number) => number;
  /** Colour at a place, `depth` pixels below its edge, `high` pixels above the waterline. */
  shade: (at: { x: number; y: number; depth: number; high: number }) => Rgb;
}

/** One painted layer: premultiplied colour and coverage, four numbers a pixel. */
interface Layer {
  parallax: number;
  pixels: Float32Array;
}

/** Paints everything that stands on the far shore. */
export class Land {
  readonly #layers: Layer[];
  readonly #width: number;
  readonly #horizon: number;

  constructor(width: number, horizon: number) {
    this.#width = width;
    this.#horizon = horizon;
    this.#layers = [this.#peaks(), ...[SPURS, WOODS, SHORE].map((shape) => this.#paint(shape))];
  }

  /** Draws the land at `time`, from 0 up to 1 of the loop, with the camera `sway` pixels to the right. */
  draw(canvas: Canvas, { time, sway }: { time: number; sway: number }): void {
    for (const [index, layer] of this.#layers.entries()) {
      this.#compose(canvas, layer, sway);
      if (index < 3) this.#mist(canvas, { time, index, shift: sway * layer.parallax });
    }
    drawWindow(canvas, time, sway * SHORE.parallax);
  }

  #peaks(): Layer {
    const across = this.#width + 2 * MARGIN;
    const pixels = new Float32Array(across * this.#horizon * 4);
    paintPeaks(pixels, { across, margin: MARGIN, horizon: this.#horizon });
    return { parallax: 0.1, pixels };
  }

  #paint(shape: LayerShape): Layer {
    const across = this.#width + 2 * MARGIN;
    const pixels = new Float32Array(across * this.#horizon * 4);
    for (let column = 0; column < across; column++) {
      const x = column - MARGIN;
      const edge = this.#horizon - shape.ridge(x);
      for (let y = Math.max(0, Math.floor(edge)); y < this.#horizon; y++) {
        const cover = Math.min(1, y + 1 - edge);
        const color = shape.shade({ x, y, depth: y - edge, high: this.#horizon - y });
        const at = (y * across + column) * 4;
        for (let c = 0; c < 3; c++) pixels[at + c] = (color[c] as number) * cover;
        pixels[at + 3] = cover;
      }
    }
    if (shape === SHORE) plantCabin(pixels, across);
    return { parallax: shape.parallax, pixels };
  }

  #compose(canvas: Canvas, layer: Layer, sway: number): void {
    const across = this.#width + 2 * MARGIN;
    const shift = MARGIN + sway * layer.parallax;
    const whole = Math.floor(shift);
    const part = shift - whole;
    const { pixels } = layer;
    for (let y = 0; y < this.#horizon; y++) {
      for (let x = 0; x < this.#width; x++) {
        const from = (y * across + x + whole) * 4;
        const alpha = mix(pixels[from + 3] as number, pixels[from + 7] as number, part);
        if (alpha === 0) continue;
        const at = (y * this.#width + x) * 3;
        for (let c = 0; c < 3; c++) {
          const color = mix(pixels[from + c] as number, pixels[from + 4 + c] as number, part);
          canvas.data[at + c] = (canvas.data[at + c] as number) * (1 - alpha) + color;
        }
      }
    }
  }

  /** Haze that lies in the valleys and thins out upwards. */
  #mist(canvas: Canvas, { time, index, shift }: { time: number; index: number; shift: number }): void {
    const height = [62, 40, 20][index] ?? 0;
    const strength = [0.62, 0.66, 0.5][index] ?? 0;
    for (let y = this.#horizon - height; y < this.#horizon; y++) {
      const low = 1 - (this.#horizon - y) / height;
      for (let x = 0; x < this.#width; x++) {
        const place = { x: (x + shift) * 0.0065 + index * 5.3, y: y * 0.03 + index, z: time * 3, period: 3 };
        const density = strength * low * low * Math.max(0, 0.62 + 0.95 * loopFractal(place, 2));
        const warm = Math.exp(-(((x - this.#width * 0.66) / (this.#width * 0.34)) ** 2));
        const color: Rgb = [mix(92, 196, warm), mix(126, 156, warm), mix(148, 146, warm)];
        canvas.blend(x, y, { color, alpha: Math.min(0.85, density) });
      }
    }
  }
}

/** Bare blue foothills. */
const SPURS: LayerShape = {
  parallax: 0.2,
  ridge(x) {
    return 24 + 22 * still(x * 0.0065 + 4, 2.2) + 13 * still(x * 0.019, 5.5) + 3 * still(x * 0.09, 1.5);
  },
  shade({ x, y, depth, high }) {
    const grain = 1 + 0.1 * still(x * 0.07 + depth * 0.06, y * 0.09);
    const haze = smoothstep(46, 4, high) * 0.42;
    return [mix(34 * grain, 96, haze), mix(58 * grain, 118, haze), mix(88 * grain, 138, haze)];
  },
};

/** A wooded ridge; its edge is tree tops. */
const WOODS: LayerShape = {
  parallax: 0.38,
  ridge(x) {
    const ground = 17 + 15 * still(x * 0.0085 + 11, 0.4) + 9 * Math.exp(-(((x - 20) / 120) ** 2));
    return ground + forest(x, { spacing: 4.2, height: 7.5, seed: 5 });
  },
  shade({ x, y, depth, high }) {
    const grain = 1 + 0.22 * still(x * 0.35, y * 0.2) + 0.12 * smoothstep(6, 0, depth);
    const haze = smoothstep(26, 2, high) * 0.3;
    return [mix(15 * grain, 62, haze), mix(32 * grain, 84, haze), mix(50 * grain, 100, haze)];
  },
};

/** The shore itself with tall conifers and a clearing for the cabin. */
const SHORE: LayerShape = {
  parallax: 0.62,
  ridge(x) {
    const clearing = smoothstep(18, 46, Math.abs(x - CABIN.x - 2));
    const bay = smoothstep(330, 250, x) + smoothstep(470, 620, x);
    const ground = (3.5 + 3 * still(x * 0.02, 6.6)) * bay + 2.2 * clearing * bay;
    const stand = 13 + 16 * Math.max(0, still(x * 0.021 + 2, 1.1) + 0.34);
    return Math.max(0, ground) + bay * clearing * forest(x, { spacing: 7.4, height: stand, seed: 9 });
  },
  shade({ x, y }) {
    const grain = 1 + 0.3 * still(x * 0.3, y * 0.25);
    return [7 * grain, 15 * grain, 25 * grain];
  },
};

/** Noise that stands still, about -1 to 1. */
function still(x: number, y: number): number {
  return 1.35 * loopFractal({ x, y, z: 0, period: 4 }, 3);
}

const TREES = new Map<string, { size: number; lean: number }>();

/** Height of the tree tops above the ground at `x`: pointed conifers that overlap. */
function forest(x: number, { spacing, height, seed }: { spacing: number; height: number; seed: number }): number {
  let top = 0;
  const slot = Math.floor(x / spacing);
  for (let i = slot - 2; i <= slot + 2; i++) {
    const key = `${seed}:${i}`;
    const random = seededRandom(seed * 7919 + i * 104_729);
    const tree = TREES.get(key) ?? { size: 0.45 + 0.75 * random(), lean: random() - 0.5 };
    TREES.set(key, tree);
    const middle = (i + 0.5 + 0.6 * tree.lean) * spacing;
    const tall = height * tree.size;
    const aside = Math.abs(x - middle) / (tall * 0.26 + 0.8);
    const boughs = 0.055 * Math.sin(aside * 21 + i);
    top = Math.max(top, tall * (1 - aside + (aside < 0.9 ? boughs : 0)));
  }
  return top;
}

/** Draws the cabin into the painted shore, so that it moves with it. */
function plantCabin(pixels: Float32Array, across: number): void {
  const left = CABIN.x - 9 + MARGIN;
  const ground = CABIN.y + 9;
  function put(x: number, y: number, color: Rgb): void {
    const at = (Math.round(y) * across + Math.round(x)) * 4;
    pixels.set([...color, 1], at);
  }
  for (let y = 0; y < 11; y++) {
    for (let x = 0; x < 23; x++) put(left + x, ground - y, y % 3 === 0 ? [15, 14, 18] : [22, 20, 25]);
  }
  for (let y = 0; y < 8; y++) {
    for (let x = -3 + y * 1.6; x < 26 - y * 1.6; x++) {
      put(left + x, ground - 11 - y, y < 2 ? [46, 58, 78] : [30, 40, 58]);
    }
  }
  for (let y = 0; y < 6; y++) for (let x = 0; x < 3; x++) put(left + 16 + x, ground - 15 - y, [18, 20, 28]);
}

function drawWindow(canvas: Canvas, time: number, shift: number): void {
  const flicker = 0.92 + 0.08 * loopNoise({ x: 0.5, y: 0.5, z: time * 24, period: 24 });
  const x = CABIN.x - shift;
  const warm: Rgb = [255, 196, 104];
  for (const pane of [0, 8]) {
    for (let y = 0; y < 4; y++) {
      canvas.span(CABIN.y + y, x - 4 + pane, x - 0.5 + pane, { color: [255, 214, 138], alpha: flicker });
    }
  }
  canvas.glow({ x: x + 2, y: CABIN.y + 2, radius: 7, color: warm, light: 0.5 * flicker });
  canvas.glow({ x: x + 2, y: CABIN.y + 3, radius: 26, color: [255, 150, 60], light: 0.15 * flicker });
}
