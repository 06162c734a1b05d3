import assert from "node:assert/strict";
import { OPUS_FRAME_SAMPLES, OpusEncoder, type PcmShape } from "../../../src/codec/mod.ts";
import { Log } from "../../../src/log.ts";
import type { PcmBlock, ViewerMediaSink } from "../../../src/media/mod.ts";
import { MicrophoneFeed } from "../../../src/stream/mod.ts";
import { eventually } from "../../support/test_server.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { loudness, shareAt, tone } from "../support/sound.ts";

/** Packets of a tone of 440 Hz. */
async function packetsOf(count: number): Promise<Uint8Array[]> {
  const encoder = new OpusEncoder({ channels: 1, bitrate: 64_000 });
  const packets: Uint8Array[] = [];
  for (let index = 0; packets.length < count; index++) {
    const from = index * OPUS_FRAME_SAMPLES;
    const packet = await encoder.encode(tone(440, { rate: 48_000, channels: 1, from, count: OPUS_FRAME_SAMPLES }));
    if (packet !== null) packets.push(packet);
  }
  await encoder.close();
  return packets;
}

class Sink implements ViewerMediaSink {
  readonly takesPicture = false;
  readonly blocks: PcmBlock[] = [];
  /** What to do with each block first. */
  onSound: () => void = () => undefined;
  whenFree: () => void = () => undefined;

  /** Samples of the first channel, one block after the other. */
  get samples(): number[] {
    return this.blocks.flatMap(({ samples, channels }) => [...samples].filter((_, index) => index % channels === 0));
  }

  picture(): void {}

  sound(block: PcmBlock): void {
    this.onSound();
    this.blocks.push(block);
  }
}

function makeFeed(shape: PcmShape) {
  const sink = new Sink();
  return { sink, feed: new MicrophoneFeed({ shape, sink, log: new Log("microphone") }) };
}

for (const shape of [{ sampleRate: 48_000, channels: 1 }, { sampleRate: 16_000, channels: 2 }] as const) {
  Deno.test(`gives the tone in ${shape.sampleRate} Hz and ${shape.channels} channels, lost packets or not`, async () => {
    using contexts = new OpenContexts();
    const { sink, feed } = makeFeed(shape);
    for (const [index, data] of (await packetsOf(40)).entries()) {
      feed.push({ data: index % 10 === 5 ? null : data, receivedAt: index });
    }
    await eventually("all of it", () => sink.blocks.length === 40);
    assert.deepEqual(feed.counters, { packets: 40, lost: 4, invalid: 0 });
    for (const { sampleRate, channels } of sink.blocks) assert.deepEqual({ sampleRate, channels }, shape);
    const { samples } = sink;
    assert.ok(Math.abs(samples.length / shape.sampleRate - 0.8) < 0.002, `${samples.length} samples`);
    assert.ok(shareAt(440, samples.slice(shape.sampleRate / 10), shape.sampleRate) > 0.9);
    await feed.close();
    assert.equal(contexts.count, 0);
  });
}

Deno.test("a packet that is no sound is named and counted, and its time is kept", async () => {
  using log = new CapturedLog();
  const { sink, feed } = makeFeed({ sampleRate: 48_000, channels: 1 });
  const packets = await packetsOf(20);
  packets[10] = Uint8Array.of(0xff);
  for (const [index, data] of packets.entries()) feed.push({ data, receivedAt: index });
  await eventually("all of it", () => sink.blocks.length === 20);
  assert.deepEqual(feed.counters, { packets: 20, lost: 0, invalid: 1 });
  assert.equal(sink.samples.length, 20 * 960);
  assert.ok(loudness(sink.blocks[10]?.samples ?? []) > 4000, "it is concealed");
  assert.ok(loudness(sink.blocks[19]?.samples ?? []) > 7000, "the next ones are heard");
  assert.match(log.text, /microphone packet left out/);
  await feed.close();
});

Deno.test("of more than a second of packets at once the oldest are left out", async () => {
  const { sink, feed } = makeFeed({ sampleRate: 48_000, channels: 1 });
  const [data] = await packetsOf(1);
  assert.ok(data !== undefined);
  feed.push({ data, receivedAt: 0 });
  for (let index = 0; index < 60; index++) feed.push({ data: index < 4 ? null : data, receivedAt: 0 });
  await eventually("what is left", () => sink.blocks.length === 51);
  assert.deepEqual(feed.counters, { packets: 61, lost: 10, invalid: 0 });
  await feed.close();
  assert.equal(sink.blocks.length, 51);
});

Deno.test("goes on when the pipeline's side fails for one block", async () => {
  using log = new CapturedLog();
  const { sink, feed } = makeFeed({ sampleRate: 48_000, channels: 1 });
  sink.onSound = () => {
    sink.onSound = () => undefined;
    throw new Error("not now");
  };
  for (const data of await packetsOf(3)) feed.push({ data, receivedAt: 0 });
  await eventually("the others", () => sink.blocks.length === 2);
  assert.match(log.text, /not now/);
  await feed.close();
});

Deno.test("hands over nothing once it is closed, whatever is under way", async () => {
  using contexts = new OpenContexts();
  const { sink, feed } = makeFeed({ sampleRate: 16_000, channels: 1 });
  const packets = await packetsOf(10);
  for (const data of packets) feed.push({ data, receivedAt: 0 });
  const closing = feed.close();
  feed.push({ data: packets[0] ?? null, receivedAt: 0 });
  await closing;
  assert.deepEqual(sink.blocks, []);
  assert.equal(feed.counters.packets, 10);
  assert.equal(contexts.count, 0);
});
