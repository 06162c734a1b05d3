import assert from "node:assert/strict";
import { PictureConverter, VideoEncoder } from "../../../src/codec/mod.ts";
import { Log } from "../../../src/log.ts";
import type { EncodedFrame, EncodedPicture, RawPicture, VideoCodec } from "../../../src/media/mod.ts";
import { EncodedTrack, type EncodedTrackOptions } from "../../../src/stream/encoded_track.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { Collector } from "../support/collector.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { assertNear, decodeVideo, i420, jpeg, rgba } from "../support/pictures.ts";

const GREY = [126, 128, 128] as const;

function makeTrack(options: Partial<EncodedTrackOptions> = {}) {
  const clock = new ManualClock();
  const frames = new Collector<EncodedFrame>();
  const track = new EncodedTrack({
    codec: "H264",
    bitrate: 500_000,
    effort: "balanced",
    clock,
    log: new Log("test"),
    timeline: { mediaNow: () => clock.now(), isPaused: false },
    emit: frames.add,
    ...options,
  });
  /** Shows one picture and waits until it is out. */
  async function show(picture: Parameters<typeof track.push>[0], { fps = 24 } = {}): Promise<EncodedFrame> {
    const count = frames.items.length + 1;
    track.push(picture, { mediaTime: clock.now(), fps });
    await frames.until(count);
    return frames.at(count - 1);
  }
  return { clock, frames, track, show };
}

/** Pictures of another origin, as a pipeline with its own encoder would yield them. */
async function foreignPictures(codec: VideoCodec, count: number): Promise<EncodedPicture[]> {
  const converter = new PictureConverter();
  const encoder = new VideoEncoder({ codec, width: 64, height: 48, fps: 24, bitrate: 300_000, effort: "fast" });
  const pictures: EncodedPicture[] = [];
  for (let index = 0; index < count; index++) {
    const frame = await converter.convert(i420(64, 48, [40 + 10 * index, 100, 150]));
    const encoded = await encoder.encode(frame, { key: index === 0 });
    assert.ok(encoded !== null);
    pictures.push({ format: codec === "H264" ? "h264" : "vp8", ...encoded });
  }
  await encoder.close();
  await converter.close();
  return pictures;
}

Deno.test("encodes JPEG and raw pictures with their media time; the first is a key frame", async () => {
  for (const codec of ["H264", "VP8"] as const) {
    const { clock, frames, track, show } = makeTrack({ codec });
    for (const picture of [jpeg(64, 48, GREY), rgba(64, 48, [255, 0, 0]), i420(64, 48, [200, 90, 100])]) {
      await show(picture);
      clock.turn(1 / 24);
    }
    assert.deepEqual(frames.items.map(({ key }) => key), [true, false, false]);
    for (const [index, frame] of frames.items.entries()) {
      assert.ok(Math.abs(frame.mediaTime - index / 24) < 1e-9);
      assert.deepEqual([frame.codec, frame.width, frame.height], [codec, 64, 48]);
    }
    const decoded = decodeVideo(codec, frames.items.map(({ data }) => data));
    assert.equal(decoded.length, 3);
    for (const [index, expected] of ([GREY, [81, 90, 240], [200, 90, 100]] as const).entries()) {
      const picture = decoded[index];
      assert.ok(picture !== undefined);
      assertNear(picture.mean(), index === 0 ? [124, 128, 128] : expected, 6, `${codec} picture ${index}`);
    }
    assert.deepEqual(track.counters, { framesEncoded: 3, framesDropped: 0, framesInvalid: 0, keyFrames: 1 });
    await track.close();
  }
});

Deno.test("shows the same colours at every effort, whichever range it keeps", async () => {
  for (const codec of ["H264", "VP8"] as const) {
    for (const effort of ["fast", "balanced", "quality"] as const) {
      const { frames, track, show } = makeTrack({ codec, effort });
      for (let index = 0; index < 3; index++) await show(jpeg(64, 48, [200, 100, 160]));
      assert.deepEqual(frames.items.map(({ key }) => key), [true, false, false], `${codec} ${effort}`);
      for (const picture of decodeVideo(codec, frames.items.map(({ data }) => data))) {
        const [y, u, v] = picture.mean();
        const full = picture.fullRange
          ? [y, u, v] as const
          : [(y - 16) * 255 / 219, 128 + (u - 128) * 255 / 224, 128 + (v - 128) * 255 / 224] as const;
        assertNear(full, [200, 100, 160], 6, `${codec} ${effort}, full range: ${picture.fullRange}`);
      }
      await track.close();
    }
  }
});

