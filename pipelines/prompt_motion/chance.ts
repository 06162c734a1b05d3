/**
 * Chance that a prompt decides: the same words give the same numbers, other words give others.
 *
 * @module
 */

/** Gives numbers from 0 up to 1. */
export type Chance = () => number;

/** Chance seeded by a text. */
export function chanceOf(text: string): Chance {
  let state = 2166136261;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 16777619);
  return function next() {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** One of the choices. */
export function pick<T>(chance: Chance, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(chance() * choices.length)] ?? choices[0];
}

/** `a` at 0, `b` at 1. */
export function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

/** 0 below 0, 1 above 1. */
export function clamp(t: number): number {
  return t < 0 ? 0 : t > 1 ? 1 : t;
}

/** From 0 to 1, fast at first and slow at the end. */
export function easeOut(t: number): number {
  return 1 - (1 - clamp(t)) ** 3;
}

/** From 0 to 1, a little past it and back. */
export function easeBack(t: number): number {
  const rest = clamp(t) - 1;
  return 1 + 2.7 * rest ** 3 + 1.7 * rest ** 2;
}
