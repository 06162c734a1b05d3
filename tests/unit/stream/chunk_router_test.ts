import assert from "node:assert/strict";
import { sleep } from "../../../src/async/mod.ts";
import type { PcmBlock, SourcePicture } from "../../../src/media/mod.ts";
import type { PipelineChunk } from "../../../src/pipeline/mod.ts";
import { type AudioFramer, ChunkRouter, FramePacer, PlayoutTimeline } from "../../../src/stream/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

class RecordingAudio {
  readonly blocks: { block: PcmBlock; begin: number; chunkSeconds: number }[] = [];
  endTime = 0;

  add(block: PcmBlock, { begin, chunkSeconds }: { begin: number; chunkSeconds: number }): void {
    this.blocks.push({ block, begin, chunkSeconds });
    this.endTime = begin + block.samples.length / block.channels / block.sampleRate;
  }
}

function makeRouter({ fps = 24, bufferSeconds = 1 } = {}) {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  const audio = new RecordingAudio();
  const released: { mediaTime: number; fps: number }[] = [];
  const told: [number, Readonly<Record<string, unknown>>][] = [];
  const pacer = new FramePacer({
    clock,
    timeline,
    release: (_, { mediaTime, fps }) => released.push({ mediaTime, fps }),
  });
  const router = new ChunkRouter({
    clock,
    timeline,
    pacer,
    audio: audio as unknown as AudioFramer,
    fps,
    bufferSeconds,
    interactive: false,
    routed: ({ index, data }) => told.push([index, data]),
  });
  return { clock, timeline, audio, pacer, router, released, told };
}

function chunk(fields: Partial<PipelineChunk> & { frames?: number } = {}): PipelineChunk {
  const { frames = 0, ...rest } = fields;
  const pictures = Array.from({ length: frames }, (): SourcePicture => ({ format: "jpeg", data: Uint8Array.of(1) }));
  return { index: undefined, fps: undefined, pictures, audio: null, metadata: {}, ...rest };
}

function sound(seconds: number, channels: 1 | 2 = 1): PcmBlock {
  return { samples: new Int16Array(Math.round(seconds * 16_000) * channels), sampleRate: 16_000, channels };
}

/** Watches a promise without waiting for it. */
function watch(promise: Promise<void>) {
  const state = { done: false, error: undefined as unknown, settled: Promise.resolve() };
  state.settled = promise.then(() => void (state.done = true), (error) => void (state.error = error));
  return state;
}

Deno.test("asks for the next chunk only when less than the buffer is ahead, and in time", async () => {
  const { clock, timeline, pacer, router } = makeRouter();
  const asked: number[] = [];
  async function* generate() {
    for (let index = 0; index < 60; index++) {
      asked.push(timeline.ahead);
      yield await Promise.resolve(chunk({ frames: 12 }));
    }
  }
  const running = watch(router.run(generate(), new AbortController().signal));
  await clock.advance(30);
  assert.deepEqual(asked, [0, 0.5], "before the start only the buffer is filled");
  timeline.start();
  pacer.wake();
  await clock.advance(40);
  await running.settled;
  assert.equal(asked.length, 60);
  assert.ok(Math.max(...asked) < 1, `asked with ${Math.max(...asked)} s ahead`);
  const waits = asked.slice(2);
  assert.ok(Math.min(...waits) > 0.85, `asked only with ${Math.min(...waits)} s left`);
  assert.equal(timeline.underruns, 0);
});

Deno.test("holds a generator that is ten times as fast as the picture to the picture's pace", async () => {
  const { clock, timeline, pacer, router, released } = makeRouter({ bufferSeconds: 0.5 });
  let made = 0;
  let most = 0;
  async function* generate() {
    for (;;) {
      await sleep(clock, 0.1);
      made++;
      yield chunk({ frames: 24 });
      most = Math.max(most, pacer.length);
    }
  }
  const abort = new AbortController();
  timeline.start();
  const running = watch(router.run(generate(), abort.signal));
  await clock.advance(60);
  assert.equal(timeline.underruns, 0);
  assert.ok(made >= 60 && made <= 62, `${made} chunks of a second were made in a minute`);
  assert.ok(Math.abs(released.length - 60 * 24) <= 3, `${released.length} frames were released`);
  assert.ok(most <= 24 + 12, `${most} frames waited`);
  abort.abort();
  await clock.advance(1);
  assert.equal(running.done, true);
});

Deno.test("takes the frame rate of a chunk over the default", async () => {
  const { clock, timeline, router, released } = makeRouter({ fps: 5 });
  async function* generate() {
    yield await Promise.resolve(chunk({ frames: 2 }));
    yield chunk({ frames: 2, fps: 10 });
    yield chunk({ frames: 1 });
  }
  timeline.start();
  const running = watch(router.run(generate(), new AbortController().signal));
  await clock.advance(1);
  assert.deepEqual(released.map(({ fps }) => fps), [5, 5, 10, 10, 5]);
  assert.deepEqual(released.map(({ mediaTime }) => Math.round(mediaTime * 1000)), [0, 200, 400, 500, 600]);
  await running.settled;
});

