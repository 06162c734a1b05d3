import assert from "node:assert/strict";
import { KEYS, planPresses } from "../../../bench/control/presses.ts";

Deno.test("the keys are pressed in turn", () => {
  const keys = planPresses(9, () => 0).map(({ key }) => key);
  assert.deepEqual(keys, [...KEYS, ...KEYS, KEYS[0]]);
});

Deno.test("the wait before a press lies between 300 and 700 ms", () => {
  const draws = [0, 0.5, 1 - Number.EPSILON];
  const pauses = planPresses(3, () => draws.shift() ?? 0).map(({ pauseMs }) => pauseMs);
  assert.equal(pauses[0], 300);
  assert.equal(pauses[1], 500);
  assert.ok(pauses[2]! > 699.9 && pauses[2]! < 700.1);
});

Deno.test("every press is drawn anew, so that presses fall on all phases of the frames", () => {
  let draws = 0;
  planPresses(5, () => draws++ / 5);
  assert.equal(draws, 5);
});
