import assert from "node:assert/strict";
import type { BidirectionalService, CameraFrame, Chunk, PipelineContext, RawFrame, SessionConfig } from "telefuser";
import { getService } from "../../../pipelines/camera_effects.ts";
import { Bell } from "../../../pipelines/camera_effects/bell.ts";
import { Echo } from "../../../pipelines/camera_effects/echo.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const END = { code: "client_request", detail: "bye" };
const CONTEXT: PipelineContext = {
  log: SILENT,
  signal: new AbortController().signal,
  media: [],
  openVideo: () => Promise.reject(new Error("no file is needed")),
};

async function started(): Promise<BidirectionalService> {
  const service = getService() as BidirectionalService;
  await service.start?.(CONTEXT);
  return service;
}

interface FakeTime extends Disposable {
  /** Lets so many milliseconds pass; timers that become due meanwhile fire in their turn. */
  pass(milliseconds: number): Promise<void>;
  /** Milliseconds that have passed. */
  passed(): number;
}

/** Puts a clock that stands still until it is moved in the place of timers, `performance.now()` and `Date.now()`. */
function fakeTime(): FakeTime {
  const { setTimeout, clearTimeout } = globalThis;
  const clocks = { performance: performance.now, date: Date.now };
  const timers = new Map<number, { due: number; fire: () => void }>();
  let passed = 0;
  let lastId = 0;
  performance.now = () => 5000 + passed;
  Date.now = () => 1_700_000_000_000 + passed;
  globalThis.setTimeout = ((fire: () => void, milliseconds: number) => {
    timers.set(++lastId, { due: passed + Math.max(0, milliseconds), fire });
    return lastId;
  }) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((id: number) => void timers.delete(id)) as unknown as typeof clearTimeout;
  /** Lets everything run that does not wait for time. */
  function settle(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
  }
  return {
    async pass(milliseconds) {
      const end = passed + milliseconds;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(([, { due }]) => due <= end).sort(([, a], [, b]) => a.due - b.due);
        if (next === undefined) break;
        const [id, { due, fire }] = next;
        timers.delete(id);
        passed = Math.max(passed, due);
        fire();
        await settle();
      }
      passed = end;
    },
    passed: () => passed,
    [Symbol.dispose]() {
      Object.assign(globalThis, { setTimeout, clearTimeout });
      performance.now = clocks.performance;
      Date.now = clocks.date;
    },
  };
}

/** What a promise has come to by now, without waiting for it. */
function watch<T>(promise: Promise<T>): () => T | undefined {
  let result: T | undefined;
  promise.then((value) => result = value);
  return () => result;
}

interface Viewer {
  id: string;
  abort: AbortController;
  send(message: Record<string, unknown>): void;
  show(picture: CameraFrame): void;
  say(samples: Int16Array): void;
  next(): Promise<Chunk>;
  /** The next chunk with a camera picture. */
  camera(): Promise<Chunk>;
  ended(): Promise<boolean>;
}

async function join(service: BidirectionalService, fields: Record<string, unknown> = {}): Promise<Viewer> {
  const abort = new AbortController();
  const config = { session_id: "s", task: "bidirectional", ...fields } as SessionConfig;
  const id = await service.createSession(config, { log: SILENT, signal: abort.signal });
  const chunks = service.pullChunks(id)[Symbol.asyncIterator]();
  async function next(): Promise<Chunk> {
    const { done, value } = await chunks.next();
    assert.ok(done !== true, "there is a next chunk");
    return value;
  }
  return {
    id,
    abort,
    send: (message) => void service.pushChunk(id, message),
    show: (picture) => void service.pushChunk(id, { type: "media", video_frames: [picture] }),
    say: (samples) =>
      void service.pushChunk(id, { type: "media", audio_pcm: samples, sample_rate: 48_000, channels: 1 }),
    next,
    async camera() {
      for (let chunk = await next();; chunk = await next()) if ("camera_age_ms" in chunk) return chunk;
    },
    ended: async () => (await chunks.next()).done === true,
  };
}

