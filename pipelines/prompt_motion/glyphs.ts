/**
 * Letters as masks, cut from the font.
 *
 * @module
 */

import { Image } from "imagescript";
import font from "../assets/bricolage_grotesque.ttf" with { type: "bytes" };
import { chanceOf } from "./chance.ts";
import type { Mask } from "./raster.ts";

/** A letter in the size in which it was cut. */
export interface Glyph {
  mask: Mask;
  /** From the pen to the mask's middle. */
  x: number;
  /** From the middle of the line to the mask's middle, downwards positive. */
  y: number;
  /** From this pen position to the next. */
  advance: number;
}

/** Everything the font can draw; other characters become a pattern of blocks. */
const DRAWABLE = /^[ -~¡-£¥-¬®-ćĊ-ēĖ-ěĞ-ģĦ-īĮ-ĳĶķĹ-ľŁ-ňŊ-ōŐ-śŞ-šŤťŨ-žẞ–—‘’‚“”„†•…‹›€™↑↓−]$/u;

/**
 * Draws all letters in one go, each in a line of its own, and again with a bar behind it: where the bar stands tells how
 * wide the letter is.
 */
export async function cutGlyphs(letters: ReadonlySet<string>, em: number): Promise<Map<string, Glyph>> {
  const glyphs = new Map<string, Glyph>();
  const drawn = [...letters].map((letter) => ({ letter, shape: drawable(letter) }));
  const known = drawn.filter(({ shape }) => shape !== null);
  const lines = ["|", "x", ...known.flatMap(({ shape }) => [shape, `${shape}|`])];
  const sheet = await Image.renderText(font, em, lines.join("\n"));
  const pitch = sheet.height / lines.length;
  const bar = inkOf(sheet, 0, pitch)?.right ?? 0;
  const x = inkOf(sheet, pitch, pitch);
  const middle = x === null ? pitch / 2 : (x.top + x.bottom) / 2 - pitch - 0.07 * em;
  for (const [index, { letter }] of known.entries()) {
    const top = (2 + 2 * index) * pitch;
    const ink = inkOf(sheet, top, pitch);
    const advance = (inkOf(sheet, top + pitch, pitch)?.right ?? bar) - bar;
    if (ink === null) {
      glyphs.set(letter, { mask: { width: 0, height: 0, data: new Uint8Array(0) }, x: 0, y: 0, advance });
      continue;
    }
    const mask = cutMask(sheet, ink);
    const y = (ink.top + ink.bottom) / 2 - top - middle;
    glyphs.set(letter, { mask, x: (ink.left + ink.right) / 2, y, advance });
  }
  for (const { letter, shape } of drawn) if (shape === null) glyphs.set(letter, blockGlyph(letter, em));
  return glyphs;
}

/** The character, or its base letter without accents, or null when the font has neither. */
function drawable(letter: string): string | null {
  if (DRAWABLE.test(letter)) return letter;
  const base = letter.normalize("NFKD").replace(/\p{Mark}/gu, "");
  return DRAWABLE.test(base) ? base : null;
}

interface Ink {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The box of all ink in a line of the sheet, or null; `right` and `bottom` lie just outside. */
function inkOf(sheet: Image, top: number, height: number): Ink | null {
  const ink: Ink = { left: Infinity, right: -1, top: Infinity, bottom: -1 };
  for (let y = top; y < top + height; y++) {
    for (let x = 0; x < sheet.width; x++) {
      if ((sheet.bitmap[(y * sheet.width + x) * 4 + 3] ?? 0) < 8) continue;
      ink.left = Math.min(ink.left, x);
      ink.right = Math.max(ink.right, x + 1);
      ink.top = Math.min(ink.top, y);
      ink.bottom = Math.max(ink.bottom, y + 1);
    }
  }
  return ink.right < 0 ? null : ink;
}

function cutMask(sheet: Image, ink: Ink): Mask {
  const width = ink.right - ink.left + 2;
  const height = ink.bottom - ink.top + 2;
  const data = new Uint8Array(width * height);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      data[y * width + x] = sheet.bitmap[((ink.top + y - 1) * sheet.width + ink.left + x - 1) * 4 + 3] ?? 0;
    }
  }
  return { width, height, data };
}

/** A pattern of blocks that stands for a character the font lacks; mirrored, so that it looks like a sign. */
function blockGlyph(letter: string, em: number): Glyph {
  const chance = chanceOf(letter);
  const cell = Math.round(em * 0.13);
  const size = 5 * cell + 2;
  const data = new Uint8Array(size * size);
  for (let row = 0; row < 5; row++) {
    for (let column = 0; column < 3; column++) {
      if (chance() < 0.42) continue;
      for (const place of [column, 4 - column]) {
        for (let y = 0; y < cell - 2; y++) {
          const from = (1 + row * cell + y) * size + 1 + place * cell;
          data.fill(255, from, from + cell - 2);
        }
      }
    }
  }
  return { mask: { width: size, height: size, data }, x: size / 2 + 6, y: -0.06 * em, advance: size + 12 };
}

/** A mask in another size; each new pixel is the mean of several places of the old one. */
export function resize(mask: Mask, scale: number): Mask {
  if (mask.width === 0) return mask;
  const width = Math.ceil(mask.width * scale) + 2;
  const height = Math.ceil(mask.height * scale) + 2;
  const data = new Uint8Array(width * height);
  const steps = Math.max(1, Math.ceil(1 / scale));
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      let sum = 0;
      for (let i = 0; i < steps * steps; i++) {
        const u = (x + (i % steps + 0.5) / steps - width / 2) / scale + mask.width / 2 - 0.5;
        const v = (y + (Math.floor(i / steps) + 0.5) / steps - height / 2) / scale + mask.height / 2 - 0.5;
        sum += sample(mask, u, v);
      }
      data[y * width + x] = sum / (steps * steps);
    }
  }
  return { width, height, data };
}

function sample({ width, height, data }: Mask, u: number, v: number): number {
  if (u < 0 || v < 0 || u >= width - 1 || v >= height - 1) return 0;
  const column = u | 0;
  const at = (v | 0) * width + column;
  const upper = (data[at] as number) * (column + 1 - u) + (data[at + 1] as number) * (u - column);
  const lower = (data[at + width] as number) * (column + 1 - u) + (data[at + width + 1] as number) * (u - column);
  return upper + (lower - upper) * (v % 1);
}
