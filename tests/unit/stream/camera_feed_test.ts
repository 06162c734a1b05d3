import assert from "node:assert/strict";
import { type DecodedFormat, PictureConverter, VideoEncoder } from "../../../src/codec/mod.ts";
import { Log } from "../../../src/log.ts";
import type { CameraPicture, ReceivedFrame, ViewerMediaSink } from "../../../src/media/mod.ts";
import { CameraFeed } from "../../../src/stream/mod.ts";
import { eventually } from "../../support/test_server.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { i420 } from "../support/pictures.ts";

/** Grey pictures whose luma tells their number: 40, 44, 48 … */
async function film(count: number, keys: readonly number[] = [0]): Promise<ReceivedFrame[]> {
  const converter = new PictureConverter();
  const encoder = new VideoEncoder({
    codec: "VP8",
    width: 64,
    height: 48,
    fps: 25,
    bitrate: 400_000,
    effort: "quality",
  });
  const frames: ReceivedFrame[] = [];
  for (let index = 0; index < count; index++) {
    const picture = await converter.convert(i420(64, 48, [40 + 4 * index, 128, 128]));
    const unit = await encoder.encode(picture, { key: keys.includes(index) });
    assert.ok(unit !== null);
    frames.push({ codec: "VP8", data: unit.data, key: unit.key, receivedAt: index });
  }
  await encoder.close();
  await converter.close();
  return frames;
}

class Sink implements ViewerMediaSink {
  readonly pictures: CameraPicture[] = [];
  takesPicture = true;
  whenFree: () => void = () => undefined;
  /** Whether it is busy after each picture, until told. */
  readonly isSlow: boolean;

  constructor({ isSlow = false } = {}) {
    this.isSlow = isSlow;
  }

  get times(): number[] {
    return this.pictures.map(({ receivedAt }) => receivedAt);
  }

  picture(picture: CameraPicture): void {
    const luma = picture.data[0] ?? 0;
    assert.ok(Math.abs(luma - (40 + 4 * picture.receivedAt)) <= 3, `picture ${picture.receivedAt} shows ${luma}`);
    this.pictures.push(picture);
    if (this.isSlow) this.takesPicture = false;
  }

  sound(): void {}

  free(): void {
    this.takesPicture = true;
    this.whenFree();
  }
}

function makeFeed(sink: Sink, size: Partial<DecodedFormat> = {}) {
  const asked: number[] = [];
  const feed = new CameraFeed({
    codec: "VP8",
    format: { format: "i420", width: undefined, height: undefined, ...size },
    sink,
    requestKeyFrame: () => asked.push(feed.counters.frames),
    log: new Log("camera"),
  });
  return { feed, asked };
}

const GARBAGE = Uint8Array.of(0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7);

Deno.test("hands over every picture that the pipeline takes, each as it was", async () => {
  using contexts = new OpenContexts();
  const sink = new Sink();
  const { feed } = makeFeed(sink);
  for (const [index, frame] of (await film(10)).entries()) {
    feed.push(frame);
    await eventually("the picture", () => sink.pictures.length === index + 1);
  }
  assert.deepEqual(feed.counters, { frames: 10, dropped: 0, invalid: 0 });
  await feed.close();
  assert.equal(contexts.count, 0);
});

Deno.test("a pipeline slower than the camera gets the newest picture", async () => {
  const sink = new Sink({ isSlow: true });
  const { feed } = makeFeed(sink);
  const frames = await film(12);
  for (const [index, frame] of frames.entries()) {
    feed.push(frame);
    await eventually("it is decoded", () => feed.counters.frames === index + 1);
    if (index === 5 || index === 11) {
      sink.free();
      await eventually("the next one is handed over", () => sink.times.at(-1) === index);
    }
  }
  assert.deepEqual(sink.times, [0, 5, 11]);
  assert.equal(feed.counters.dropped, 9);
  await feed.close();
});

Deno.test("begins with a key frame", async () => {
  const sink = new Sink();
  const { feed } = makeFeed(sink);
  const frames = await film(6, [0, 4]);
  for (const frame of frames.slice(1)) feed.push(frame);
  await eventually("the pictures from the key frame on", () => sink.times.at(-1) === 5);
  assert.ok((sink.times[0] ?? 0) >= 4);
  await feed.close();
});

