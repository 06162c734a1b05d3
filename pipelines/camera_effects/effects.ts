/**
 * What is done to a camera picture. Pixels are taken as one 32-bit number each, 0xAABBGGRR, which is four times fewer
 * steps than bytes.
 *
 * @module
 */

import type { Effect, Settings } from "./settings.ts";

/** A picture of RGBA pixels. */
export interface Picture {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

type Paint = (pixels: Uint32Array, picture: { width: number; height: number; color: string }) => void;

const PAINTS: Record<Effect, Paint> = { none: () => undefined, mirror, tint, outline };

/** Paints the effect over the picture. */
export function paint({ data, width, height }: Picture, { effect, color }: Pick<Settings, "effect" | "color">): void {
  const pixels = new Uint32Array(data.buffer, data.byteOffset, width * height);
  PAINTS[effect](pixels, { width, height, color });
}

/** Left is right. */
function mirror(pixels: Uint32Array, { width }: { width: number }): void {
  for (let row = 0; row < pixels.length; row += width) pixels.subarray(row, row + width).reverse();
}

/** Black stays black, white becomes the colour. */
function tint(pixels: Uint32Array, { color }: { color: string }): void {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)) as [number, number, number];
  const shades = new Uint32Array(256);
  for (let luma = 0; luma < 256; luma++) shades[luma] = opaque(red * luma / 255, green * luma / 255, blue * luma / 255);
  for (let at = 0; at < pixels.length; at++) pixels[at] = shades[lumaOf(pixels[at] as number)] as number;
}

/** White lines where brightness changes (Sobel's operator), black elsewhere. */
function outline(pixels: Uint32Array, { width, height }: { width: number; height: number }): void {
  const luma = new Uint8Array(pixels.length);
  for (let at = 0; at < luma.length; at++) luma[at] = lumaOf(pixels[at] as number);
  pixels.fill(opaque(0, 0, 0));
  for (let row = 1; row < height - 1; row++) {
    // The pixels around the current one; each step to the right moves them one to the left.
    let at = row * width;
    let [nw, w, sw] = column(luma, at, width);
    let [n, c, s] = column(luma, at + 1, width);
    for (const end = at + width - 1; ++at < end;) {
      const ne = luma[at + 1 - width] as number;
      const e = luma[at + 1] as number;
      const se = luma[at + 1 + width] as number;
      const across = ne + 2 * e + se - nw - 2 * w - sw;
      const down = sw + 2 * s + se - nw - 2 * n - ne;
      const edge = Math.min(255, Math.abs(across) + Math.abs(down));
      pixels[at] = opaque(edge, edge, edge);
      nw = n, w = c, sw = s, n = ne, c = e, s = se;
    }
  }
}

/** The pixel above, the pixel itself and the one below. */
function column(luma: Uint8Array, at: number, width: number): [number, number, number] {
  return [luma[at - width] as number, luma[at] as number, luma[at + width] as number];
}

function lumaOf(pixel: number): number {
  return ((pixel & 255) * 77 + (pixel >> 8 & 255) * 150 + (pixel >> 16 & 255) * 29) >> 8;
}

function opaque(red: number, green: number, blue: number): number {
  return (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
}
