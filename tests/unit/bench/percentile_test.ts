import assert from "node:assert/strict";
import { percentile } from "../../../bench/control/percentile.ts";

Deno.test("a percentile is the least value that this share of the values does not exceed", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentile(values, 0.5), 50);
  assert.equal(percentile(values, 0.95), 95);
  assert.equal(percentile(values, 0.99), 99);
  assert.equal(percentile(values, 1), 100);
});

Deno.test("percentiles of few values are values of the list", () => {
  assert.equal(percentile([30, 10, 20], 0.5), 20);
  assert.equal(percentile([30, 10, 20], 0.95), 30);
  assert.equal(percentile([7], 0), 7);
});

Deno.test("nothing measured has no percentile", () => {
  assert.ok(Number.isNaN(percentile([], 0.5)));
});
