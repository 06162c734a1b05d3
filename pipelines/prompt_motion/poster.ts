/**
 * The moving picture of a prompt: a ground, a backdrop, and the prompt's words that arrive letter by letter.
 *
 * @module
 */

import { type Backdrop, chooseBackdrop, type Moment } from "./backdrops.ts";
import { type Card, type Rhythm, staggerOf } from "./cards.ts";
import { type Chance, chanceOf, clamp, easeBack, easeOut, mix, pick } from "./chance.ts";
import { chooseLook, type Look, paintGround } from "./looks.ts";
import { mixColor, type Raster, type Rgb } from "./raster.ts";

/** Seconds a letter needs to arrive. */
const ARRIVAL_S = 0.5;

/** Where a letter is on its way in or out. */
interface Pose {
  x: number;
  y: number;
  scale: number;
  angle: number;
  alpha: number;
}

/** How letters arrive: `t` goes from 0 to 1, `side` is -1 or 1 by turns, `size` is the height of the type. */
type Entrance = (t: number, side: number, size: number) => Pose;

/** What a poster is made of besides the prompt. */
export interface PosterOptions {
  cards: readonly Card[];
  rhythm: Rhythm;
  size: { width: number; height: number };
}

/** Draws the frames of one stream. */
export class Poster {
  readonly #cards: readonly Card[];
  readonly #look: Look;
  readonly #ground: Raster;
  readonly #backdrop: Backdrop;
  readonly #entrance: Entrance;
  readonly #bob: { height: number; length: number; speed: number };
  readonly #rhythm: Rhythm;

  constructor(prompt: string, { cards, rhythm, size }: PosterOptions) {
    const chance: Chance = chanceOf(prompt);
    this.#cards = cards;
    this.#rhythm = rhythm;
    this.#look = chooseLook(chance);
    this.#backdrop = chooseBackdrop(chance);
    this.#entrance = pick(chance, [rise, drop, spin, slide]);
    this.#bob = { height: mix(0.02, 0.05, chance()), length: mix(0.5, 1.1, chance()), speed: mix(0.5, 1, chance()) };
    this.#ground = paintGround(size, { look: this.#look, chance });
  }

  /** Draws the picture `time` seconds after the beginning. */
  draw(time: number): Raster {
    const raster = this.#ground.copy();
    const { bpm, cardBeats } = this.#rhythm;
    const beat = time * bpm / 60;
    const turn = Math.floor(beat / cardBeats);
    this.#backdrop(raster, { time, beat, accents: this.#accents(beat), haze: this.#look.ground[1] });
    const card = this.#cards[turn % this.#cards.length];
    if (card === undefined) return raster;
    const since = (beat - turn * cardBeats) * 60 / bpm;
    this.#flash(raster, since);
    this.#words(raster, card, { since, beat });
    return raster;
  }

  /** The accents change places with every card. */
  #accents(beat: number): Moment["accents"] {
    const { cardBeats } = this.#rhythm;
    const turn = Math.floor(beat / cardBeats);
    const fading = easeOut((beat - turn * cardBeats) / 1.5);
    const { accents } = this.#look;
    function at(place: number): Rgb {
      const before = accents[(place + turn + 2) % 3] ?? accents[0];
      const now = accents[(place + turn) % 3] ?? accents[0];
      return turn === 0 ? now : mixColor(before, now, fading);
    }
    return [at(0), at(1), at(2)];
  }

  /** A ring that runs outwards when a card begins. */
  #flash(raster: Raster, since: number): void {
    const run = since / 0.9;
    if (run >= 1) return;
    const radius = easeOut(run) * raster.width * 0.72;
    const paint = { color: this.#look.ink, alpha: 0.34 * (1 - run) ** 2 };
    raster.ring({ x: raster.width / 2, y: raster.height / 2, radius, hole: radius * mix(0.6, 0.97, run) }, paint);
  }

  #words(raster: Raster, card: Card, { since, beat }: { since: number; beat: number }): void {
    const { ink, shadow } = this.#look;
    const held = this.#rhythm.cardBeats * 60 / this.#rhythm.bpm;
    const stagger = staggerOf(card);
    const throb = 1 + 0.018 * Math.exp(-5 * (beat % 1));
    const depth = Math.max(2, card.size * 0.055);
    const poses = card.letters.map((_, index) => {
      const arriving = (since - index * stagger) / ARRIVAL_S;
      const leaving = (held - since - (card.letters.length - index) * stagger * 0.4) / 0.3;
      return this.#pose({ index, arriving, leaving, beat, size: card.size });
    });
    for (const layer of [shadow, ink]) {
      for (const [index, letter] of card.letters.entries()) {
        const pose = poses[index];
        if (pose === undefined || pose.alpha <= 0 || letter.mask.width === 0) continue;
        const off = layer === shadow ? depth : 0;
        raster.stamp(letter.mask, {
          x: raster.width / 2 + (letter.x + pose.x) * throb + off,
          y: raster.height / 2 + (letter.y + pose.y) * throb + off,
          scale: Math.max(0.02, pose.scale * throb),
          angle: pose.angle,
          color: layer,
          alpha: layer === shadow ? pose.alpha * 0.85 : pose.alpha,
        });
      }
    }
  }

  #pose(at: { index: number; arriving: number; leaving: number; beat: number; size: number }): Pose {
    const side = at.index % 2 === 0 ? 1 : -1;
    const pose = this.#entrance(clamp(at.arriving), side, at.size);
    const gone = 1 - clamp(at.leaving);
    const { height, length, speed } = this.#bob;
    const wave = Math.sin(at.beat * speed * Math.PI - at.index * length);
    return {
      x: pose.x,
      y: pose.y + wave * height * at.size - gone * gone * at.size * 0.6,
      scale: pose.scale * (1 - 0.5 * gone),
      angle: pose.angle + wave * 0.025 * side,
      alpha: pose.alpha * (1 - gone),
    };
  }
}

function rise(t: number, side: number, size: number): Pose {
  return {
    x: 0,
    y: (1 - easeBack(t)) * size * 0.9,
    scale: 1,
    angle: (1 - easeOut(t)) * 0.35 * side,
    alpha: clamp(t * 4),
  };
}

function drop(t: number, side: number, size: number): Pose {
  const y = -(1 - easeBack(t)) * size * 1.2;
  return { x: 0, y, scale: mix(1.5, 1, easeOut(t)), angle: (1 - easeOut(t)) * 0.2 * side, alpha: clamp(t * 4) };
}

function spin(t: number, side: number): Pose {
  return { x: 0, y: 0, scale: easeBack(t), angle: (1 - easeOut(t)) * 2.6 * side, alpha: clamp(t * 3) };
}

function slide(t: number, side: number, size: number): Pose {
  return {
    x: (1 - easeOut(t)) * size * 3 * side,
    y: 0,
    scale: 1,
    angle: (1 - easeBack(t)) * 0.5 * side,
    alpha: clamp(t * 3),
  };
}
