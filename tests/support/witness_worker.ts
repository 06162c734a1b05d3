/// <reference lib="deno.worker" />
/**
 * Sleeps five milliseconds at a time and notes in the two numbers it was sent: by how many milliseconds it was woken too
 * late at the worst, and how many of them a CPU was with another machine in the worst fifth of a second.
 *
 * @module
 */

import { stolenTimes } from "./stolen_times.ts";

const SLEEP_MS = 5;
const WINDOW_MS = 200;

self.onmessage = ({ data: worst }: MessageEvent<Int32Array>) => {
  const never = new Int32Array(new SharedArrayBuffer(4));
  let stolen = stolenTimes();
  let windowEnd = performance.now() + WINDOW_MS;
  for (;;) {
    const due = performance.now() + SLEEP_MS;
    Atomics.wait(never, 0, 0, SLEEP_MS);
    const now = performance.now();
    raise(worst, 0, now - due);
    if (now < windowEnd) continue;
    const before = stolen;
    stolen = stolenTimes();
    raise(worst, 1, Math.max(...stolen.map((time, cpu) => time - (before[cpu] ?? 0))));
    windowEnd = now + WINDOW_MS;
  }
};

function raise(worst: Int32Array, index: number, value: number): void {
  if (value > Atomics.load(worst, index)) Atomics.store(worst, index, Math.round(value));
}
