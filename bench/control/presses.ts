import type { Press } from "./control_page.ts";

/** The keys that have arrows, in the order in which they are pressed. */
export const KEYS = ["ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"] as const;

/** Bounds of the wait before a press: far more than a frame apart, so that presses fall on every phase of the frames. */
const LEAST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 700;

/**
 * So many presses, the keys in turn, at random times.
 *
 * @param random 0 to below 1
 */
export function planPresses(count: number, random: () => number): Press[] {
  return Array.from({ length: count }, (_, index) => ({
    key: KEYS[index % KEYS.length]!,
    pauseMs: LEAST_PAUSE_MS + random() * (LONGEST_PAUSE_MS - LEAST_PAUSE_MS),
  }));
}