type Pixel = readonly [number, number, number];

/** A camera picture of rows of pixels. */
function camera(rows: readonly (readonly Pixel[])[], timestamp = Date.now() / 1000): CameraFrame {
  const data = Uint8Array.from(rows.flat().flatMap(([r, g, b]) => [r, g, b, 255]));
  return { data, format: "rgba", width: rows[0]?.length ?? 0, height: rows.length, timestamp };
}

/** A small grey picture that a number tells from others. */
function numbered(number: number): CameraFrame {
  return camera(Array.from({ length: 4 }, () => Array.from({ length: 4 }, () => [number, number, number] as const)));
}

function frameOf(chunk: Chunk): RawFrame {
  const [frame] = chunk.frames ?? [];
  assert.ok(frame !== undefined && frame.format === "rgba" && chunk.frames?.length === 1);
  return frame;
}

function pixels(chunk: Chunk): Pixel[][] {
  const { data, width, height } = frameOf(chunk);
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => {
      const [r = 0, g = 0, b = 0, a] = data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4);
      assert.equal(a, 255, "every pixel is opaque");
      return [r, g, b];
    }));
}

const RED: Pixel = [255, 0, 0];
const GREEN: Pixel = [0, 255, 0];
const BLUE: Pixel = [0, 0, 255];
const WHITE: Pixel = [255, 255, 255];
const BLACK: Pixel = [0, 0, 0];

Deno.test("camera and microphone are asked for in the shape that the effects need", () => {
  assert.deepEqual((getService() as BidirectionalService).viewerMedia, {
    video: { format: "rgba", width: 640 },
    audio: { sample_rate: 48_000, channels: 1 },
  });
});

Deno.test("before the first picture a card with words is shown five times a second", async () => {
  using time = fakeTime();
  const viewer = await join(await started());
  const first = await viewer.next();
  const second = watch(viewer.next());
  await time.pass(199);
  assert.equal(second(), undefined);
  await time.pass(1);
  const { width, height, data } = frameOf(first);
  assert.deepEqual([width, height, data.byteLength], [640, 360, 640 * 360 * 4]);
  assert.ok(!("camera_age_ms" in first));
  assert.equal(first.effect, "mirror");
  const again = second();
  assert.ok(again !== undefined);
  assert.ok(new Set(new Uint32Array(data.slice().buffer)).size > 10, "something is drawn");
  assert.deepEqual(frameOf(again).data, data);
  assert.notEqual(frameOf(again).data.buffer, data.buffer, "each card may be handed over");
});

Deno.test("mirror swaps left and right, in every row", async () => {
  const viewer = await join(await started());
  viewer.show(camera([[RED, GREEN, BLUE], [WHITE, BLACK, RED]]));
  const chunk = await viewer.camera();
  assert.deepEqual(pixels(chunk), [[BLUE, GREEN, RED], [RED, BLACK, WHITE]]);
  assert.equal(chunk.effect, "mirror");
  assert.equal(chunk.transfer, true);
  assert.equal(chunk.resolution, "3x2");
});

Deno.test("none leaves every pixel as it is", async () => {
  const viewer = await join(await started(), { effect: "none" });
  const rows = [[RED, [1, 2, 3]], [[4, 5, 6], WHITE]] as const;
  viewer.show(camera(rows));
  assert.deepEqual(pixels(await viewer.camera()), rows);
});

Deno.test("tint gives the colour by brightness", async () => {
  const viewer = await join(await started(), { effect: "tint", color: "#8040ff" });
  viewer.show(camera([[BLACK, WHITE, [128, 128, 128]], [RED, GREEN, BLUE]]));
  function shade(luma: number): number[] {
    return [0x80, 0x40, 0xff].map((value) => Math.floor(value * luma / 255));
  }
  const [red, green, blue] = [76, 149, 28];
  assert.deepEqual(pixels(await viewer.camera()), [
    [BLACK, [0x80, 0x40, 0xff], shade(128)],
    [shade(red ?? 0), shade(green ?? 0), shade(blue ?? 0)],
  ]);
});

