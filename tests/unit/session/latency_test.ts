import assert from "node:assert/strict";
import { LatencyWindow } from "../../../src/session/latency.ts";

Deno.test("percentiles are null until something has been measured", () => {
  assert.deepEqual(new LatencyWindow().summary, { count: 0, p50: null, p95: null, p99: null });
});

Deno.test("percentiles are by nearest rank, whatever the order, rounded to tenths", () => {
  const window = new LatencyWindow();
  for (let n = 100; n >= 1; n--) window.add(n + 0.04);
  assert.deepEqual(window.summary, { count: 100, p50: 50, p95: 95, p99: 99 });
  const one = new LatencyWindow();
  one.add(12.36);
  assert.deepEqual(one.summary, { count: 1, p50: 12.4, p95: 12.4, p99: 12.4 });
  const two = new LatencyWindow();
  two.add(9);
  two.add(10);
  assert.deepEqual(two.summary, { count: 2, p50: 9, p95: 10, p99: 10 }, "numbers are not sorted as text");
});

Deno.test("all are counted, and percentiles made of the latest thousand", () => {
  const window = new LatencyWindow();
  for (let n = 0; n < 500; n++) window.add(9000);
  for (let n = 0; n < 999; n++) window.add(10);
  assert.deepEqual(window.summary, { count: 1499, p50: 10, p95: 10, p99: 10 });
  for (let n = 0; n < 1000; n++) window.add(20);
  assert.deepEqual(window.summary, { count: 2499, p50: 20, p95: 20, p99: 20 });
});
