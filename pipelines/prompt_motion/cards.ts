/**
 * Sets a prompt in cards of a few words each.
 *
 * @module
 */

import { chanceOf } from "./chance.ts";
import { cutGlyphs, type Glyph, resize } from "./glyphs.ts";
import type { Mask } from "./raster.ts";

/** One letter of a card, in its final size. */
export interface Letter {
  mask: Mask;
  /** Where its middle comes to rest, measured from the card's middle. */
  x: number;
  y: number;
}

/** A few words that are shown together. */
export interface Card {
  letters: readonly Letter[];
  /** Height of the type in pixels. */
  size: number;
}

/** The beat that picture and sound share. */
export interface Rhythm {
  bpm: number;
  /** Beats a card is shown. */
  cardBeats: number;
}

const LINE = 0.96;
const LONGEST_WORD = 12;
const CARD_LETTERS = 20;
/** Of a longer prompt the beginning is shown. */
const MOST_LETTERS = 240;

/** The rhythm of a prompt. */
export function rhythmOf(prompt: string, cards: readonly Card[]): Rhythm {
  return { bpm: 84 + 4 * Math.floor(chanceOf(`pace of ${prompt}`)() * 8), cardBeats: cards.length > 2 ? 4 : 8 };
}

/** Seconds from one letter of a card that arrives to the next. */
export function staggerOf(card: Card): number {
  return Math.min(0.055, 0.9 / Math.max(1, card.letters.length));
}

interface Setting {
  glyphs: ReadonlyMap<string, Glyph>;
  picture: { width: number; height: number };
  /** The size in which the glyphs were cut. */
  em: number;
}

/** Sets a prompt: words in cards, cards in lines, as large as the picture allows. */
export async function setCards(prompt: string, picture: { width: number; height: number }): Promise<Card[]> {
  const text = [...prompt.normalize("NFC")].slice(0, MOST_LETTERS).join("");
  const words = text.split(/\s+/u).filter(Boolean).flatMap(splitWord);
  const em = Math.min(320, Math.max(80, Math.round(picture.height * 0.046) * 10));
  const glyphs = await cutGlyphs(new Set(words.join(" ")), em);
  return groupWords(words).map((group) => setCard(group, { glyphs, picture, em }));
}

function splitWord(word: string): string[] {
  const letters = [...word];
  const pieces = Math.ceil(letters.length / LONGEST_WORD);
  const length = Math.ceil(letters.length / pieces);
  return Array.from({ length: pieces }, (_, i) => letters.slice(i * length, (i + 1) * length).join(""));
}

/** Fills cards evenly, so that the last one is not a leftover. */
function groupWords(words: readonly string[]): string[][] {
  const total = words.reduce((sum, word) => sum + word.length + 1, 0);
  const share = total / Math.max(1, Math.round(total / CARD_LETTERS + 0.2));
  const groups: string[][] = [];
  let filled = 0;
  for (const word of words) {
    const group = Math.min(groups.length, Math.floor((filled + word.length / 2) / share));
    (groups[group] ??= []).push(word);
    filled += word.length + 1;
  }
  return groups;
}

/** Chooses the line breaks that give the largest type. */
function setCard(words: readonly string[], { glyphs, picture, em }: Setting): Card {
  const space = glyphs.get(" ")?.advance ?? em * 0.22;
  const widths = words.map((word) => [...word].reduce((sum, letter) => sum + (glyphs.get(letter)?.advance ?? 0), 0));
  let best = { scale: 0, lines: [] as number[][] };
  for (let breaks = 0; breaks < 2 ** (words.length - 1) && breaks < 512; breaks++) {
    const lines: number[][] = [[]];
    for (const index of words.keys()) {
      lines.at(-1)?.push(index);
      if ((breaks >> index & 1) === 1) lines.push([]);
    }
    const widest = Math.max(...lines.map((line) => lineWidth(line, { widths, space })));
    const tall = picture.height * 0.74 / ((lines.length - 1) * LINE * em + 0.8 * em);
    const scale = Math.min(picture.width * 0.87 / widest, tall, picture.height * 0.55 / em);
    if (scale > best.scale * 1.001) best = { scale, lines };
  }
  const letters: Letter[] = [];
  const sized = new Map<Glyph, Mask>();
  for (const [row, line] of best.lines.entries()) {
    let pen = -lineWidth(line, { widths, space }) / 2;
    const middle = (row - (best.lines.length - 1) / 2) * LINE * em;
    for (const word of line) {
      for (const letter of words[word] ?? "") {
        const glyph = glyphs.get(letter);
        if (glyph === undefined) continue;
        const mask = sized.get(glyph) ?? resize(glyph.mask, best.scale);
        sized.set(glyph, mask);
        letters.push({ mask, x: (pen + glyph.x) * best.scale, y: (middle + glyph.y) * best.scale });
        pen += glyph.advance;
      }
      pen += space;
    }
  }
  return { letters, size: best.scale * em };
}

function lineWidth(line: readonly number[], { widths, space }: { widths: readonly number[]; space: number }): number {
  return line.reduce((sum, index) => sum + (widths[index] ?? 0), (line.length - 1) * space);
}