Deno.test("outline is Sobel's operator on brightness", async () => {
  const viewer = await join(await started(), { effect: "outline" });
  const grey = [[10, 10, 40, 200, 0], [10, 20, 40, 90, 0], [30, 10, 70, 250, 255], [0, 0, 0, 0, 0]];
  viewer.show(camera(grey.map((row) => row.map((value) => [value, value, value] as const))));
  const shown = pixels(await viewer.camera());
  function expected(x: number, y: number): number {
    if (x === 0 || y === 0 || x === 4 || y === 3) return 0;
    const at = (dx: number, dy: number) => grey[y + dy]?.[x + dx] ?? Number.NaN;
    const across = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
    const down = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
    return Math.min(255, Math.abs(across) + Math.abs(down));
  }
  assert.deepEqual(shown, grey.map((row, y) => row.map((_, x) => [expected(x, y), expected(x, y), expected(x, y)])));
  assert.ok(shown[1]?.[1]?.[0] !== 255, "not everything is clipped");
});

Deno.test("pictures of one row or column go through every effect", async () => {
  for (const effect of ["none", "mirror", "tint", "outline"]) {
    const viewer = await join(await started(), { effect });
    for (const rows of [[[RED]], [[RED, GREEN]], [[RED], [GREEN]]]) {
      viewer.show(camera(rows));
      assert.equal(pixels(await viewer.camera()).length, rows.length);
    }
  }
});

Deno.test("an effect is switched for the very next picture and named once", async () => {
  const viewer = await join(await started());
  viewer.show(numbered(1));
  assert.ok(!("applied_controls" in await viewer.camera()));
  viewer.send({ type: "control", id: "a", effect: "none" });
  viewer.send({ type: "control", id: "same", effect: "none" });
  viewer.send({ type: "control", id: "bad", effect: "blur", color: "red", echo_ms: -1 });
  viewer.send({ type: "other", id: "foreign", effect: "outline" });
  viewer.send({ type: "control", id: 2, effect: "tint", color: "#00FF00" });
  viewer.show(numbered(200));
  const chunk = await viewer.camera();
  assert.deepEqual(chunk.applied_controls, ["a", 2]);
  assert.equal(chunk.effect, "tint");
  assert.deepEqual(pixels(chunk)[0]?.[0], [0, 200, 0]);
  viewer.show(numbered(2));
  assert.ok(!("applied_controls" in await viewer.camera()));
});

Deno.test("without a camera a changed setting shows in a card at once", async () => {
  using time = fakeTime();
  const viewer = await join(await started());
  await viewer.next();
  const next = watch(viewer.next());
  await time.pass(10);
  assert.equal(next(), undefined);
  viewer.send({ type: "control", id: "a", effect: "tint" });
  await time.pass(0);
  assert.deepEqual(next()?.applied_controls, ["a"]);
  assert.equal(next()?.effect, "tint");
});

Deno.test("a picture's age is told in milliseconds", async () => {
  using time = fakeTime();
  const viewer = await join(await started(), { work_ms: 40 });
  viewer.show(camera([[RED]], Date.now() / 1000 - 5));
  const chunk = watch(viewer.camera());
  await time.pass(100);
  assert.equal(chunk()?.camera_age_ms, 5040);
});

Deno.test("the newest picture wins, and none is shown twice", async () => {
  const viewer = await join(await started(), { effect: "none" });
  await viewer.next();
  for (let number = 1; number <= 5; number++) viewer.show(numbered(number));
  assert.deepEqual(pixels(await viewer.camera())[0]?.[0], [5, 5, 5]);
  const waiting = viewer.camera();
  viewer.show(numbered(6));
  assert.deepEqual(pixels(await waiting)[0]?.[0], [6, 6, 6]);
});

