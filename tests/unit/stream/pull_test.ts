import assert from "node:assert/strict";
import { sleep } from "../../../src/async/mod.ts";
import type { PcmBlock, SourcePicture } from "../../../src/media/mod.ts";
import type { PipelineChunk } from "../../../src/pipeline/mod.ts";
import { type AudioFramer, ChunkRouter, FramePacer, PlayoutTimeline } from "../../../src/stream/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

const FRAME = 1 / 24;

/** One picture from the question for it to the screen; times in seconds of media time. */
interface Shown {
  /** When the generator was asked for the chunk it is in. */
  readonly askedAt: number;
  /** When that chunk came. */
  readonly cameAt: number;
  readonly mediaTime: number;
  /** When it was released to the encoder. */
  readonly at: number;
}

/** How a pipeline makes its n-th chunk: how long it takes, and what it holds. */
interface Making {
  readonly takes: (index: number, now: number) => number;
  /** Pictures in a chunk; by default one. */
  readonly pictures?: number | ((index: number) => number);
  readonly audio?: PcmBlock | ((index: number) => PcmBlock | null);
  readonly metadata?: (index: number) => Record<string, unknown>;
}

/** Plays a pipeline interactively on a clock turned by hand. */
function play({ takes, pictures = 1, audio = undefined, metadata = () => ({}) }: Making) {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  const shown: Shown[] = [];
  const asked: number[] = [];
  const origins = new Map<SourcePicture, { askedAt: number; cameAt: number }>();
  const pacer = new FramePacer({
    clock,
    timeline,
    release: (picture, { mediaTime }) => {
      const origin = origins.get(picture) ?? { askedAt: Number.NaN, cameAt: Number.NaN };
      shown.push({ ...origin, mediaTime, at: timeline.mediaNow() });
    },
  });
  const soundless = { add: () => undefined, endTime: 0 } as unknown as AudioFramer;
  const router = new ChunkRouter({
    clock,
    timeline,
    pacer,
    audio: soundless,
    fps: 24,
    bufferSeconds: 1,
    interactive: true,
    routed: () => undefined,
  });
  async function* generate(): AsyncGenerator<PipelineChunk> {
    for (let index = 0;; index++) {
      const askedAt = timeline.mediaNow();
      asked.push(askedAt);
      const seconds = takes(index, askedAt);
      if (seconds > 0) await sleep(clock, seconds);
      const length = typeof pictures === "number" ? pictures : pictures(index);
      const made = Array.from({ length }, (): SourcePicture => ({ format: "jpeg", data: Uint8Array.of(1) }));
      for (const picture of made) origins.set(picture, { askedAt, cameAt: timeline.mediaNow() });
      yield {
        index,
        fps: undefined,
        pictures: made,
        audio: (typeof audio === "function" ? audio(index) : audio) ?? null,
        metadata: metadata(index),
      };
    }
  }
  const abort = new AbortController();
  timeline.start();
  const running = router.run(generate(), abort.signal);
  return {
    clock,
    timeline,
    router,
    shown,
    asked,
    async [Symbol.asyncDispose]() {
      abort.abort();
      await clock.advance(1);
      await running;
      pacer.close();
    },
  };
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

/** The same on every run. */
function jitter(index: number, spread: number): number {
  return Math.sin(index * 12.9898) * spread;
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`;
}

Deno.test("a quick pipeline is asked at most 8 ms before its picture is due, and the rate is exact", async () => {
  await using played = play({ takes: () => 0.001 });
  await played.clock.advance(10);
  const { shown, timeline } = played;
  assert.ok(Math.abs(shown.length - 240) <= 2, `${shown.length} pictures`);
  for (const { askedAt, at, mediaTime } of shown.slice(3)) {
    assert.ok(at - askedAt <= 0.008, `asked ${milliseconds(at - askedAt)} before`);
    assert.ok(Math.abs(at - mediaTime) < 0.001, `shown ${milliseconds(at - mediaTime)} late`);
  }
  for (const gap of gaps(shown.map(({ mediaTime }) => mediaTime)).slice(3)) assert.ok(Math.abs(gap - FRAME) < 1e-6);
  assert.equal(timeline.underruns, 0);
});

Deno.test("a pipeline that takes 45 ms for a picture at 24 fps is asked at once, and each picture shown at once", async () => {
  await using played = play({ takes: () => 0.045 });
  await played.clock.advance(10);
  const { shown, asked } = played;
  assert.ok(shown.length >= 10 / 0.045 - 3, `${shown.length} pictures`);
  for (const { at, cameAt } of shown.slice(3)) assert.ok(at - cameAt < 0.001, `held for ${milliseconds(at - cameAt)}`);
  for (const gap of gaps(asked).slice(3)) assert.ok(Math.abs(gap - 0.045) < 0.001, `asked after ${milliseconds(gap)}`);
});

Deno.test("a hiccup of 200 ms does not leave the delay high", async () => {
  await using played = play({ takes: (index) => index === 60 ? 0.2 : 0.005 });
  await played.clock.advance(10);
  const { shown } = played;
  const delayOf = (from: number) => Math.max(...shown.slice(from, from + 20).map(({ at, askedAt }) => at - askedAt));
  assert.ok(delayOf(20) <= 0.012, `${milliseconds(delayOf(20))} before it`);
  const hiccup = gaps(shown.map(({ at }) => at)).findIndex((gap) => gap > 0.15);
  assert.ok(hiccup > 50 && hiccup < 70, `the hiccup is at ${hiccup}`);
  assert.ok(delayOf(hiccup + 49) <= 0.012, `${milliseconds(delayOf(hiccup + 49))} two seconds after it`);
  const late = gaps(shown.slice(hiccup + 2).map(({ at }) => at));
  assert.ok(Math.max(...late) < 1.5 * FRAME && Math.min(...late) > 0.5 * FRAME, "the pace is even after it");
});

Deno.test("input brings one picture forward, at most one ahead, and those after it keep their time", async () => {
  await using played = play({ takes: () => 0.001 });
  const { clock, router, shown, timeline } = played;
  await clock.advance(2);
  const regular = shown.at(-1)?.mediaTime ?? 0;
  const before = shown.length;
  // A third of a frame after the last picture.
  await clock.advance(regular + FRAME * 1.35 - timeline.mediaNow());
  const count = shown.length;
  const pressed = timeline.mediaNow();
  for (let press = 0; press < 5; press++) router.nudge();
  await clock.advance(0.004);
  assert.equal(shown.length, count + 1, "one picture, however often it is asked for");
  const forward = shown.at(-1);
  assert.ok((forward?.askedAt ?? 0) >= pressed, "it was made after the press");
  assert.ok(
    (forward?.at ?? 1) - pressed <= 0.004,
    `shown ${milliseconds((forward?.at ?? 0) - pressed)} after the press`,
  );
  assert.ok(timeline.picturesAhead <= FRAME * 2, `${milliseconds(timeline.picturesAhead)} ahead`);
  await clock.advance(1);
  const after = shown.slice(count + 1).map(({ mediaTime }) => (mediaTime - regular) / FRAME);
  for (const place of after) assert.ok(Math.abs(place - Math.round(place)) < 1e-3, `a picture at ${place} frames`);
  assert.ok(Math.abs((shown.length - before) - 24 * 1.06) <= 2, `${shown.length - before} pictures in about a second`);
});

Deno.test("under a hundred inputs a second the rate stays what it is", async () => {
  await using played = play({ takes: () => 0.002 });
  const { clock, router, shown } = played;
  for (let press = 0; press < 1000; press++) {
    router.nudge();
    await clock.advance(0.01);
  }
  assert.ok(Math.abs(shown.length - 240) <= 4, `${shown.length} pictures in ten seconds`);
  const times = shown.map(({ mediaTime }) => mediaTime);
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
  assert.ok(Math.max(...gaps(times)) <= 2 * FRAME, `a gap of ${milliseconds(Math.max(...gaps(times)))}`);
  const held = Math.max(...shown.slice(3).map(({ at, askedAt }) => at - askedAt));
  assert.ok(held <= FRAME, `a picture was held for ${milliseconds(held)}`);
});

for (const isShown of [true, false]) {
  const does = isShown ? "does not hurry" : "hurries";
  Deno.test(`input ${does} the next picture when the one on its way ${isShown ? "shows it" : "does not"}`, async () => {
    const metadata = (): Record<string, unknown> => isShown ? { applied_controls: ["a"] } : {};
    await using played = play({ takes: () => 0.02, metadata });
    const { clock, asked, router } = played;
    await clock.advance(2);
    const count = asked.length;
    while (asked.length === count) await clock.advance(0.001);
    await clock.advance(0.01);
    assert.equal(asked.length, count + 1);
    router.nudge();
    await clock.advance(0.2);
    const gap = (asked[count + 1] ?? 0) - (asked[count] ?? 0);
    if (isShown) assert.ok(Math.abs(gap - FRAME) < 0.001, `asked again after ${milliseconds(gap)}`);
    else assert.ok(gap < 0.9 * FRAME, `asked again after ${milliseconds(gap)}`);
  });
}

Deno.test("a generator faster than the picture is held back", async () => {
  await using played = play({ takes: () => 0, pictures: 12 });
  await played.clock.advance(10);
  const { asked, shown } = played;
  assert.ok(Math.abs(asked.length - 21) <= 1, `${asked.length} chunks of half a second were asked for in ten`);
  assert.ok(Math.abs(shown.length - 240) <= 2, `${shown.length} pictures`);
  const held = Math.max(...shown.slice(24).map(({ at, cameAt }) => at - cameAt));
  assert.ok(held <= 0.5 + 0.01, `a picture waited ${milliseconds(held)}`);
});

Deno.test("12 pictures every 0.5 s, up to 30 ms early or late, play evenly", async () => {
  const ways: [string, Making["takes"]][] = [
    ["at fixed times", (index, now) => (index + 1) * 0.5 + jitter(index, 0.03) - now],
    ["after a while", (index) => 0.5 + jitter(index, 0.03)],
    ["a little faster than they play", (index) => 0.47 + jitter(index, 0.03)],
  ];
  for (const [way, takes] of ways) {
    await using played = play({ takes, pictures: 12 });
    await played.clock.advance(30);
    const apart = gaps(played.shown.map(({ at }) => at));
    assert.ok(apart.length >= 29.3 * 24 * 0.97, `${way}: ${apart.length} pictures`);
    const p95 = percentile(apart, 0.95);
    assert.ok(p95 <= 1.5 * FRAME, `${way}: p95 is ${milliseconds(p95)}`);
  }
});

Deno.test("a pipeline at fixed times is late once, and then its jitter is taken up", async () => {
  await using played = play({ takes: (index, now) => (index + 1) * 0.5 + jitter(index, 0.03) - now, pictures: 12 });
  await played.clock.advance(30);
  const settled = gaps(played.shown.map(({ at }) => at)).slice(60);
  assert.ok(Math.max(...settled) <= 1.5 * FRAME, `a gap of ${milliseconds(Math.max(...settled))}`);
  const held = Math.max(...played.shown.slice(60).map(({ cameAt, at }) => at - cameAt));
  assert.ok(held <= 0.5 + 0.1, `a picture waited ${milliseconds(held)}`);
});

Deno.test("sound alone does not hold pictures back, and may be a second ahead", async () => {
  const audio: PcmBlock = { samples: new Int16Array(4800), sampleRate: 48_000, channels: 1 };
  await using played = play({ takes: () => 0, pictures: 0, audio });
  await played.clock.advance(10);
  assert.ok(Math.abs(played.asked.length - 110) <= 3, `${played.asked.length} tenths of a second in ten`);
  assert.ok(played.timeline.soundAhead <= 1.11, `${played.timeline.soundAhead} s ahead`);
});

Deno.test("a pipeline that has waited ten seconds for input is no slow one: its pictures are as new as before", async () => {
  await using played = play({ takes: (index) => index === 48 ? 10 : 0.002 });
  await played.clock.advance(20);
  const { shown } = played;
  const delays = shown.map(({ at, askedAt }) => at - askedAt);
  const idle = delays.findIndex((delay) => delay > 9);
  assert.ok(idle > 40, `the wait is at ${idle}`);
  const after = delays.slice(idle + 1);
  assert.ok(Math.max(...after) <= 1.5 * FRAME, `${milliseconds(Math.max(...after))} after it`);
  assert.ok(Math.max(...after.slice(24)) <= 0.012, `${milliseconds(Math.max(...after.slice(24)))} a second after it`);
});

Deno.test("a hiccup of 1.2 s delays half seconds of pictures by little more than one of them, and not for ever", async () => {
  await using played = play({ takes: (index) => index === 10 ? 1.2 : 0.1, pictures: 12 });
  await played.clock.advance(30);
  const held = played.shown.filter((_, index) => index % 12 === 0).map(({ at, cameAt }) => at - cameAt);
  assert.ok(Math.max(...held) <= 0.75, `the worst is ${milliseconds(Math.max(...held))}`);
  assert.ok(Math.max(...held.slice(-20)) <= 0.1, `${milliseconds(Math.max(...held.slice(-20)))} after it`);
});

Deno.test("one chunk that is shorter than the others does not overtake them", async () => {
  const ways: [string, Making][] = [
    ["half seconds in time, a picture now and then", { takes: () => 0.3, pictures: (n) => n % 4 === 3 ? 1 : 12 }],
    ["half seconds, then single pictures", { takes: (n) => n < 5 ? 0.5 : 0.03, pictures: (n) => n < 5 ? 12 : 1 }],
  ];
  for (const [way, making] of ways) {
    await using played = play(making);
    await played.clock.advance(20);
    assertInOrder(played.shown, way);
  }
});

/** Fails unless each picture is due after the one before it, and shown when it is due. */
function assertInOrder(shown: readonly Shown[], way: string): void {
  assert.ok(shown.length > 20, `${way}: ${shown.length} pictures`);
  for (const gap of gaps(shown.map(({ mediaTime }) => mediaTime))) {
    assert.ok(gap > 0, `${way}: a picture goes back by ${milliseconds(-gap)}`);
  }
  const late = Math.max(...shown.map(({ at, mediaTime }) => at - mediaTime));
  assert.ok(late < 0.001, `${way}: a picture is ${milliseconds(late)} late`);
}

Deno.test("whatever a pipeline does and a viewer presses, pictures stay in order and none waits for long", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = makeRandom(seed);
    const slowest = [0.002, 0.06, 0.6][seed % 3] ?? 0;
    await using played = play({
      takes: () => random() < 0.03 ? 3 * random() : slowest * random(),
      pictures: () => random() < 0.2 ? Math.floor(random() * 12) : seed % 2,
      audio: () => random() < 0.1 ? soundOf(random() * 0.3) : null,
    });
    for (let press = 0; press < 300; press++) {
      if (random() < 0.7) played.router.nudge();
      await played.clock.advance(0.2 * random());
    }
    assertInOrder(played.shown, `seed ${seed}`);
    const held = Math.max(...played.shown.map(({ at, cameAt }) => at - cameAt));
    assert.ok(held <= 1.5, `seed ${seed}: a picture waited ${milliseconds(held)}`);
  }
});

function soundOf(seconds: number): PcmBlock {
  return { samples: new Int16Array(Math.round(seconds * 48_000)), sampleRate: 48_000, channels: 1 };
}

/** Numbers from 0 to 1, the same on every run (a linear congruential generator). */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

Deno.test("what a pair of pictures and sound takes is measured without the time for which it was not asked", async () => {
  const pairs = {
    pictures: (n: number) => n % 2 === 0 ? 12 : 0,
    audio: (n: number) => n % 2 === 1 ? soundOf(0.5) : null,
  };
  await using played = play({ takes: () => 0.02, ...pairs });
  await played.clock.advance(10);
  const settled = played.shown.slice(36).filter((_, index) => index % 12 === 0);
  const held = Math.max(...settled.map(({ at, cameAt }) => at - cameAt));
  assert.ok(settled.length > 10 && held <= 0.05, `a burst waited ${milliseconds(held)}`);
});

Deno.test("jitter does not make a generator faster than its rate, though it takes less time on average", async () => {
  const ways: readonly Making["takes"][] = [
    (index) => FRAME * (index % 20 === 13 ? 1.7 : index % 7 === 3 ? 1.1 : 0.6),
    (index) => FRAME * (index % 5 === 0 ? 1.5 : 0.7),
    (index) => FRAME * (0.6 + jitter(index, 0.3)),
  ];
  for (const takes of ways) {
    await using played = play({ takes });
    await played.clock.advance(60);
    assert.ok(Math.abs(played.shown.length - 1440) <= 4, `${played.shown.length} pictures in a minute`);
  }
});

Deno.test("a camera's pictures, which come by themselves up to 15 ms late, are shown as soon as they come", async () => {
  const cameFrom = (index: number) => index * FRAME + Math.abs(jitter(index, 0.015)) + 0.005;
  await using played = play({ takes: (index, now) => cameFrom(index) - now });
  await played.clock.advance(20);
  assert.ok(played.shown.length >= 478, `${played.shown.length} pictures`);
  const held = Math.max(...played.shown.slice(24).map(({ at, cameAt }) => at - cameAt));
  assert.ok(held < 0.001, `a picture was held for ${milliseconds(held)}`);
});
