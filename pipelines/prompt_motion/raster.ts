/**
 * A picture of RGBA pixels and quick ways of painting on it, with soft edges.
 *
 * @module
 */

import { mix } from "./chance.ts";

/** Red, green, blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** A colour between two: `a` at 0, `b` at 1. */
export function mixColor(a: Rgb, b: Rgb, t: number): Rgb {
  return [mix(a[0], b[0], t) | 0, mix(a[1], b[1], t) | 0, mix(a[2], b[2], t) | 0];
}

/** A shape without colour: how much each pixel is covered, 0 to 255. Its outermost pixels are empty. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Colour and how much of it. */
export interface Paint {
  color: Rgb;
  /** 0 to 1. */
  alpha: number;
}

/** How a mask lies in the picture. */
export interface Placement extends Paint {
  /** Where the middle of the mask is. */
  x: number;
  y: number;
  scale: number;
  /** Clockwise, in radians. */
  angle: number;
}

/** A picture; its pixels are one 32-bit number each. */
export class Raster {
  readonly width: number;
  readonly height: number;
  readonly #pixels: Uint32Array<ArrayBuffer>;

  constructor(width: number, height: number, pixels = new Uint32Array(width * height)) {
    this.width = width;
    this.height = height;
    this.#pixels = pixels;
  }

  /** The pixels as bytes of RGBA: the memory itself, not a copy. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#pixels.buffer);
  }

  /** A new picture with the same pixels. */
  copy(): Raster {
    return new Raster(this.width, this.height, this.#pixels.slice());
  }

  /** Sets every pixel. */
  fill(colorAt: (x: number, y: number) => Rgb): void {
    let at = 0;
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        const [r, g, b] = colorAt(x, y);
        this.#pixels[at++] = 0xff000000 | b << 16 | g << 8 | r;
      }
    }
  }

  /** Covers a pixel. */
  put(at: number, color: Rgb): void {
    this.#pixels[at] = 0xff000000 | color[2] << 16 | color[1] << 8 | color[0];
  }

  /** Covers part of a pixel; `amount` goes from 0 to 256. */
  blend(at: number, color: Rgb, amount: number): void {
    const old = this.#pixels[at] as number;
    const r = old & 255;
    const g = old >> 8 & 255;
    const b = old >> 16 & 255;
    this.#pixels[at] = 0xff000000 | b + ((color[2] - b) * amount >> 8) << 16 | g + ((color[1] - g) * amount >> 8) << 8 |
      r + ((color[0] - r) * amount >> 8);
  }

  /** Covers part of a row; both ends may lie between pixels. */
  span(y: number, ends: { from: number; to: number }, { color, alpha }: Paint): void {
    const from = Math.max(0, ends.from);
    const to = Math.min(this.width, ends.to);
    if (to <= from || y < 0 || y >= this.height) return;
    const row = y * this.width;
    const first = Math.ceil(from);
    const last = Math.floor(to);
    const amount = alpha * 256 | 0;
    if (first > last) return this.blend(row + last, color, amount * (to - from) | 0);
    if (first > from) this.blend(row + first - 1, color, amount * (first - from) | 0);
    if (to > last) this.blend(row + last, color, amount * (to - last) | 0);
    if (amount >= 256) {
      this.#pixels.fill(0xff000000 | color[2] << 16 | color[1] << 8 | color[0], row + first, row + last);
      return;
    }
    for (let at = row + first; at < row + last; at++) this.blend(at, color, amount);
  }

  /** A ring, or a disc when `hole` is 0. */
  ring(shape: { x: number; y: number; radius: number; hole: number }, paint: Paint): void {
    const { x, y, radius, hole } = shape;
    const top = Math.max(0, Math.floor(y - radius));
    const bottom = Math.min(this.height - 1, Math.ceil(y + radius));
    for (let row = top; row <= bottom; row++) {
      const off = row + 0.5 - y;
      const outer = radius * radius - off * off;
      if (outer <= 0) continue;
      const half = Math.sqrt(outer);
      const inner = hole * hole - off * off;
      if (inner <= 0) {
        this.span(row, { from: x - half, to: x + half }, paint);
      } else {
        const gap = Math.sqrt(inner);
        this.span(row, { from: x - half, to: x - gap }, paint);
        this.span(row, { from: x + gap, to: x + half }, paint);
      }
    }
  }

  /** Lays a mask onto the picture, turned and scaled, sampled between its pixels so that slow movement is smooth. */
  stamp(mask: Mask, { x, y, scale, angle, color, alpha }: Placement): void {
    const cos = Math.cos(angle) / scale;
    const sin = Math.sin(angle) / scale;
    const reachX = (Math.abs(cos) * mask.width + Math.abs(sin) * mask.height) * scale * scale / 2;
    const reachY = (Math.abs(sin) * mask.width + Math.abs(cos) * mask.height) * scale * scale / 2;
    const left = Math.max(0, Math.floor(x - reachX));
    const right = Math.min(this.width, Math.ceil(x + reachX));
    const bottom = Math.min(this.height, Math.ceil(y + reachY));
    const { width, data } = mask;
    const lastU = width - 1;
    const lastV = mask.height - 1;
    const strength = alpha * 256 / 255;
    for (let row = Math.max(0, Math.floor(y - reachY)); row < bottom; row++) {
      const dy = row + 0.5 - y;
      let u = (left + 0.5 - x) * cos + dy * sin + width / 2 - 0.5;
      let v = dy * cos - (left + 0.5 - x) * sin + mask.height / 2 - 0.5;
      for (let at = row * this.width + left, end = row * this.width + right; at < end; at++, u += cos, v -= sin) {
        if (u < 0 || v < 0 || u >= lastU || v >= lastV) continue;
        const column = u | 0;
        const line = v | 0;
        const from = line * width + column;
        const a = data[from] as number;
        const c = data[from + width] as number;
        const fu = u - column;
        const upper = a + ((data[from + 1] as number) - a) * fu;
        const lower = c + ((data[from + width + 1] as number) - c) * fu;
        const cover = (upper + (lower - upper) * (v - line)) * strength;
        if (cover >= 1) this.blend(at, color, cover | 0);
      }
    }
  }
}