Deno.test("keeps colours right when JPEG, odd JPEG and raw pictures take turns at the least effort", async () => {
  const { frames, track, show } = makeTrack({ effort: "fast" });
  for (const width of [64, 65, 64, 64]) await show(jpeg(width, 48, [180, 120, 140]));
  await show(i420(64, 48, [16 + 180 * 219 / 255, 121, 139]));
  await show(jpeg(64, 48, [180, 120, 140]));
  const pictures = decodeVideo("H264", frames.items.map(({ data }) => data));
  assert.equal(pictures.length, 6);
  for (const [index, picture] of pictures.entries()) {
    const [y] = picture.mean();
    const luma = picture.fullRange ? y : (y - 16) * 255 / 219;
    assert.ok(Math.abs(luma - 180) < 5, `picture ${index} has luma ${luma}, full range: ${picture.fullRange}`);
  }
  await track.close();
});

Deno.test("drops the oldest pictures before the encoder when it is overloaded, never an encoded one", async () => {
  const { frames, track } = makeTrack();
  const levels = [30, 50, 70, 90, 110, 130, 150, 170, 190, 210];
  for (const [index, level] of levels.entries()) {
    track.push(i420(64, 48, [level, 128, 128]), { mediaTime: index, fps: 24 });
  }
  await frames.until(5);
  await track.close();
  assert.deepEqual(frames.items.map(({ mediaTime }) => mediaTime), [0, 6, 7, 8, 9]);
  assert.deepEqual(track.counters, { framesEncoded: 5, framesDropped: 5, framesInvalid: 0, keyFrames: 1 });
  const decoded = decodeVideo("H264", frames.items.map(({ data }) => data));
  for (const [index, { mediaTime }] of frames.items.entries()) {
    const picture = decoded[index];
    assert.ok(picture !== undefined);
    assertNear(picture.mean(), [levels[mediaTime] ?? 0, 128, 128], 5, `the picture of ${mediaTime} s`);
  }
});

Deno.test("spends less on each picture before one is lost, when they take half as long again as there is time", async () => {
  const { clock, frames, track } = makeTrack();
  let arrived = 0;
  /** Turns the clock, and shows the pictures that fall due meanwhile, while the encoder is at one. */
  function turnTo(end: number): void {
    while (arrived / 25 <= end) {
      clock.turn(arrived / 25 - clock.now());
      track.push(i420(64, 48, GREY), { mediaTime: arrived / 25, fps: 25 });
      arrived++;
    }
    clock.turn(end - clock.now());
  }
  turnTo(0);
  let isCheaper = false;
  for (let count = 1; count <= 50; count++) {
    // A picture takes 60 ms of the 40 that there are; a new encoder, which begins with a key frame, takes 24.
    turnTo(Math.max(clock.now() + (isCheaper ? 0.024 : 0.06), (count - 1) / 25));
    assert.equal(track.counters.framesDropped, 0, `a picture was lost behind ${count - 1}`);
    await frames.until(count);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    isCheaper ||= count > 1 && frames.at(count - 1).key;
  }
  assert.ok(isCheaper, "the effort did not drop");
  assert.equal(track.counters.keyFrames, 2);
  await track.close();
});

