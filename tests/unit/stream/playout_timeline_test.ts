import assert from "node:assert/strict";
import { PlayoutTimeline } from "../../../src/stream/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} instead of ${expected}`);
}

Deno.test("places content one behind the other and plays none of it before the start", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  assert.deepEqual([0.5, 0.25, 1].map((duration) => timeline.place(duration, { withAudio: true })), [0, 0.5, 0.75]);
  clock.turn(100);
  assert.equal(timeline.started, false);
  assert.equal(timeline.mediaNow(), Number.NEGATIVE_INFINITY);
  assert.equal(timeline.secondsUntil(0), Number.POSITIVE_INFINITY);
  assert.equal(timeline.ahead, 1.75);
  assert.equal(timeline.cursor, 1.75);
  assert.equal(timeline.underruns, 0);
});

Deno.test("begins media time with the first start and does not begin again", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.place(2, { withAudio: false });
  clock.turn(5);
  timeline.start();
  assert.equal(timeline.started, true);
  clock.turn(0.5);
  timeline.start();
  near(timeline.mediaNow(), 0.5);
  near(timeline.secondsUntil(2), 1.5);
  near(timeline.ahead, 1.5);
  clock.turn(3);
  assert.ok(timeline.secondsUntil(2) < 0);
  assert.ok(timeline.ahead < 0);
});

Deno.test("keeps chunks seamless as long as the pipeline is in time, however fine the margin", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.start();
  for (let index = 0; index < 50; index++) {
    near(timeline.place(1, { withAudio: true }), index);
    clock.turn(1);
  }
  assert.equal(timeline.underruns, 0);
});

Deno.test("places a late chunk at now, counts it, and lets the gap stay a gap", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.place(1, { withAudio: false });
  timeline.start();
  clock.turn(1.4);
  near(timeline.place(1, { withAudio: false }), 1.4);
  assert.equal(timeline.underruns, 1);
  near(timeline.place(1, { withAudio: false }), 2.4);
  assert.equal(timeline.underruns, 1);
  clock.turn(3);
  const begin = timeline.place(1, { withAudio: true });
  assert.ok(begin > 4.4 && begin <= 4.45, "sound gets a little lead, so that its beginning is not due already");
  assert.equal(timeline.underruns, 2);
  near(timeline.cursor, begin + 1);
});

Deno.test("does not count the wait for the first chunk as an underrun", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.start();
  clock.turn(3);
  near(timeline.place(1, { withAudio: false }), 3);
  assert.equal(timeline.underruns, 0);
  const soon = new PlayoutTimeline(clock);
  soon.start();
  clock.turn(0.2);
  near(soon.place(1, { withAudio: false }), 0.2);
});

Deno.test("never places one chunk over another, whatever the pipeline's pace", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.start();
  let end = 0;
  for (let index = 0; index < 500; index++) {
    const duration = (index * 7 % 10) / 10;
    const begin = timeline.place(duration, { withAudio: index % 3 === 0 });
    assert.ok(begin >= end - 1e-9, `chunk ${index} begins at ${begin}, before ${end}`);
    assert.ok(begin >= timeline.mediaNow() - 1e-9, `chunk ${index} begins in the past`);
    end = begin + duration;
    clock.turn((index * 13 % 17) / 10);
  }
  assert.ok(timeline.underruns > 10, "the pace was too slow often enough to mean something");
});