Deno.test("slow work takes the newest picture each time, so pictures do not get old", async () => {
  using time = fakeTime();
  const viewer = await join(await started(), { effect: "none", work_ms: 60 });
  const shown: { number: number; at: number; age: unknown }[] = [];
  async function look(): Promise<void> {
    while (shown.length < 5) {
      const chunk = await viewer.camera();
      shown.push({ number: pixels(chunk)[0]?.[0]?.[0] ?? -1, at: time.passed(), age: chunk.camera_age_ms });
    }
  }
  const looking = look();
  for (let number = 0; shown.length < 5; number++) {
    viewer.show(numbered(number));
    await time.pass(5);
  }
  await looking;
  // A picture every 5 ms: the one that came last before each step of work, 5 ms old by then.
  assert.deepEqual(shown, [
    { number: 0, at: 60, age: 60 },
    { number: 11, at: 120, age: 65 },
    { number: 23, at: 180, age: 65 },
    { number: 35, at: 240, age: 65 },
    { number: 47, at: 300, age: 65 },
  ]);
});

Deno.test("sound does not wait for slow work", async () => {
  using time = fakeTime();
  const viewer = await join(await started(), { work_ms: 1000, echo_ms: 0 });
  viewer.show(numbered(1));
  for (let n = 1; n <= 3; n++) {
    const next = watch(viewer.next());
    await time.pass(20);
    assert.equal(next(), undefined);
    viewer.say(new Int16Array(960).fill(n));
    await time.pass(0);
    const audio = new Int16Array(960).fill(n);
    assert.deepEqual(next(), { audio, audio_sample_rate: 48_000, audio_channels: 1, transfer: true });
  }
});

Deno.test("the echo comes back later by exactly echo_ms, to the sample", async () => {
  using _time = fakeTime();
  const viewer = await join(await started(), { echo_ms: 100.5 });
  const delay = 4824;
  const heard: number[] = [];
  let said = 0;
  while (said < 48_000) {
    viewer.say(Int16Array.from({ length: 960 }, () => said++ % 30_000));
    if (said > delay) heard.push(...(await nextSound(viewer)));
    assert.equal(heard.length, Math.max(0, said - delay));
  }
  assert.deepEqual(heard, Array.from({ length: 48_000 - delay }, (_, n) => n % 30_000));
});

async function nextSound(viewer: Viewer): Promise<number[]> {
  for (let chunk = await viewer.next();; chunk = await viewer.next()) {
    if (chunk.audio !== undefined) return [...chunk.audio];
  }
}

/** Samples that count up from a number. */
function counting(from: number, length: number): Int16Array {
  return Int16Array.from({ length }, (_, n) => from + n);
}

Deno.test("an echo of 0 ms comes back at once", () => {
  const echo = new Echo();
  echo.hear(counting(0, 960), 0);
  assert.deepEqual(echo.due(0, 0), counting(0, 960));
  assert.equal(echo.due(0, 0).length, 0);
});

Deno.test("a longer delay holds sound back, a shorter one leaves some out; both are exact from then on", () => {
  const echo = new Echo();
  echo.hear(counting(0, 1000), 0);
  assert.deepEqual(echo.due(10, 0), counting(0, 520));
  echo.hear(counting(1000, 480), 10);
  assert.equal(echo.due(20, 10).length, 0);
  echo.hear(counting(1480, 480), 20);
  assert.deepEqual(echo.due(20, 20), counting(520, 480));
  assert.equal(echo.due(5, 20).length, 0);
  echo.hear(counting(1960, 480), 30);
  assert.deepEqual(echo.due(5, 30), counting(1720, 480));
});

