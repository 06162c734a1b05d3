import assert from "node:assert/strict";
import { ControlTrace, isAtOrAfter } from "../../../static/telefuser-latency.js";

/** A trace with what it told. */
function open() {
  const told: [string | number, number][] = [];
  return { trace: new ControlTrace((id, latencyMs) => void told.push([id, latencyMs])), told };
}

Deno.test("the first picture at or after the chunk's timestamp ends the measurement", async () => {
  const { trace, told } = open();
  const latency = trace.follow("a", 1000);
  trace.presented({ rtpTimestamp: 87_000, presentedAt: 1010 });
  trace.applied(["a"], 90_000, 1020);
  trace.presented({ rtpTimestamp: 88_500, presentedAt: 1030 });
  assert.equal(trace.size, 1);
  trace.presented({ rtpTimestamp: 93_750, presentedAt: 1044.26 });
  trace.presented({ rtpTimestamp: 97_500, presentedAt: 1080 });
  assert.equal(await latency, 44.3);
  assert.deepEqual(told, [["a", 44.3]]);
});

Deno.test("a message that comes after its picture is matched with the picture that was remembered", async () => {
  const { trace } = open();
  const latency = trace.follow(7, 1000);
  trace.presented({ rtpTimestamp: 86_250, presentedAt: 1005 });
  trace.presented({ rtpTimestamp: 90_000, presentedAt: 1025 });
  trace.presented({ rtpTimestamp: 93_750, presentedAt: 1066 });
  trace.applied([7], 90_000, 1070);
  assert.equal(await latency, 25);
});

Deno.test("a picture from before the control never ends it, even when its timestamp fits", async () => {
  const { trace } = open();
  trace.presented({ rtpTimestamp: 90_000, presentedAt: 990 });
  const latency = trace.follow("a", 1000);
  trace.applied(["a"], 90_000, 1010);
  assert.equal(trace.size, 1);
  trace.presented({ rtpTimestamp: 93_750, presentedAt: 1031 });
  assert.equal(await latency, 31);
});

Deno.test("timestamps are compared modulo 2^32", async () => {
  const last = 2 ** 32 - 1;
  assert.equal(isAtOrAfter(5, last), true);
  assert.equal(isAtOrAfter(last, 5), false);
  assert.equal(isAtOrAfter(last, last), true);
  assert.equal(isAtOrAfter(0, 2 ** 32 - 90_000), true);
  assert.equal(isAtOrAfter(2 ** 31 - 1, 0), true);
  assert.equal(isAtOrAfter(2 ** 31 + 1, 0), false);
  const { trace } = open();
  const latency = trace.follow("a", 0);
  trace.applied(["a"], last - 10, 1);
  trace.presented({ rtpTimestamp: last - 3760, presentedAt: 2 });
  assert.equal(trace.size, 1);
  trace.presented({ rtpTimestamp: 3739, presentedAt: 44 });
  assert.equal(await latency, 44);
});

Deno.test("where the browser tells no timestamps, the first picture after the message counts", async () => {
  const { trace } = open();
  const latency = trace.follow("a", 1000);
  trace.presented({ rtpTimestamp: undefined, presentedAt: 1010 });
  trace.applied(["a"], 90_000, 1020);
  trace.presented({ rtpTimestamp: undefined, presentedAt: 1020 });
  trace.presented({ rtpTimestamp: undefined, presentedAt: 1037 });
  assert.equal(await latency, 37);
});

Deno.test("one picture can show several controls, and one that is named again counts once", () => {
  const { trace, told } = open();
  void trace.follow("a", 0);
  void trace.follow("b", 10);
  trace.applied(["a", "b", "unknown"], 1000, 20);
  trace.applied(["a"], 5000, 21);
  trace.presented({ rtpTimestamp: 1000, presentedAt: 30 });
  trace.presented({ rtpTimestamp: 5000, presentedAt: 60 });
  assert.deepEqual(told, [["a", 30], ["b", 20]]);
  assert.equal(trace.summary.count, 2);
});

