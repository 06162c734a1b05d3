import assert from "node:assert/strict";
import { Log } from "../../../src/log.ts";
import type { EncodedAudio, EncodedFrame, MediaReader } from "../../../src/media/mod.ts";
import type { PipelineChunk } from "../../../src/pipeline/mod.ts";
import { LiveStream } from "../../../src/stream/mod.ts";
import { Collector } from "../support/collector.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { decodeVideo, i420 } from "../support/pictures.ts";
import { depacketizeH264, depacketizeVp8 } from "../support/rtp_reader.ts";
import { concat, hex } from "../support/bytes.ts";

class RecordingReader implements MediaReader {
  readonly frames = new Collector<{ frame: EncodedFrame; payloads: readonly Uint8Array[] }>();
  readonly packets = new Collector<EncodedAudio>();

  video(frame: EncodedFrame, payloads: readonly Uint8Array[]): void {
    this.frames.add({ frame, payloads });
  }

  audio(packet: EncodedAudio): void {
    this.packets.add(packet);
  }
}

function makeStream(codec: "H264" | "VP8" = "H264") {
  const clock = new ManualClock();
  const live = new LiveStream({
    codec,
    bitrate: 500_000,
    effort: "fast",
    fps: 10,
    bufferSeconds: 1,
    clock,
    log: new Log("test"),
    interactive: false,
    routed: () => undefined,
  });
  return { clock, live };
}

function chunk(frames: number, options: { sound?: boolean } = {}): PipelineChunk {
  return {
    index: undefined,
    fps: undefined,
    pictures: Array.from({ length: frames }, (_, index) => i420(160, 120, [50 + 5 * index, 120, 130])),
    audio: options.sound ? { samples: new Int16Array(frames * 4800), sampleRate: 48_000, channels: 1 } : null,
    metadata: {},
  };
}

async function* yielding(...chunks: readonly PipelineChunk[]) {
  for (const one of chunks) yield await Promise.resolve(one);
}

Deno.test("gives every reader the same frames and the same payload buffers", async () => {
  for (const codec of ["H264", "VP8"] as const) {
    const { clock, live } = makeStream(codec);
    const readers = [new RecordingReader(), new RecordingReader()] as const;
    for (const reader of readers) live.addReader(reader);
    live.start();
    const running = live.run(yielding(chunk(10, { sound: true })));
    for (let index = 1; index <= 10; index++) {
      await clock.advance(index === 1 ? 0.01 : 0.1);
      await readers[1].frames.until(index);
    }
    await clock.advance(0.2);
    await running;
    const [first, second] = readers;
    assert.deepEqual(first.frames.items.map(({ frame }) => frame.key), [true, ...new Array(9).fill(false)]);
    for (const [index, { frame, payloads }] of first.frames.items.entries()) {
      assert.ok(second.frames.at(index).payloads === payloads, "payloads are made once");
      assert.ok(Math.abs(frame.mediaTime - index / 10) < 1e-9);
    }
    const units = first.frames.items.map(({ payloads }) => {
      if (codec === "VP8") return depacketizeVp8(payloads).frame;
      return concat(...depacketizeH264(payloads).flatMap((nal) => [hex("00000001"), nal]));
    });
    assert.equal(decodeVideo(codec, units).length, 10, "what is put together from payloads decodes");
    await first.packets.until(50);
    await live.close();
  }
});

Deno.test("gives a reader that comes later a key frame, and one that has left nothing", async () => {
  const { clock, live } = makeStream();
  const early = new RecordingReader();
  const late = new RecordingReader();
  const leave = live.addReader(early);
  live.start();
  const running = live.run(yielding(chunk(9)));
  for (let index = 1; index <= 5; index++) {
    await clock.advance(index === 1 ? 0.01 : 0.1);
    await early.frames.until(index);
  }
  live.addReader(late);
  leave();
  await clock.advance(0.1);
  await late.frames.until(1);
  assert.equal(late.frames.at(0).frame.key, true);
  assert.equal(early.frames.items.length, 5);
  await clock.advance(1);
  await running;
  await live.close();
});

Deno.test("merges key frame requests that come within 0.3 s, and leaves none unanswered", async () => {
  const { clock, live } = makeStream();
  const reader = new RecordingReader();
  live.addReader(reader);
  live.start();
  const running = live.run(yielding(chunk(10), chunk(10)));
  const keys: number[] = [];
  for (let index = 0; index < 20; index++) {
    await clock.advance(index === 0 ? 0.01 : 0.1);
    await reader.frames.until(index + 1);
    if (reader.frames.at(index).frame.key) keys.push(index);
    if (index >= 2 && index <= 6) live.requestKeyFrame();
  }
  assert.deepEqual(keys, [0, 3, 6, 9]);
  await clock.advance(1);
  await running;
  await live.close();
});

Deno.test("plays nothing before it is started and counts what it did", async () => {
  const { clock, live } = makeStream();
  const reader = new RecordingReader();
  live.addReader(reader);
  const running = live.run(yielding(chunk(3, { sound: true }), chunk(2)));
  await clock.advance(2);
  assert.equal(reader.frames.items.length, 0);
  assert.equal(live.chunks, 2);
  live.start();
  for (let index = 1; index <= 5; index++) {
    await clock.advance(0.1);
    await reader.frames.until(index);
  }
  await clock.advance(0.1);
  await running;
  await reader.packets.until(25);
  assert.equal(live.counters.framesEncoded, 5);
  assert.equal(live.counters.underruns, 0);
  await live.close();
});

Deno.test("ends the run at once when it is closed and leaves no timer behind", async () => {
  const { clock, live } = makeStream();
  const reader = new RecordingReader();
  live.addReader(reader);
  live.start();
  const running = live.run(yielding(chunk(10, { sound: true }), chunk(10), chunk(10)));
  await clock.advance(0.35);
  await live.close();
  await running;
  await settle();
  live.requestKeyFrame();
  live.requestKeyFrame();
  const before = reader.frames.items.length;
  await clock.advance(5);
  assert.equal(reader.frames.items.length, before);
  assert.equal(clock.pending, 0);
});
