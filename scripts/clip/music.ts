/**
 * The music of the clip: eight bars in three-four time, harp-like plucks over a soft pad. Notes that ring past the end
 * ring on at the beginning, so the loop has no seam.
 *
 * @module
 */

import { mix, seededRandom } from "./noise.ts";
import { reverberate, type Stereo } from "./reverb.ts";

interface Bar {
  /** The lowest note; all notes are MIDI numbers. */
  bass: number;
  /** Notes of the pad and the plucks, rising. */
  chord: readonly [number, number, number, number, number];
  /** Bell notes: which eighth of the bar, and the note. */
  bells: readonly (readonly [eighth: number, note: number])[];
}

const BARS: readonly Bar[] = [
  { bass: 38, chord: [57, 62, 66, 69, 76], bells: [[0, 81], [3, 78]] },
  { bass: 37, chord: [57, 61, 64, 69, 76], bells: [[2, 76]] },
  { bass: 35, chord: [54, 59, 62, 69, 74], bells: [[0, 78], [4, 74]] },
  { bass: 43, chord: [55, 59, 62, 66, 74], bells: [[3, 69]] },
  { bass: 42, chord: [57, 62, 66, 69, 78], bells: [[0, 74], [2, 76], [4, 78]] },
  { bass: 40, chord: [55, 59, 62, 66, 71], bells: [[1, 79], [4, 78]] },
  { bass: 43, chord: [55, 62, 66, 69, 73], bells: [[0, 74], [5, 73]] },
  { bass: 45, chord: [57, 62, 64, 69, 71], bells: [[2, 71], [4, 69]] },
];

/** Which chord note sounds on each eighth of a bar; -1 is a rest. */
const FIGURES: readonly (readonly number[])[] = [
  [0, 2, 3, 4, 3, 2],
  [0, 1, 3, 2, 4, -1],
  [0, 2, 4, 3, 2, 3],
  [0, 3, 2, 4, -1, 2],
];

interface Voice {
  /** Sample number at which it begins. */
  at: number;
  note: number;
  loudness: number;
  /** -1 left, 1 right. */
  pan: number;
}

/** Composes and renders one loop. `samples` is its length at `rate` Hz; the eight bars fill it exactly. */
export function composeLoop({ samples, rate }: { samples: number; rate: number }): Stereo {
  const dry: Stereo = { left: new Float32Array(samples), right: new Float32Array(samples) };
  const send: Stereo = { left: new Float32Array(samples), right: new Float32Array(samples) };
  const random = seededRandom(1896);
  const barLength = samples / BARS.length;
  const eighth = barLength / 6;
  for (const [index, bar] of BARS.entries()) {
    const at = index * barLength;
    const outs = [dry, send] as const;
    bass(outs, { at, note: bar.bass, loudness: 0.17, pan: 0 }, { length: barLength, rate });
    for (const [place, note] of bar.chord.entries()) {
      const pan = mix(-0.75, 0.75, place / 4) * (index % 2 === 0 ? 1 : -1);
      pad(outs, { at, note: note - (place === 4 ? 12 : 0), loudness: 0.028, pan }, { length: barLength, rate });
    }
    for (const [step, place] of (FIGURES[index % FIGURES.length] ?? []).entries()) {
      const note = bar.chord[place];
      const human = (random() - 0.5) * 0.014 * rate;
      const accent = (step === 0 ? 0.17 : 0.12) * (0.82 + 0.3 * random());
      if (note === undefined) continue;
      pluck(outs, { at: at + step * eighth + human, note, loudness: accent, pan: (note - 65) / 18 }, rate);
    }
    for (const [step, note] of bar.bells) {
      const ring: Voice = { at: at + step * eighth, note, loudness: 0.085, pan: 0.25 };
      bell(outs, ring, rate);
      bell(outs, { ...ring, at: ring.at + eighth * 1.5, loudness: 0.032, pan: -0.7 }, rate);
      bell(outs, { ...ring, at: ring.at + eighth * 3, loudness: 0.015, pan: 0.8 }, rate);
    }
  }
  lapping(dry, { rate, random });
  return master(dry, reverberate(send, rate));
}

function frequency(note: number): number {
  return 440 * 2 ** ((note - 69) / 12);
}

/** Adds one sound to the dry mix and a part of it to the reverberation; what overhangs the loop wraps around. */
function add(outs: readonly [Stereo, Stereo], voice: Voice, sound: { data: Float32Array; wet: number }): void {
  const [dry, send] = outs;
  const samples = dry.left.length;
  const angle = (Math.max(-1, Math.min(1, voice.pan)) + 1) * Math.PI / 4;
  const gainLeft = Math.cos(angle) * voice.loudness;
  const gainRight = Math.sin(angle) * voice.loudness;
  let at = ((Math.round(voice.at) % samples) + samples) % samples;
  for (const value of sound.data) {
    dry.left[at] = (dry.left[at] as number) + value * gainLeft;
    dry.right[at] = (dry.right[at] as number) + value * gainRight;
    send.left[at] = (send.left[at] as number) + value * gainLeft * sound.wet;
    send.right[at] = (send.right[at] as number) + value * gainRight * sound.wet;
    at = at + 1 === samples ? 0 : at + 1;
  }
}

