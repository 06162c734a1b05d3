/**
 * A picture of floating point RGB (0 to 255, more is allowed) and the few ways of painting on it that the clip needs.
 *
 * @module
 */

/** Red, green, blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** A glowing spot. */
export interface Glow {
  x: number;
  y: number;
  /** Distance at which 37 % of the light is left, in pixels. */
  radius: number;
  color: Rgb;
  /** Strength in the middle; 1 adds the whole colour. */
  light: number;
}

/** A straight stroke with soft edges. */
export interface Stroke {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  /** Half the stroke's width at its beginning, in pixels. */
  from: number;
  /** Half the stroke's width at its end. */
  to: number;
  color: Rgb;
  alpha: number;
}

/** A picture of floating point RGB. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  /** Three numbers a pixel. */
  readonly data: Float32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.data = new Float32Array(width * height * 3);
  }

  /** Covers a part (0 to 1) of one pixel; pixels outside are ignored. */
  blend(x: number, y: number, paint: { color: Rgb; alpha: number }): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = (y * this.width + x) * 3;
    const { color, alpha } = paint;
    for (let c = 0; c < 3; c++) {
      const old = this.data[at + c] as number;
      this.data[at + c] = old + ((color[c] as number) - old) * alpha;
    }
  }

  /** Adds light. */
  glow({ x, y, radius, color, light }: Glow): void {
    const reach = radius * 3;
    const top = Math.max(0, Math.floor(y - reach));
    const bottom = Math.min(this.height - 1, Math.ceil(y + reach));
    const left = Math.max(0, Math.floor(x - reach));
    const right = Math.min(this.width - 1, Math.ceil(x + reach));
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const distance = ((column - x) ** 2 + (row - y) ** 2) / (radius * radius);
        const amount = light * Math.exp(-distance);
        if (amount < 0.002) continue;
        const at = (row * this.width + column) * 3;
        for (let c = 0; c < 3; c++) this.data[at + c] = (this.data[at + c] as number) + (color[c] as number) * amount;
      }
    }
  }

  /** Draws a stroke that may grow thinner. */
  stroke({ x0, y0, x1, y1, from, to, color, alpha }: Stroke): void {
    const reach = Math.max(from, to) + 1;
    const dx = x1 - x0;
    const dy = y1 - y0;
    const length = dx * dx + dy * dy;
    for (let y = Math.floor(Math.min(y0, y1) - reach); y <= Math.max(y0, y1) + reach; y++) {
      for (let x = Math.floor(Math.min(x0, x1) - reach); x <= Math.max(x0, x1) + reach; x++) {
        const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length));
        const distance = Math.hypot(x - x0 - dx * t, y - y0 - dy * t);
        const cover = from + (to - from) * t + 0.5 - distance;
        if (cover > 0) this.blend(x, y, { color, alpha: alpha * Math.min(1, cover) });
      }
    }
  }

  /** Fills the row `y` between two places, with soft ends. */
  span(y: number, from: number, to: number, paint: { color: Rgb; alpha: number }): void {
    for (let x = Math.floor(from); x < to; x++) {
      const cover = Math.min(to, x + 1) - Math.max(from, x);
      if (cover > 0) this.blend(x, y, { color: paint.color, alpha: paint.alpha * cover });
    }
  }

  /** Rounds to bytes of RGBA. A fixed pattern of less than one step keeps slow gradients from showing bands. */
  toRgba(into: Uint8ClampedArray): void {
    const { data, width } = this;
    for (let i = 0, at = 0; i < into.length; i += 4, at += 3) {
      const pixel = i >> 2;
      const x = pixel % width;
      const y = (pixel / width) | 0;
      const dither = ((x * 0.75487767 + y * 0.56984029) % 1) - 0.5;
      for (let c = 0; c < 3; c++) into[i + c] = (data[at + c] as number) + dither;
      into[i + 3] = 255;
    }
  }
}