Deno.test("gives sound the place and length of the pictures it came with", async () => {
  const { clock, timeline, router, audio } = makeRouter({ fps: 10 });
  async function* generate() {
    yield await Promise.resolve(chunk({ frames: 5, audio: sound(0.51) }));
    yield chunk({ frames: 5, audio: sound(0.49, 2) });
    yield chunk({ audio: sound(0.25, 2) });
    yield chunk({ frames: 1, audio: sound(0.3) });
    yield chunk({ frames: 1, audio: sound(0.1) });
  }
  const running = watch(router.run(generate(), new AbortController().signal));
  await clock.advance(0.1);
  timeline.start();
  await clock.advance(3);
  await running.settled;
  const places = audio.blocks.map(({ begin, chunkSeconds }) => [begin, chunkSeconds]);
  assert.deepEqual(
    places,
    [[0, 0.5], [0.5, 0.5], [1, 0], [1, 0.1], [1.1, 0.1]],
    "sound alone follows the sound before it and holds no picture back",
  );
});

Deno.test("tells what is not media as each chunk arrives, numbered when the pipeline does not", async () => {
  const { clock, timeline, router, told } = makeRouter();
  async function* generate() {
    yield await Promise.resolve(chunk({ metadata: { step: "a" } }));
    yield chunk({ index: 7, metadata: { step: "b" } });
    yield chunk({ metadata: { step: "c" } });
  }
  timeline.start();
  await Promise.all([router.run(generate(), new AbortController().signal), clock.advance(0.1)]);
  assert.deepEqual(told, [[0, { step: "a" }], [7, { step: "b" }], [2, { step: "c" }]]);
  assert.equal(router.chunks, 3);
});

Deno.test("is done only when every picture has been played", async () => {
  const { clock, timeline, router } = makeRouter({ fps: 10 });
  async function* generate() {
    yield await Promise.resolve(chunk({ frames: 8 }));
  }
  const running = watch(router.run(generate(), new AbortController().signal));
  await clock.advance(5);
  assert.equal(running.done, false, "nothing has been played before the start");
  timeline.start();
  await clock.advance(0.75);
  assert.equal(running.done, false);
  await clock.advance(0.2);
  assert.equal(running.done, true);
});

Deno.test("is done only when sound that lasts longer than the pictures has been played", async () => {
  const { clock, timeline, router } = makeRouter({ fps: 10 });
  async function* generate() {
    yield await Promise.resolve(chunk({ frames: 2, audio: sound(1.5) }));
  }
  timeline.start();
  const running = watch(router.run(generate(), new AbortController().signal));
  await clock.advance(1.45);
  assert.equal(running.done, false);
  await clock.advance(0.25);
  assert.equal(running.done, true);
});

Deno.test("ends at once when it is aborted, whatever it waits for, and returns the generator", async () => {
  let returned = false;
  async function* generate() {
    try {
      for (;;) yield await Promise.resolve(chunk({ frames: 48 }));
    } finally {
      returned = true;
    }
  }
  for (const started of [false, true]) {
    const { clock, timeline, router, pacer } = makeRouter();
    returned = false;
    const abort = new AbortController();
    if (started) timeline.start();
    const running = watch(router.run(generate(), abort.signal));
    await clock.advance(0.5);
    assert.equal(running.done, false);
    abort.abort();
    await running.settled;
    assert.equal(running.done, true);
    assert.equal(returned, true, "the generator's finally has run");
    pacer.close();
    assert.equal(clock.pending, 0, "no timer is left");
  }
});

Deno.test("ends at once when it is aborted while the last frames are played", async () => {
  const { clock, router } = makeRouter();
  async function* generate() {
    yield await Promise.resolve(chunk({ frames: 12 }));
  }
  const abort = new AbortController();
  const running = watch(router.run(generate(), abort.signal));
  await clock.advance(1);
  assert.equal(running.done, false);
  abort.abort();
  await running.settled;
  assert.equal(clock.pending, 0);
});

Deno.test("a pipeline that never waits and gives a sample at a time is asked no more than two hundred times a second", async () => {
  const { clock, router } = makeRouter();
  let asked = 0;
  async function* generate() {
    for (;; asked++) yield await Promise.resolve(chunk({ audio: sound(1 / 16_000) }));
  }
  const abort = new AbortController();
  const running = watch(router.run(generate(), abort.signal));
  await clock.advance(0.1);
  abort.abort();
  await running.settled;
  assert.ok(asked > 10 && asked <= 21, `${asked} chunks in a tenth of a second`);
});

Deno.test("throws what the pipeline threw", async () => {
  const { router } = makeRouter();
  const failure = new Error("out of memory");
  async function* generate() {
    yield await Promise.resolve(chunk({ frames: 1 }));
    throw failure;
  }
  await assert.rejects(router.run(generate(), new AbortController().signal), (error) => error === failure);
});

Deno.test("gives late sound a little lead and late pictures none", async () => {
  const { clock, timeline, router, audio, released } = makeRouter({ fps: 10 });
  async function* generate() {
    await sleep(clock, 1);
    yield chunk({ frames: 1 });
    await sleep(clock, 1);
    yield chunk({ frames: 1, audio: sound(0.1) });
  }
  timeline.start();
  const running = watch(router.run(generate(), new AbortController().signal));
  await clock.advance(4);
  await running.settled;
  assert.ok(Math.abs((released[0]?.mediaTime ?? 0) - 1) < 0.001, `${released[0]?.mediaTime}`);
  const [late] = audio.blocks;
  assert.ok(late !== undefined && late.begin > 2.02 && late.begin < 2.06, `${late?.begin}`);
});

Deno.test("does not place a chunk that comes when all is over", async () => {
  const { clock, router, told } = makeRouter();
  const abort = new AbortController();
  async function* generate() {
    await sleep(clock, 1);
    yield chunk({ metadata: { step: "late" } });
  }
  const running = watch(router.run(generate(), abort.signal));
  await clock.advance(0.5);
  abort.abort();
  await clock.advance(1);
  await running.settled;
  assert.deepEqual(told, []);
});