Deno.test("a chunk without a picture, and one whose ids are no list, end nothing", () => {
  const { trace } = open();
  void trace.follow("a", 0);
  trace.applied(["a"], undefined, 10);
  trace.applied("a", 1000, 10);
  trace.presented({ rtpTimestamp: 2000, presentedAt: 20 });
  assert.equal(trace.size, 1);
});

Deno.test("a control is forgotten after ten seconds, applied or not, and its promise says so", async () => {
  const { trace, told } = open();
  const [first, second] = [trace.follow("a", 0), trace.follow("b", 5000)];
  trace.applied(["a"], 1000, 10);
  trace.expire(9_999);
  assert.equal(trace.size, 2);
  trace.expire(10_000);
  assert.equal(await first, null);
  assert.equal(trace.size, 1);
  trace.presented({ rtpTimestamp: 1000, presentedAt: 10_001 });
  assert.deepEqual(told, []);
  trace.forgetAll();
  assert.equal(await second, null);
  assert.equal(trace.size, 0);
});

Deno.test("memory stays bounded: of many controls and pictures the oldest are forgotten", async () => {
  const { trace } = open();
  const first = trace.follow("first", 0);
  for (let n = 0; n < 256; n++) void trace.follow(n, n);
  assert.equal(await first, null);
  assert.equal(trace.size, 256);
  // The picture that showed control 255 is remembered for two seconds only.
  trace.presented({ rtpTimestamp: 1000, presentedAt: 300 });
  trace.presented({ rtpTimestamp: 9000, presentedAt: 2301 });
  trace.applied([255], 1000, 2302);
  assert.equal(trace.summary.last, 2301 - 255);
});

Deno.test("a control under an id that is still followed takes its place", async () => {
  const { trace } = open();
  const [first, second] = [trace.follow("a", 0), trace.follow("a", 100)];
  assert.equal(await first, null);
  trace.applied(["a"], 1000, 110);
  trace.presented({ rtpTimestamp: 1000, presentedAt: 130 });
  assert.equal(await second, 30);
});

Deno.test("the summary counts all and has nearest-rank percentiles of the latest thousand", () => {
  const { trace } = open();
  assert.deepEqual(trace.summary, { count: 0, p50: null, p95: null, last: null });
  const measure = (latencyMs: number, at: number) => {
    void trace.follow(at, at);
    trace.applied([at], at, at);
    trace.presented({ rtpTimestamp: at, presentedAt: at + latencyMs });
  };
  for (let n = 1; n <= 20; n++) measure(n, n * 1000);
  assert.deepEqual(trace.summary, { count: 20, p50: 10, p95: 19, last: 20 });
  for (let n = 1; n <= 1000; n++) measure(7, 100_000 + n * 1000);
  assert.deepEqual(trace.summary, { count: 1020, p50: 7, p95: 7, last: 7 });
});

Deno.test("a chunk that is told again without a timestamp ends no measurement, and spoils none", async () => {
  const { trace, told } = open();
  const latency = trace.follow("a", 1000);
  trace.applied(["a"], undefined, 1010);
  trace.presented({ rtpTimestamp: 90_000, presentedAt: 1020 });
  trace.expire(11_000);
  assert.equal(await latency, null);
  assert.deepEqual([told, trace.summary.count], [[], 0]);
});

Deno.test("timestamps of the track before are not compared with those of the track that takes its place", async () => {
  const { trace, told } = open();
  const seen = trace.follow("named", 1000);
  const later = trace.follow("not yet", 1000);
  trace.applied(["named"], 90_000, 1010);
  trace.presented({ rtpTimestamp: 80_000, presentedAt: 1020 });
  trace.forgetTimestamps();
  assert.equal(await seen, null);
  trace.applied(["not yet"], 70_000, 4000);
  assert.equal(trace.size, 1, "the picture with 80 000 was the old track's");
  trace.presented({ rtpTimestamp: 70_000, presentedAt: 4010 });
  assert.equal(await later, 3010);
  assert.deepEqual(told, [["not yet", 3010]]);
});