Deno.test("never drops a picture that came encoded", async () => {
  const foreign = await foreignPictures("VP8", 9);
  const { frames, track } = makeTrack({ codec: "VP8" });
  track.push(i420(64, 48, GREY), { mediaTime: 0, fps: 24 });
  for (const [index, picture] of foreign.entries()) track.push(picture, { mediaTime: 1 + index, fps: 24 });
  await frames.until(10);
  assert.equal(track.counters.framesDropped, 0);
  assert.deepEqual(frames.items.map(({ mediaTime }) => mediaTime), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await track.close();
});

Deno.test("makes the next picture a key frame on request, without a picture of its own", async () => {
  const { clock, frames, track, show } = makeTrack();
  for (let index = 0; index < 12; index++) {
    if (index === 5 || index === 6) track.requestKeyFrame();
    await show(i420(64, 48, GREY));
    await clock.advance(1 / 24);
  }
  const keys = frames.items.flatMap(({ key }, index) => key ? [index] : []);
  assert.deepEqual(keys, [0, 5, 6]);
  assert.equal(frames.items.length, 12);
  await track.close();
});

Deno.test("encodes the last picture again when a key frame is asked for and none comes", async () => {
  const { clock, frames, track, show } = makeTrack();
  await show(i420(64, 48, [180, 90, 150]));
  await clock.advance(0.5);
  track.requestKeyFrame();
  await clock.advance(0.2);
  await frames.until(2);
  const [first, again] = frames.items;
  assert.ok(first !== undefined && again?.key === true);
  assert.ok(again.mediaTime > 0.5 && again.mediaTime < 0.6, `it is stamped ${again.mediaTime}, when it was sent`);
  const [picture] = decodeVideo("H264", [again.data]);
  assert.ok(picture !== undefined);
  assertNear(picture.mean(), [180, 90, 150], 4);
  await track.close();
});

Deno.test("answers a key frame request within a second however slow the frame rate, and however often it comes", async () => {
  const { clock, frames, track, show } = makeTrack();
  await show(i420(64, 48, GREY), { fps: 0.5 });
  await clock.advance(0.3);
  for (let time = 0; time < 4; time++) {
    track.requestKeyFrame();
    await clock.advance(0.31);
  }
  await clock.advance(5);
  await frames.until(2);
  assert.equal(frames.at(1).key, true);
  assert.ok(frames.at(1).mediaTime < 1.35, `it came after ${frames.at(1).mediaTime} s`);
  await track.close();
});

Deno.test("shows the last picture again every second while nothing comes", async () => {
  const { clock, frames, track, show } = makeTrack();
  await show(i420(64, 48, GREY));
  for (let count = 2; count <= 4; count++) {
    await clock.advance(1.001);
    await frames.until(count);
  }
  assert.deepEqual(frames.items.map(({ key }) => key), [true, false, false, false]);
  const times = frames.items.map(({ mediaTime }) => Math.round(mediaTime));
  assert.deepEqual(times, [0, 1, 2, 3]);
  await track.close();
});

Deno.test("passes pictures of the negotiated codec on as they are", async () => {
  for (const codec of ["H264", "VP8"] as const) {
    const foreign = await foreignPictures(codec, 4);
    const { frames, track, show } = makeTrack({ codec });
    for (const picture of foreign) await show(picture);
    for (const [index, frame] of frames.items.entries()) {
      assert.ok(frame.data === foreign[index]?.data, "the very same bytes");
      assert.deepEqual([frame.codec, frame.width, frame.height], [codec, 0, 0]);
    }
    assert.deepEqual(frames.items.map(({ key }) => key), [true, false, false, false]);
    assert.equal(track.counters.keyFrames, 1);
    await track.close();
  }
});

Deno.test("leaves pictures of another codec out and counts them", async () => {
  using log = new CapturedLog();
  const [foreign] = await foreignPictures("VP8", 1);
  assert.ok(foreign !== undefined);
  const { frames, track, show } = makeTrack({ codec: "H264" });
  track.push(foreign, { mediaTime: 0, fps: 24 });
  await show(i420(64, 48, GREY));
  assert.equal(frames.items.length, 1);
  assert.equal(track.counters.framesInvalid, 1);
  assert.match(log.text, /yields vp8, but this viewer takes H264/);
  await track.close();
});

Deno.test("refuses encoded pictures until a key frame has come", async () => {
  using log = new CapturedLog();
  const [key, delta, next] = await foreignPictures("H264", 3);
  assert.ok(key !== undefined && delta !== undefined && next !== undefined);
  const { frames, track, show } = makeTrack();
  track.push(delta, { mediaTime: 0, fps: 24 });
  await show(key);
  await show(next);
  assert.deepEqual(frames.items.map(({ data }) => data), [key.data, next.data]);
  assert.equal(track.counters.framesInvalid, 1);
  assert.match(log.text, /the first h264 frame must be a key frame/);
  await track.close();
});

Deno.test("refuses encoded pictures that build on nothing the viewer has, behind pictures of its own encoder", async () => {
  using _log = new CapturedLog();
  const [key, delta] = await foreignPictures("H264", 2);
  assert.ok(key !== undefined && delta !== undefined);
  const { frames, track, show } = makeTrack();
  await show(i420(64, 48, GREY));
  track.push(delta, { mediaTime: 1, fps: 24 });
  await show(key);
  assert.deepEqual(frames.items.map((frame) => frame.key), [true, true], "the delta picture is left out");
  assert.equal(track.counters.framesInvalid, 1);
  await track.close();
});

Deno.test("begins with a key frame when its own encoder takes over from pictures that came encoded", async () => {
  const [foreign] = await foreignPictures("H264", 1);
  assert.ok(foreign !== undefined);
  const { frames, track, show } = makeTrack();
  await show(i420(64, 48, GREY));
  await show(foreign);
  await show(i420(64, 48, GREY));
  assert.deepEqual(frames.items.map(({ key }) => key), [true, true, true]);
  await track.close();
});

Deno.test("goes on with a key frame when the size changes in mid-stream", async () => {
  const { frames, track, show } = makeTrack();
  const sizes = [[64, 48], [64, 48], [128, 96], [128, 96], [66, 50], [64, 48]] as const;
  for (const [width, height] of sizes) await show(i420(width, height, GREY));
  assert.deepEqual(frames.items.map(({ key }) => key), [true, false, true, false, true, true]);
  assert.deepEqual(frames.items.map(({ width, height }) => [width, height]), sizes);
  const decoded = decodeVideo("H264", frames.items.map(({ data }) => data));
  assert.deepEqual(decoded.map(({ width, height }) => [width, height]), sizes);
  await track.close();
});

Deno.test("cuts odd sizes to even ones", async () => {
  const { frames, track, show } = makeTrack({ codec: "VP8" });
  await show(rgba(65, 49, [0, 0, 255]));
  assert.deepEqual([frames.at(0).width, frames.at(0).height], [64, 48]);
  const [picture] = decodeVideo("VP8", [frames.at(0).data]);
  assert.deepEqual([picture?.width, picture?.height], [64, 48]);
  await track.close();
});

Deno.test("keeps its encoder while the frame rate wanders a little, and not when it changes", async () => {
  const { frames, track, show } = makeTrack();
  for (const fps of [24, 24.5, 23.976, 30, 30, 10]) await show(i420(64, 48, GREY), { fps });
  assert.deepEqual(frames.items.map(({ key }) => key), [true, false, false, true, false, true]);
  await track.close();
});

Deno.test("counts a picture that does not decode and goes on", async () => {
  using log = new CapturedLog();
  const { frames, track, show } = makeTrack();
  const whole = jpeg(64, 48, GREY);
  await show(whole);
  const broken: RawPicture = { ...i420(64, 48, GREY), data: new Uint8Array(10) };
  track.push({ format: "jpeg", data: whole.data.subarray(0, 100) }, { mediaTime: 1, fps: 24 });
  track.push({ format: "jpeg", data: Uint8Array.of(1, 2, 3) }, { mediaTime: 2, fps: 24 });
  track.push(broken, { mediaTime: 3, fps: 24 });
  await show(whole);
  assert.equal(frames.items.length, 2);
  assert.deepEqual(track.counters, { framesEncoded: 2, framesDropped: 0, framesInvalid: 3, keyFrames: 1 });
  assert.equal(log.lines.filter(({ level, line }) => level === "warn" && line.includes("frame left out")).length, 3);
  assert.equal(decodeVideo("H264", frames.items.map((frame: EncodedFrame) => frame.data)).length, 2);
  await track.close();
});

Deno.test("emits nothing once it is closed, even in the middle of a picture, and frees its codecs", async () => {
  using contexts = new OpenContexts();
  const { clock, frames, track } = makeTrack();
  track.push(jpeg(640, 480, GREY), { mediaTime: 0, fps: 24 });
  track.push(jpeg(640, 480, GREY), { mediaTime: 1, fps: 24 });
  await track.close();
  assert.deepEqual(frames.items, []);
  track.push(i420(64, 48, GREY), { mediaTime: 2, fps: 24 });
  track.requestKeyFrame();
  await clock.advance(5);
  assert.deepEqual(frames.items, []);
  assert.equal(clock.pending, 0);
  assert.equal(contexts.count, 0);
});