/** A plucked string: partials that fade faster the higher they are, with a little stiffness. */
function pluck(outs: readonly [Stereo, Stereo], voice: Voice, rate: number): void {
  const data = new Float32Array(Math.round(rate * 3.2));
  const base = frequency(voice.note);
  for (let n = 1; n <= 9; n++) {
    const f = base * n * Math.sqrt(1 + 0.00035 * n * n);
    const strength = Math.abs(Math.sin(Math.PI * n * 0.19)) / n ** 1.35;
    addPartial(data, { f, strength, decay: 1.35 / (0.6 + 0.5 * n) * (440 / base) ** 0.35, phase: 0, rate });
  }
  soften(data, { attack: 0.003 * rate, release: 0.4 * rate });
  add(outs, voice, { data, wet: 0.55 });
}

/** A small glass bell. */
function bell(outs: readonly [Stereo, Stereo], voice: Voice, rate: number): void {
  const data = new Float32Array(Math.round(rate * 4.5));
  const base = frequency(voice.note);
  for (
    const [ratio, strength, decay] of [[1, 1, 1.5], [2.003, 0.32, 0.8], [3.01, 0.16, 0.4], [5.43, 0.07, 0.16]] as const
  ) {
    addPartial(data, { f: base * ratio, strength, decay, phase: 0, rate });
  }
  soften(data, { attack: 0.006 * rate, release: 0.6 * rate });
  add(outs, voice, { data, wet: 0.9 });
}

function bass(outs: readonly [Stereo, Stereo], voice: Voice, { length, rate }: { length: number; rate: number }): void {
  const data = new Float32Array(Math.round(length * 1.25));
  const base = frequency(voice.note);
  for (const [n, strength] of [[1, 1], [2, 0.34], [3, 0.1]] as const) {
    addPartial(data, { f: base * n, strength, decay: 2.2 / n, phase: 0, rate });
  }
  soften(data, { attack: 0.03 * rate, release: 0.7 * rate });
  add(outs, voice, { data, wet: 0.12 });
}

/** Several slightly mistuned tones that swell and fade into the next bar. */
function pad(outs: readonly [Stereo, Stereo], voice: Voice, { length, rate }: { length: number; rate: number }): void {
  for (const detune of [-0.07, 0.06]) {
    const data = new Float32Array(Math.round(length * 1.7));
    const base = frequency(voice.note + detune);
    for (let n = 1; n <= 6; n++) {
      addPartial(data, { f: base * n, strength: 1 / n ** 1.9, decay: Infinity, phase: n * 1.7 + detune * 40, rate });
    }
    soften(data, { attack: length * 0.55, release: length * 0.85 });
    const at = voice.at - length * 0.18;
    add(outs, { ...voice, at, pan: voice.pan + detune * 4 }, { data, wet: 0.8 });
  }
}

interface Partial {
  /** Hz. */
  f: number;
  strength: number;
  /** Seconds until 37 % are left. */
  decay: number;
  phase: number;
  rate: number;
}

function addPartial(data: Float32Array, { f, strength, decay, phase, rate }: Partial): void {
  if (f > rate * 0.45) return;
  const step = 2 * Math.PI * f / rate;
  const fading = Math.exp(-1 / (decay * rate));
  let level = strength;
  for (let i = 0; i < data.length; i++) {
    data[i] = (data[i] as number) + level * Math.sin(step * i + phase);
    level *= fading;
  }
}

function soften(data: Float32Array, { attack, release }: { attack: number; release: number }): void {
  for (let i = 0; i < attack && i < data.length; i++) {
    data[i] = (data[i] as number) * (0.5 - 0.5 * Math.cos(Math.PI * i / attack));
  }
  for (let i = 0; i < release && i < data.length; i++) {
    const at = data.length - 1 - i;
    data[at] = (data[at] as number) * (0.5 - 0.5 * Math.cos(Math.PI * i / release));
  }
}

/** Water at the shore: dark noise that comes and goes, barely there. */
function lapping(mixdown: Stereo, { rate, random }: { rate: number; random: () => number }): void {
  for (const [side, out] of [mixdown.left, mixdown.right].entries()) {
    const noise = Float32Array.from(out, () => random() * 2 - 1);
    const pole = Math.exp(-2 * Math.PI * 520 / rate);
    let low = 0;
    let lower = 0;
    // The first round only brings the filters to the state in which the loop ends.
    for (let i = -noise.length; i < noise.length; i++) {
      const at = i < 0 ? i + noise.length : i;
      low += (1 - pole) * ((noise[at] as number) - low);
      lower += (1 - pole) * (low - lower);
      if (i < 0) continue;
      const turn = 2 * Math.PI * at / noise.length;
      const swell = (0.5 + 0.5 * Math.sin(turn * 5 + side * 0.9)) ** 2 +
        0.6 * (0.5 + 0.5 * Math.sin(turn * 7 + 2 + side)) ** 3;
      out[at] = (out[at] as number) + lower * 0.055 * (0.15 + swell);
    }
  }
}

/** Joins dry sound and reverberation and brings the peak to -7 dBFS. */
function master(dry: Stereo, wet: Stereo): Stereo {
  let peak = 0;
  for (const side of ["left", "right"] as const) {
    const out = dry[side];
    for (let i = 0; i < out.length; i++) {
      out[i] = (out[i] as number) + (wet[side][i] as number);
      peak = Math.max(peak, Math.abs(out[i] as number));
    }
  }
  const gain = 10 ** (-7 / 20) / peak;
  for (const out of [dry.left, dry.right]) for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) * gain;
  return dry;
}
