/**
 * The music of a prompt: a bass, a pad and plucked notes on the beat of the picture, and a run of small bells for the
 * letters of a card as they arrive.
 *
 * @module
 */

import { type Card, type Rhythm, staggerOf } from "./cards.ts";
import { type Chance, chanceOf, mix, pick } from "./chance.ts";

/** Hz; the sound has two channels. */
export const SAMPLE_RATE = 48_000;

const STEPS_PER_BEAT = 4;
const STEPS_PER_BAR = 16;
const MOST_BELLS = 14;

/** Notes above the root, and the bass's way through four bars. */
interface Mode {
  scale: readonly [number, number, number, number, number];
  bass: readonly [number, number, number, number];
}

const MODES: readonly [Mode, ...Mode[]] = [
  { scale: [0, 2, 4, 7, 9], bass: [0, -3, 5, -5] },
  { scale: [0, 2, 4, 7, 11], bass: [0, 4, -3, -7] },
  { scale: [0, 3, 5, 7, 10], bass: [0, -4, 3, -2] },
  { scale: [0, 2, 3, 7, 10], bass: [0, 5, -4, -2] },
];

/** A tone that fades: a resonator of two poles. */
interface Ping {
  last: number;
  before: number;
  turn: number;
  fading: number;
  left: number;
  right: number;
  remaining: number;
}

interface Note {
  /** Sample at which it begins. */
  at: number;
  pitch: number;
  loudness: number;
  /** Seconds until 37 % are left. */
  decay: number;
  /** -1 left, 1 right. */
  pan: number;
  /** Strength of the octave above. */
  bright: number;
}

/** The sound of one stream, made piece by piece from the beginning. */
export class Tones {
  readonly #rhythm: Rhythm;
  readonly #cards: readonly Card[];
  readonly #mode: Mode;
  readonly #root: number;
  readonly #bright: number;
  readonly #pattern: readonly number[];
  readonly #stepLength: number;
  readonly #echo: { left: Float32Array; right: Float32Array; at: number };
  readonly #padPhases = new Float64Array(4);
  #padTurns: readonly number[] = [0, 0, 0, 0];
  #pings: Ping[] = [];
  #notes: Note[] = [];
  #sample = 0;
  #step = 0;

