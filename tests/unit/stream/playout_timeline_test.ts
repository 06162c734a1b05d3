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

Deno.test("sound alone runs on its own beside the pictures, with a little lead after a gap", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.start();
  near(timeline.placeSound(0.5).begin, 0);
  near(timeline.placeSound(0.25).begin, 0.5);
  near(timeline.soundAhead, 0.75);
  assert.ok(timeline.picturesAhead <= 0);
  near(timeline.place(1 / 24, { withAudio: false }), 0);
  clock.turn(2);
  const late = timeline.placeSound(0.5);
  assert.ok(late.begin > 2 && late.begin <= 2.05, `${late.begin}`);
  assert.equal(late.chunkSeconds, 0, "it belongs to no pictures");
});

Deno.test("sound that is about as long as the pictures before it is held to them, and so is the next, however they differ", () => {
  for (const length of [0.92, 1, 1.08]) {
    const clock = new ManualClock();
    const timeline = new PlayoutTimeline(clock);
    for (let pair = 0; pair < 100; pair++) {
      near(timeline.place(1, { withAudio: false, count: 24 }), pair);
      const { begin, chunkSeconds } = timeline.placeSound(length);
      near(begin, pair);
      near(chunkSeconds, 1);
    }
  }
});

Deno.test("pictures whose sound came first are held to it", () => {
  for (const length of [0.92, 1, 1.08]) {
    const clock = new ManualClock();
    const timeline = new PlayoutTimeline(clock);
    for (let pair = 0; pair < 100; pair++) {
      const { begin, chunkSeconds } = timeline.placeSound(length);
      near(begin, pair);
      if (pair > 0) near(chunkSeconds, 1);
      near(timeline.place(1, { withAudio: false, count: 24 }), pair);
    }
  }
});

Deno.test("chunks of pictures wait for sound that is late, single pictures do not", () => {
  for (const count of [24, 1]) {
    const clock = new ManualClock();
    const timeline = new PlayoutTimeline(clock);
    timeline.start();
    near(timeline.place(1, { withAudio: false, count }), 0);
    clock.turn(0.3);
    const { begin } = timeline.placeSound(1);
    assert.ok(begin >= 0.3 && begin <= 0.35, `${begin}`);
    near(timeline.place(1, { withAudio: false, count }), count === 1 ? 1 : begin + 1);
    near(timeline.placeSound(1).begin, count === 1 ? 1 : begin + 1);
  }
});

Deno.test("sound belongs to several chunks of pictures together, or comes in parts, and may begin late", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  for (let picture = 0; picture < 12; picture++) timeline.place(1 / 24, { withAudio: false });
  assert.deepEqual(timeline.placeSound(0.5), { begin: 0, chunkSeconds: 0.5 });
  near(timeline.place(1, { withAudio: false, count: 24 }), 0.5);
  near(timeline.placeSound(0.5).begin, 0.5);
  near(timeline.placeSound(0.5).begin, 1);
  for (let chunk = 0; chunk < 10; chunk++) timeline.place(1, { withAudio: false, count: 24 });
  near(timeline.placeSound(1).begin, 10.5);
});

Deno.test("short blocks of sound beside single pictures, a microphone's for one, belong to none", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  for (let picture = 0; picture < 240; picture++) {
    timeline.place(1 / 24, { withAudio: false });
    for (let block = 0; block < (picture % 12 === 0 ? 3 : 2); block++) {
      assert.equal(timeline.placeSound(0.02).chunkSeconds, 0);
    }
  }
});

Deno.test("knows when the other half of a pair comes next", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  assert.equal(timeline.isHalfPair, false);
  timeline.place(1, { withAudio: true, count: 24 });
  assert.equal(timeline.isHalfPair, false);
  timeline.place(1, { withAudio: false, count: 24 });
  assert.equal(timeline.isHalfPair, true);
  timeline.placeSound(1);
  assert.equal(timeline.isHalfPair, false);
  timeline.place(1, { withAudio: false, count: 24 });
  timeline.place(1, { withAudio: false, count: 24 });
  assert.equal(timeline.isHalfPair, false, "of pictures without sound none is waited for");
});

Deno.test("a chunk that is brought forward alone begins now, and those after it keep their time", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.start();
  timeline.place(0.1, { withAudio: false });
  clock.turn(0.04);
  near(timeline.place(0.1, { withAudio: false, forward: "alone" }), 0.04);
  near(timeline.place(0.1, { withAudio: false }), 0.2);
  assert.equal(timeline.underruns, 0);
});

Deno.test("one that is brought forward with its followers makes good what was lost by lateness, and no more", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.start();
  const followed = { withAudio: false, forward: "with_followers" } as const;
  near(timeline.place(0.1, followed), 0);
  clock.turn(0.04);
  near(timeline.place(0.1, followed), 0.1);
  clock.turn(0.19);
  near(timeline.place(0.1, followed), 0.23);
  clock.turn(0.08);
  near(timeline.place(0.1, followed), 0.31);
  clock.turn(0.08);
  near(timeline.place(0.1, followed), 0.4);
  clock.turn(10.01);
  near(timeline.place(0.1, followed), 10.4);
  for (let chunk = 0; chunk < 20; chunk++) {
    clock.turn(0.05);
    timeline.place(0.1, followed);
  }
  assert.ok(timeline.cursor > 12.39, `a wait of ten seconds is not made good: ${timeline.cursor}`);
});

Deno.test("nothing is brought forward past pictures that wait, nor before the start", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  near(timeline.place(0.1, { withAudio: false, forward: "alone" }), 0);
  near(timeline.place(0.1, { withAudio: false, forward: "with_followers" }), 0.1);
  timeline.start();
  clock.turn(0.2);
  near(timeline.place(0.5, { withAudio: false, count: 5 }), 0.2);
  clock.turn(0.35);
  near(timeline.place(0.1, { withAudio: false, forward: "with_followers" }), 0.7);
});

Deno.test("a late chunk is put off by the cushion, one in time is not", () => {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  timeline.start();
  near(timeline.place(0.5, { withAudio: false, count: 12 }), 0);
  clock.turn(0.4);
  near(timeline.place(0.5, { withAudio: false, count: 12, cushion: 0.1 }), 0.5);
  clock.turn(0.65);
  near(timeline.lateness, 0.05);
  near(timeline.place(0.5, { withAudio: false, count: 12, cushion: 0.1 }), 1.15);
});
