import assert from "node:assert/strict";
import { RtpPacer } from "../../../src/webrtc/rtp_pacer.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A pacer whose packets are noted with their name and the time at which they left. */
function makePacer(bitrate: number) {
  const clock = new ManualClock();
  const pacer = new RtpPacer({ clock, bitrate });
  const left: { name: string; at: number; bytes: number }[] = [];
  const begin = clock.now();
  const push = (name: string, { bytes = 1000, urgency = "queued" as "now" | "next" | "queued" } = {}) => {
    pacer.push({ bytes, send: () => left.push({ name, at: clock.now() - begin, bytes }) }, { urgency });
  };
  return { clock, pacer, left, push };
}

Deno.test("a picture of usual size is not held back", () => {
  const { left, push } = makePacer(2_000_000);
  for (let index = 0; index < 10; index++) push("p");
  assert.equal(left.length, 10);
});

Deno.test("no 100 ms hold more than 2.5 times the rate, however much comes at once", () => {
  const { clock, left, push } = makePacer(2_000_000);
  for (let second = 0; second < 3; second++) {
    for (let index = 0; index < 120; index++) push("key frame");
    for (let tick = 0; tick < 500; tick++) clock.turn(0.002);
  }
  assert.equal(left.length, 360);
  for (const { at: begin } of left) {
    const bytes = left.filter(({ at }) => at >= begin && at < begin + 0.1).reduce((sum, one) => sum + one.bytes, 0);
    assert.ok(bytes <= 2.5 * 25_000, `${bytes} bytes in 100 ms from ${begin} s on`);
  }
});

Deno.test("sound goes at once, retransmissions before pictures and in their order, and nothing is lost", () => {
  const { clock, pacer, left, push } = makePacer(400_000);
  for (let index = 0; index < 20; index++) push(`p${index}`);
  const before = left.length;
  push("sound", { bytes: 100, urgency: "now" });
  push("r1", { urgency: "next" });
  push("r2", { urgency: "next" });
  assert.deepEqual(left.slice(before).map(({ name }) => name), ["sound"]);
  assert.ok(pacer.backlog > 0.15, `${pacer.backlog} s`);
  for (let tick = 0; tick < 1000; tick++) clock.turn(0.002);
  const names = left.slice(before + 1).map(({ name }) => name);
  assert.deepEqual(names.slice(0, 2), ["r1", "r2"]);
  assert.deepEqual(names.slice(2), Array.from({ length: 20 - before }, (_, index) => `p${before + index}`));
  assert.equal(pacer.backlog, 0);
});

Deno.test("a new rate counts from now on; closing drops what waits", () => {
  const { clock, pacer, left, push } = makePacer(400_000);
  for (let index = 0; index < 100; index++) push("p");
  const slow = pacer.backlog;
  pacer.setBitrate(4_000_000, { isQueueing: false });
  assert.ok(pacer.backlog < slow / 9);
  for (let tick = 0; tick < 20; tick++) clock.turn(0.002);
  const sent = left.length;
  assert.ok(sent > 20 && sent < 100, `${sent} packets`);
  pacer.close();
  for (let tick = 0; tick < 100; tick++) clock.turn(0.002);
  assert.equal(left.length, sent);
});