  constructor(prompt: string, { cards, rhythm }: { cards: readonly Card[]; rhythm: Rhythm }) {
    const chance: Chance = chanceOf(`sound of ${prompt}`);
    this.#cards = cards;
    this.#rhythm = rhythm;
    this.#mode = pick(chance, MODES);
    this.#root = 45 + Math.floor(chance() * 9);
    this.#bright = mix(0.15, 0.5, chance());
    this.#pattern = Array.from({ length: STEPS_PER_BAR }, (_, step) => {
      return chance() < (step % 4 === 0 ? 0.8 : step % 2 === 0 ? 0.55 : 0.2) ? Math.floor(chance() * 9) : -1;
    });
    this.#stepLength = SAMPLE_RATE * 60 / rhythm.bpm / STEPS_PER_BEAT;
    const length = Math.round(this.#stepLength * 3);
    this.#echo = { left: new Float32Array(length), right: new Float32Array(length), at: 0 };
  }

  /** The next samples, left and right by turns. */
  next(samples: number): Int16Array<ArrayBuffer> {
    const left = new Float32Array(samples);
    const right = new Float32Array(samples);
    const end = this.#sample + samples;
    const began = this.#sample;
    while (this.#sample < end) {
      if (this.#sample >= Math.round(this.#step * this.#stepLength)) this.#play(this.#step++);
      while (this.#notes[0] !== undefined && this.#notes[0].at <= this.#sample) {
        this.#strike(this.#notes.shift() as Note);
      }
      const nextStep = Math.round(this.#step * this.#stepLength);
      const stop = Math.min(end, nextStep, this.#notes[0]?.at ?? Infinity);
      const from = this.#sample - began;
      const to = stop - began;
      this.#pad(left.subarray(from, to), right.subarray(from, to));
      for (const ping of this.#pings) ring(ping, left.subarray(from, to), right.subarray(from, to));
      this.#pings = this.#pings.filter((ping) => ping.remaining > 0);
      this.#sample = stop;
    }
    return this.#mixdown(left, right);
  }

  /** Writes down the notes of a sixteenth. */
  #play(step: number): void {
    const at = Math.round(step * this.#stepLength);
    const inBar = step % STEPS_PER_BAR;
    const bass = this.#root + (this.#mode.bass[Math.floor(step / STEPS_PER_BAR) % 4] ?? 0);
    if (inBar === 0) {
      const [, , third, , fifth] = this.#mode.scale;
      const pitches = [bass, bass + 7, this.#root + third + 12, this.#root + fifth];
      this.#padTurns = pitches.map((pitch) => 2 * Math.PI * frequency(pitch) / SAMPLE_RATE);
    }
    if (inBar === 0 || inBar === 6 || inBar === 10) {
      const loudness = inBar === 0 ? 0.26 : 0.17;
      this.#notes.push({ at, pitch: bass - 12, loudness, decay: 0.42, pan: 0, bright: 0.4 });
    }
    const degree = this.#pattern[inBar] ?? -1;
    if (degree >= 0) {
      const loudness = inBar % 4 === 0 ? 0.13 : 0.09;
      const pitch = this.#pitch(degree) + 12;
      this.#notes.push({ at, pitch, loudness, decay: 0.34, pan: (degree - 4) / 6, bright: this.#bright });
    }
    const cardSteps = this.#rhythm.cardBeats * STEPS_PER_BEAT;
    if (step % cardSteps === 0) this.#bells(at, this.#cards[step / cardSteps % this.#cards.length]);
    this.#notes.sort((a, b) => a.at - b.at);
  }

  /** One bell for each letter of a card. */
  #bells(at: number, card: Card | undefined): void {
    if (card === undefined) return;
    const count = Math.min(MOST_BELLS, card.letters.length);
    const stagger = staggerOf(card) * SAMPLE_RATE;
    for (let i = 0; i < count; i++) {
      const letter = at + Math.round(i * card.letters.length / count * stagger);
      const pitch = this.#pitch(i % 11) + 24;
      this.#notes.push({ at: letter, pitch, loudness: 0.045, decay: 0.22, pan: i % 2 === 0 ? -0.6 : 0.6, bright: 0.2 });
    }
  }

  #pitch(degree: number): number {
    return this.#root + 12 * Math.floor(degree / 5) + (this.#mode.scale[degree % 5] ?? 0);
  }

  #strike({ pitch, loudness, decay, pan, bright }: Note): void {
    for (const [partial, strength] of [[1, 1], [2, bright], [3, bright * 0.35]] as const) {
      const turn = 2 * Math.PI * frequency(pitch) * partial / SAMPLE_RATE;
      const fading = Math.exp(-partial / (decay * SAMPLE_RATE));
      this.#pings.push({
        last: 0,
        before: -strength * Math.sin(turn) / fading,
        turn: 2 * fading * Math.cos(turn),
        fading: fading * fading,
        left: loudness * Math.cos((pan + 1) * Math.PI / 4),
        right: loudness * Math.sin((pan + 1) * Math.PI / 4),
        remaining: Math.round(decay / partial * 9 * SAMPLE_RATE),
      });
    }
  }

  /** Four soft tones that make room for every beat. */
  #pad(left: Float32Array, right: Float32Array): void {
    const beatLength = this.#stepLength * STEPS_PER_BEAT;
    for (let i = 0; i < left.length; i++) {
      const sample = this.#sample + i;
      const inBeat = sample % beatLength / beatLength;
      const level = 0.032 * (1 - 0.7 * Math.exp(-4 * inBeat) * Math.min(1, inBeat * 60 + 0.3)) *
        Math.min(1, sample / SAMPLE_RATE);
      let a = 0;
      let b = 0;
      for (let voice = 0; voice < 4; voice++) {
        const phase = (this.#padPhases[voice] as number) + (this.#padTurns[voice] as number);
        this.#padPhases[voice] = phase > 2 * Math.PI ? phase - 2 * Math.PI : phase;
        a += Math.sin(phase);
        b += Math.sin(phase + 0.6 + voice);
      }
      left[i] = (left[i] as number) + a * level;
      right[i] = (right[i] as number) + b * level;
    }
  }

  /** Adds echoes that go from side to side, and rounds. */
  #mixdown(left: Float32Array, right: Float32Array): Int16Array<ArrayBuffer> {
    const out = new Int16Array(left.length * 2);
    const echo = this.#echo;
    for (let i = 0; i < left.length; i++) {
      const a = (left[i] as number) + (echo.left[echo.at] as number);
      const b = (right[i] as number) + (echo.right[echo.at] as number);
      echo.left[echo.at] = 0.34 * b;
      echo.right[echo.at] = 0.34 * a;
      echo.at = echo.at + 1 === echo.left.length ? 0 : echo.at + 1;
      out[2 * i] = Math.round(Math.tanh(1.4 * a) * 30_000);
      out[2 * i + 1] = Math.round(Math.tanh(1.4 * b) * 30_000);
    }
    return out;
  }
}

function frequency(pitch: number): number {
  return 440 * 2 ** ((pitch - 69) / 12);
}

function ring(ping: Ping, left: Float32Array, right: Float32Array): void {
  let { last, before } = ping;
  const count = Math.min(left.length, ping.remaining);
  for (let i = 0; i < count; i++) {
    const value = ping.turn * last - ping.fading * before;
    before = last;
    last = value;
    left[i] = (left[i] as number) + value * ping.left;
    right[i] = (right[i] as number) + value * ping.right;
  }
  ping.last = last;
  ping.before = before;
  ping.remaining -= count;
}
