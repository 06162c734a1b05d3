import assert from "node:assert/strict";
import { PlayoutDelay } from "../../../src/webrtc/playout_delay.ts";

/** The delay after that much loss at a round trip of 80 ms. */
function delayAt(lossRate: number, { isInteractive = false } = {}): number {
  const delay = new PlayoutDelay({ isInteractive });
  delay.update({ lossRate, roundTrip: 0.08, now: 0 });
  return delay.seconds;
}

Deno.test("without loss nothing is held back; with loss the time of one repair, with much of it of two", () => {
  assert.equal(delayAt(0), 0);
  assert.equal(delayAt(0.009), 0);
  assert.ok(Math.abs(delayAt(0.02) - 0.15) < 1e-9);
  assert.ok(Math.abs(delayAt(0.05) - 0.23) < 1e-9);
  assert.ok(Math.abs(delayAt(0.05, { isInteractive: true }) - 0.15) < 1e-9, "a quick answer matters more");
});

Deno.test("it is no longer than 0.6 s, however far the viewer is", () => {
  const delay = new PlayoutDelay({ isInteractive: false });
  delay.update({ lossRate: 0.2, roundTrip: 1, now: 0 });
  assert.equal(delay.seconds, 0.6);
});

Deno.test("it rises at once and falls when it was not needed for ten seconds", () => {
  const delay = new PlayoutDelay({ isInteractive: false });
  const update = (lossRate: number, now: number) => delay.update({ lossRate, roundTrip: 0.08, now });
  assert.equal(update(0.02, 0), true);
  assert.equal(update(0.05, 1), true);
  assert.equal(update(0, 5), false);
  assert.equal(update(0.05, 8), false);
  assert.equal(update(0, 17), false);
  assert.equal(update(0, 18.5), true);
  assert.equal(delay.seconds, 0);
});
