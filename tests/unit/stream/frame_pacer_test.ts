import assert from "node:assert/strict";
import type { SourcePicture } from "../../../src/media/mod.ts";
import { FramePacer, PlayoutTimeline } from "../../../src/stream/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

interface Released {
  readonly picture: SourcePicture;
  readonly mediaTime: number;
  readonly fps: number;
  /** Media time at which it was released. */
  readonly at: number;
}

function makePacer(options: { lateness?: () => number } = {}) {
  const clock = new ManualClock(options);
  const timeline = new PlayoutTimeline(clock);
  const released: Released[] = [];
  const pacer = new FramePacer({
    clock,
    timeline,
    release: (picture, { mediaTime, fps }) => released.push({ picture, mediaTime, fps, at: timeline.mediaNow() }),
  });
  return { clock, timeline, pacer, released };
}

function pictures(count: number, first = 0): SourcePicture[] {
  return Array.from({ length: count }, (_, index) => ({ format: "jpeg", data: Uint8Array.of((first + index) & 0xff) }));
}

/** Plays an hour of 29.97 frames per second, a second's worth of frames at a time. */
function playAnHour(options: { lateness?: () => number }) {
  const fps = 30_000 / 1001;
  const { clock, timeline, pacer, released } = makePacer(options);
  let added = 0;
  timeline.start();
  for (let second = 0; second < 3600; second++) {
    while (timeline.ahead < 1) {
      const begin = timeline.place(30 / fps, { withAudio: false });
      pacer.add(pictures(30, added), { begin, fps });
      added += 30;
    }
    clock.turn(1);
  }
  assert.equal(timeline.underruns, 0);
  pacer.close();
  return released;
}

Deno.test("releases 29.97 frames per second exactly over an hour", () => {
  const released = playAnHour({});
  assert.equal(released.length, Math.floor(3600 * 30_000 / 1001) + 1);
  for (const [index, { mediaTime, at, picture }] of released.entries()) {
    const due = index * 1001 / 30_000;
    assert.ok(Math.abs(mediaTime - due) < 1e-6, `frame ${index} is stamped ${mediaTime} instead of ${due}`);
    assert.ok(Math.abs(at - due) < 0.001, `frame ${index} came at ${at} instead of ${due}`);
    assert.equal(picture.data[0], index & 0xff);
  }
});

Deno.test("does not add the lateness of timers up over an hour", () => {
  let calls = 0;
  const released = playAnHour({ lateness: () => (calls++ * 37 % 83) / 10_000 });
  for (const [index, { mediaTime, at }] of released.entries()) {
    assert.ok(Math.abs(mediaTime - index * 1001 / 30_000) < 1e-6, `frame ${index} is stamped ${mediaTime}`);
    const late = at - mediaTime;
    assert.ok(late > -0.001 && late < 0.0093, `frame ${index} came ${late} s late`);
  }
});

Deno.test("holds everything until the timeline starts and is woken", () => {
  const { clock, timeline, pacer, released } = makePacer();
  pacer.add(pictures(3), { begin: 0, fps: 10 });
  clock.turn(10);
  assert.equal(released.length, 0);
  assert.equal(clock.pending, 0, "no timer runs for nothing");
  timeline.start();
  pacer.wake();
  clock.turn(0.001);
  assert.equal(released.length, 1);
  assert.equal(pacer.length, 2);
  clock.turn(0.1);
  assert.equal(released.length, 2);
});

Deno.test("releases what is overdue at once, in order", () => {
  const { clock, timeline, pacer, released } = makePacer({ lateness: () => 0.55 });
  timeline.start();
  pacer.add(pictures(10), { begin: 0, fps: 10 });
  clock.turn(0.56);
  assert.deepEqual(released.map(({ picture }) => picture.data[0]), [0, 1, 2, 3, 4, 5]);
});

Deno.test("spaces each chunk by its own frame rate and tells the rate", () => {
  const { clock, timeline, pacer, released } = makePacer();
  timeline.start();
  pacer.add(pictures(2), { begin: 0, fps: 4 });
  pacer.add(pictures(3, 2), { begin: 0.5, fps: 20 });
  clock.turn(1);
  assert.deepEqual(released.map(({ mediaTime }) => mediaTime), [0, 0.25, 0.5, 0.55, 0.6]);
  assert.deepEqual(released.map(({ fps }) => fps), [4, 4, 20, 20, 20]);
  assert.equal(pacer.length, 0);
});

Deno.test("goes on after it ran dry", () => {
  const { clock, timeline, pacer, released } = makePacer();
  timeline.start();
  pacer.add(pictures(1), { begin: 0, fps: 10 });
  clock.turn(5);
  pacer.add(pictures(2), { begin: 5.2, fps: 10 });
  clock.turn(0.1);
  assert.equal(released.length, 1);
  clock.turn(0.3);
  assert.equal(released.length, 3);
  assert.equal(clock.pending, 0);
});

Deno.test("forgets what waits when it is closed", () => {
  const { clock, timeline, pacer, released } = makePacer();
  timeline.start();
  pacer.add(pictures(5), { begin: 1, fps: 10 });
  pacer.close();
  assert.equal(clock.pending, 0);
  clock.turn(10);
  assert.equal(released.length, 0);
  assert.equal(pacer.length, 0);
});
