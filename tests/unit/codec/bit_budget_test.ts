import assert from "node:assert/strict";
import { BitBudget } from "../../../src/codec/bit_budget.ts";

const RATE = { maxRate: 1000, bufferBits: 500 };

Deno.test("takes for ever what the rate carries", () => {
  const budget = new BitBudget(10);
  for (let picture = 0; picture < 1000; picture++) assert.equal(budget.spend(100, RATE), true, `picture ${picture}`);
});

Deno.test("takes a large picture out of the buffer, and another one when the rate has made up for it", () => {
  const budget = new BitBudget(10);
  assert.equal(budget.spend(500, RATE), true);
  assert.equal(budget.spend(101, RATE), false, "400 wait yet");
  // What was refused is not counted, but its time has not passed either: 400 + 100 is exactly the buffer.
  assert.equal(budget.spend(100, RATE), true);
  for (let picture = 0; picture < 4; picture++) assert.equal(budget.spend(0, RATE), true);
  assert.equal(budget.spend(500, RATE), true, "all has gone out");
});

Deno.test("runs over when pictures are a little too large for long enough", () => {
  const budget = new BitBudget(10);
  let picture = 0;
  while (budget.spend(150, RATE)) picture++;
  // 150 after the first one, 50 more with each.
  assert.equal(picture, 8);
});

Deno.test("follows a lower rate", () => {
  const budget = new BitBudget(10);
  assert.equal(budget.spend(400, RATE), true);
  assert.equal(budget.spend(50, { maxRate: 500, bufferBits: 250 }), false, "350 wait, and the buffer holds 250");
});
