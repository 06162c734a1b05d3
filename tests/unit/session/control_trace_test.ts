import assert from "node:assert/strict";
import { ControlLatency, ControlTrace } from "../../../src/session/control_trace.ts";
import { ManualClock } from "../support/manual_clock.ts";

const NOTHING = { count: 0, p50: null, p95: null, p99: null };

function makeTrace() {
  const clock = new ManualClock();
  const totals = new ControlLatency();
  const trace = new ControlTrace({ clock, totals });
  return { clock, totals, trace, toSend: () => trace.latency.toSend.summary };
}

Deno.test("a control is timed from its arrival to the first frame at or after the one that shows it", () => {
  const { clock, trace, toSend, totals } = makeTrace();
  trace.received("a");
  clock.turn(0.01);
  trace.placed(["a"], 2);
  trace.sent(1.96);
  assert.deepEqual(toSend(), NOTHING, "the frame before it does not count");
  clock.turn(0.02);
  trace.sent(2.04);
  assert.deepEqual(toSend(), { count: 1, p50: 30, p95: 30, p99: 30 });
  clock.turn(1);
  trace.sent(3);
  assert.equal(toSend().count, 1, "it is counted once");
  assert.deepEqual(totals.summary.control_to_send, toSend());
  assert.deepEqual(totals.summary.control_latency, NOTHING);
});

Deno.test("controls that one frame shows are each timed from their own arrival", () => {
  const { clock, trace, toSend } = makeTrace();
  trace.received(1);
  clock.turn(0.05);
  trace.received("1");
  clock.turn(0.05);
  trace.placed([1, "1"], 0);
  trace.sent(0);
  assert.deepEqual(toSend(), { count: 2, p50: 50, p95: 100, p99: 100 }, "a number and a text are different ids");
});

Deno.test("only the first frame that shows a control counts, and ids that never came do not", () => {
  const { clock, trace, toSend } = makeTrace();
  trace.received("a");
  trace.placed(["unknown", "a"], 1);
  trace.placed(["a"], 2);
  trace.placed(["unknown"], 3);
  trace.placed("a", 1);
  trace.placed([null, {}, ["a"]], 1);
  clock.turn(0.04);
  trace.sent(1);
  clock.turn(1);
  trace.sent(5);
  assert.deepEqual(toSend(), { count: 1, p50: 40, p95: 40, p99: 40 });
});

Deno.test("controls without an id, or with one that is none, are not followed", () => {
  const { trace, toSend } = makeTrace();
  const ids = [undefined, null, {}, [], true, "x".repeat(201)];
  for (const id of ids) trace.received(id);
  trace.placed(ids, 0);
  trace.sent(0);
  assert.deepEqual(toSend(), NOTHING);
  trace.received("x".repeat(200));
  trace.placed(["x".repeat(200)], 0);
  trace.sent(0);
  assert.equal(toSend().count, 1);
});

Deno.test("256 are followed; of more, the oldest are forgotten", () => {
  const { trace, toSend } = makeTrace();
  for (let id = 0; id < 300; id++) trace.received(id);
  trace.placed(Array.from({ length: 300 }, (_, id) => id), 0);
  trace.sent(0);
  assert.equal(toSend().count, 256);
  trace.received(0);
  trace.placed([0], 1);
  trace.sent(1);
  assert.equal(toSend().count, 257, "a forgotten id may come again");
});

Deno.test("the client's latencies are believed from 0 to a minute", () => {
  const { trace, totals } = makeTrace();
  const refused = [-0.1, 60_001, Number.NaN, Number.POSITIVE_INFINITY, "40", null, undefined, {}];
  assert.deepEqual(refused.map((value) => trace.reported(value)), refused.map(() => false));
  assert.deepEqual([0, 12.34, 60_000].map((value) => trace.reported(value)), [true, true, true]);
  const expected = { count: 3, p50: 12.3, p95: 60_000, p99: 60_000 };
  assert.deepEqual(trace.latency.summary, { control_latency: expected, control_to_send: NOTHING });
  assert.deepEqual(totals.summary.control_latency, expected);
});

Deno.test("the totals are of all sessions together", () => {
  const { clock, totals, trace } = makeTrace();
  const other = new ControlTrace({ clock, totals });
  trace.reported(10);
  other.reported(30);
  for (const one of [trace, other]) {
    one.received("same id");
    one.placed(["same id"], 0);
  }
  clock.turn(0.01);
  trace.sent(0);
  clock.turn(0.01);
  other.sent(0);
  assert.deepEqual(totals.summary, {
    control_latency: { count: 2, p50: 10, p95: 30, p99: 30 },
    control_to_send: { count: 2, p50: 10, p95: 20, p99: 20 },
  });
  assert.equal(trace.latency.summary.control_latency.count, 1);
});

Deno.test("frames that never go out pile nothing up", () => {
  const { clock, trace, toSend } = makeTrace();
  trace.received("a");
  for (let chunk = 0; chunk < 1000; chunk++) trace.placed(["a"], chunk);
  clock.turn(0.01);
  trace.sent(700);
  assert.equal(toSend().count, 0, "the oldest are forgotten");
  trace.sent(999);
  assert.equal(toSend().count, 1);
});
