/**
 * The frame number on every picture: as digits for people and as a strip of sixteen cells for tests.
 *
 * @module
 */

import type { Canvas } from "./canvas.ts";

/** Where the strip is. Cell 0 is the leftmost and holds the highest bit; white is 1, black is 0. */
export const STRIP = { x: 368, y: 344, cellWidth: 16, cellHeight: 12, cells: 16 } as const;

const BLACK = { color: [0, 0, 0], alpha: 1 } as const;
const WHITE = { color: [255, 255, 255], alpha: 1 } as const;
const SHADOW = { color: [2, 6, 14], alpha: 0.55 } as const;
const INK = { color: [226, 236, 240], alpha: 0.92 } as const;

const DIGITS: readonly string[] = [
  "01110 10001 10011 10101 11001 10001 01110",
  "00100 01100 00100 00100 00100 00100 01110",
  "01110 10001 00001 00110 01000 10000 11111",
  "11110 00001 00001 01110 00001 00001 11110",
  "00010 00110 01010 10010 11111 00010 00010",
  "11111 10000 11110 00001 00001 10001 01110",
  "00110 01000 10000 11110 10001 10001 01110",
  "11111 00001 00010 00100 01000 01000 01000",
  "01110 10001 10001 01110 10001 10001 01110",
  "01110 10001 10001 01111 00001 00010 01100",
];

/** Draws the digits and the strip of frame `number`. */
export function drawCounter(canvas: Canvas, number: number): void {
  drawStrip(canvas, number);
  const text = String(number).padStart(4, "0");
  const left = STRIP.x - 10 - text.length * 12;
  for (const [place, digit] of [...text].entries()) {
    const rows = DIGITS[Number(digit)]?.split(" ") ?? [];
    drawDigit(canvas, { rows, x: left + place * 12 + 1, y: STRIP.y }, SHADOW);
    drawDigit(canvas, { rows, x: left + place * 12, y: STRIP.y - 1 }, INK);
  }
}

function drawStrip(canvas: Canvas, number: number): void {
  const { x, y, cellWidth, cellHeight, cells } = STRIP;
  for (let cell = 0; cell < cells; cell++) {
    const bit = ((number % 65_536) >> (cells - 1 - cell)) & 1;
    const from = x + cell * cellWidth;
    for (let row = y; row < y + cellHeight; row++) canvas.span(row, from, from + cellWidth, bit === 1 ? WHITE : BLACK);
  }
}

interface Glyph {
  rows: readonly string[];
  x: number;
  y: number;
}

function drawDigit(canvas: Canvas, { rows, x, y }: Glyph, paint: typeof INK | typeof SHADOW): void {
  for (const [row, dots] of rows.entries()) {
    for (const [column, dot] of [...dots].entries()) {
      if (dot !== "1") continue;
      for (const down of [0, 1]) canvas.span(y + row * 2 + down, x + column * 2, x + column * 2 + 2, paint);
    }
  }
}