Deno.test("a flood is cut to the key frame that waits", async () => {
  const sink = new Sink();
  const { feed, asked } = makeFeed(sink);
  for (const frame of await film(17, [0, 10])) feed.push(frame);
  await eventually("the newest", () => sink.times.at(-1) === 16);
  const { frames, dropped } = feed.counters;
  assert.equal(frames, 8, "the first, which was under way, and 10 to 16");
  assert.equal(dropped, 17 - sink.pictures.length);
  assert.deepEqual(asked, []);
  await feed.close();
});

Deno.test("a flood without a key frame is dropped, and one is asked for", async () => {
  const sink = new Sink();
  const { feed, asked } = makeFeed(sink);
  const frames = await film(42, [0, 20, 40]);
  for (const frame of frames.slice(0, 40)) feed.push(frame);
  await eventually("the one that was under way", () => sink.times.at(-1) === 0);
  assert.deepEqual(feed.counters, { frames: 1, dropped: 39, invalid: 0 });
  assert.equal(asked.length, 2);
  for (const frame of frames.slice(40)) feed.push(frame);
  await eventually("the newest", () => sink.times.at(-1) === 41);
  await feed.close();
});

Deno.test("a camera that never pauses does not keep the pipeline from its pictures", async () => {
  const sink = new Sink();
  const { feed } = makeFeed(sink);
  const frames = await film(30);
  function push(index: number): void {
    const frame = frames[index];
    if (frame === undefined) return;
    const { data } = frame;
    feed.push({
      ...frame,
      get data() {
        queueMicrotask(() => push(index + 1));
        return data;
      },
    });
  }
  push(0);
  await eventually("the newest", () => sink.times.at(-1) === 29);
  assert.ok(sink.pictures.length > 10, `${sink.pictures.length} pictures of 30`);
  await feed.close();
});

Deno.test("a damaged picture is named and counted, and nothing is shown before the next key frame", async () => {
  using log = new CapturedLog();
  const sink = new Sink();
  const { feed, asked } = makeFeed(sink);
  const frames = await film(6, [0, 4]);
  feed.push(frames[0] as ReceivedFrame);
  await eventually("the first", () => sink.pictures.length === 1);
  feed.push({ codec: "VP8", key: true, receivedAt: 9, data: GARBAGE });
  await eventually("the fault", () => feed.counters.invalid === 1);
  for (const frame of frames.slice(1)) feed.push(frame);
  await eventually("the last", () => sink.times.at(-1) === 5);
  assert.ok(sink.times.every((time) => time === 0 || time >= 4), String(sink.times));
  assert.equal(asked.length, 1);
  assert.match(log.text, /camera picture left out/);
  await feed.close();
});

Deno.test("what comes after the newest picture and shows nothing does not take it from the pipeline", async () => {
  using _log = new CapturedLog();
  const sink = new Sink({ isSlow: true });
  const { feed } = makeFeed(sink);
  const frames = await film(5);
  for (const [index, frame] of frames.slice(0, 3).entries()) {
    feed.push(frame);
    await eventually("it is decoded", () => feed.counters.frames === index + 1);
  }
  const hidden = Uint8Array.from(frames[3]?.data ?? [], (byte, index) => index === 0 ? byte & ~0x10 : byte);
  feed.push({ codec: "VP8", key: false, receivedAt: 3, data: hidden });
  feed.push({ codec: "VP8", key: false, receivedAt: 4, data: GARBAGE });
  await eventually("the fault", () => feed.counters.invalid === 1);
  sink.free();
  await eventually("the newest that is whole", () => sink.times.at(-1) === 2);
  assert.deepEqual(feed.counters, { frames: 3, dropped: 1, invalid: 1 });
  await feed.close();
});

Deno.test("a picture that cannot be had in the wanted size is named, and no key frame is asked for", async () => {
  using log = new CapturedLog();
  const sink = new Sink();
  const { feed, asked } = makeFeed(sink, { height: 4096 });
  for (const [index, frame] of (await film(3)).entries()) {
    feed.push(frame);
    await eventually("the fault", () => feed.counters.invalid === index + 1);
  }
  assert.equal(feed.counters.frames, 3);
  assert.deepEqual(asked, []);
  assert.match(log.text, /camera picture left out: pictures of 5462x4096 are too large/);
  await feed.close();
});

Deno.test("hands over nothing once it is closed, whatever is under way", async () => {
  using contexts = new OpenContexts();
  const sink = new Sink();
  const { feed } = makeFeed(sink);
  const frames = await film(4);
  for (const frame of frames) feed.push(frame);
  await feed.close();
  const count = sink.pictures.length;
  feed.push(frames[0] as ReceivedFrame);
  sink.whenFree();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(sink.pictures.length, count);
  assert.equal(contexts.count, 0);
});