Deno.test("when the microphone is switched off, the rest of what was said comes back", () => {
  const echo = new Echo();
  echo.hear(counting(0, 960), 1000);
  assert.equal(echo.due(400, 1250).length, 0);
  assert.deepEqual(echo.due(400, 1251), counting(0, 960));
  assert.equal(echo.due(400, 9000).length, 0);
  echo.hear(counting(5, 10), 9001);
  assert.equal(echo.due(400, 9001).length, 0, "and what is said then comes back as late as before");
});

Deno.test("sound that nobody takes is remembered for three seconds", () => {
  const echo = new Echo();
  for (let second = 0; second < 10; second++) echo.hear(new Int16Array(48_000).fill(second), second * 1000);
  const samples = echo.due(0, 9000);
  assert.equal(samples.length, 3 * 48_000);
  assert.deepEqual([samples[0], samples[47_999], samples[48_000], samples.at(-1)], [7, 7, 8, 9]);
});

Deno.test("a ring is never lost: before the wait, during it, and between two", async () => {
  using time = fakeTime();
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.wait(1000);
  const waiting = bell.wait(1000);
  bell.ring();
  bell.ring();
  await waiting;
  const quiet = watch(bell.wait(20).then(() => "over"));
  await time.pass(19);
  assert.equal(quiet(), undefined, "rings are not counted twice");
  await time.pass(1);
  assert.equal(quiet(), "over");
});

Deno.test("it ends at once when the session is closed or its viewer has left, even while it waits", async () => {
  using time = fakeTime();
  const service = await started();
  for (const how of ["close", "abort"]) {
    const viewer = await join(service, { session_id: how, work_ms: 1000 });
    viewer.show(numbered(1));
    const ended = watch(viewer.ended());
    await time.pass(100);
    assert.equal(ended(), undefined);
    if (how === "close") await service.closeSession(viewer.id, END);
    else viewer.abort.abort();
    await time.pass(0);
    assert.equal(ended(), true);
    viewer.show(numbered(2));
    viewer.send({ type: "control", effect: "none" });
  }
});

Deno.test("viewers do not disturb each other", async () => {
  const service = await started();
  const one = await join(service, { session_id: "one", effect: "none" });
  const two = await join(service, { session_id: "two", effect: "none" });
  one.send({ type: "control", id: "a", effect: "tint", color: "#ffffff" });
  one.show(numbered(1));
  two.show(numbered(2));
  const [first, second] = [await one.camera(), await two.camera()];
  assert.deepEqual([first.effect, second.effect], ["tint", "none"]);
  assert.deepEqual(pixels(second)[0]?.[0], [2, 2, 2]);
  assert.ok(!("applied_controls" in second));
  await service.closeSession(one.id, END);
  two.show(numbered(3));
  assert.deepEqual(pixels(await two.camera())[0]?.[0], [3, 3, 3]);
});

Deno.test("bad wishes are refused with the field's name and its range", async () => {
  const service = await started();
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ effect: "blur" }, /effect is "blur": give none, mirror, tint or outline, or leave it out for mirror/],
    [{ effect: 3 }, /effect is 3/],
    [{ color: "red" }, /color is "red": give a text such as "#ff8800"/],
    [{ echo_ms: 2001 }, /echo_ms is 2001: give a number from 0 to 2000, or leave it out for 400/],
    [{ echo_ms: "1" }, /echo_ms is "1"/],
    [{ work_ms: -1 }, /work_ms is -1: give a number from 0 to 1000, or leave it out for 0/],
  ];
  for (const [fields, message] of wrong) await assert.rejects(() => join(service, fields), message);
});

Deno.test("a camera that is switched off makes room for the card again", async () => {
  using time = fakeTime();
  const viewer = await join(await started());
  viewer.show(numbered(1));
  await viewer.camera();
  const next = watch(viewer.next());
  await time.pass(1000);
  assert.equal(next(), undefined);
  await time.pass(200);
  const card = next();
  assert.ok(card !== undefined && !("camera_age_ms" in card));
  assert.equal(frameOf(card).width, 640);
});
