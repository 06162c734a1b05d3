import assert from "node:assert/strict";
import { OPUS_FRAME_SAMPLES, OPUS_SAMPLE_RATE, OpusEncoder, Resampler } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { decodeOpus, loudness, shareAt, tone } from "../support/sound.ts";

/** Resamples where needed and encodes in blocks of 20 ms; gives the packets. */
async function encodeTone(
  hertz: number,
  { rate, channels, seconds }: { rate: number; channels: 1 | 2; seconds: number },
) {
  const resampler = new Resampler({ sampleRate: rate, channels }, { sampleRate: OPUS_SAMPLE_RATE, channels });
  const encoder = new OpusEncoder({ channels, bitrate: 64_000 });
  const packets: Uint8Array[] = [];
  let waiting: number[] = [];
  for (let from = 0; from < rate * seconds; from += 1000) {
    const count = Math.min(1000, rate * seconds - from);
    const samples = tone(hertz, { rate, channels, from, count });
    waiting.push(...resampler.convert({ samples, sampleRate: rate, channels }));
    while (waiting.length >= OPUS_FRAME_SAMPLES * channels) {
      const block = Int16Array.from(waiting.slice(0, OPUS_FRAME_SAMPLES * channels));
      waiting = waiting.slice(OPUS_FRAME_SAMPLES * channels);
      const packet = await encoder.encode(block);
      if (packet !== null) packets.push(packet);
    }
  }
  resampler.close();
  await encoder.close();
  return packets;
}

Deno.test("carries a tone of any rate and channel count through, at its pitch and level", async () => {
  for (const [rate, channels] of [[44_100, 1], [16_000, 1], [48_000, 2], [22_050, 2]] as const) {
    const packets = await encodeTone(440, { rate, channels, seconds: 2 });
    assert.ok(packets.length >= 98 && packets.length <= 100, `${packets.length} packets of 20 ms for 2 s`);
    const decoded = decodeOpus(packets, channels);
    assert.equal(decoded.length, channels);
    for (const channel of decoded) {
      const middle = channel.subarray(9600, 86_400);
      const what = `${rate} Hz, ${channels} channels`;
      assert.ok(shareAt(440, middle, OPUS_SAMPLE_RATE) > 0.99, `${what}: ${shareAt(440, middle, OPUS_SAMPLE_RATE)}`);
      assert.ok(shareAt(445, middle, OPUS_SAMPLE_RATE) < 0.02, `${what}: the pitch is exact`);
      const level = loudness(middle) * Math.SQRT2;
      assert.ok(level > 0.3 && level < 0.42, `${what}: an amplitude of ${level} instead of 0.366`);
    }
  }
});

Deno.test("keeps left and right apart", async () => {
  const encoder = new OpusEncoder({ channels: 2, bitrate: 128_000 });
  const packets: Uint8Array[] = [];
  for (let block = 0; block < 50; block++) {
    const where = {
      rate: OPUS_SAMPLE_RATE,
      channels: 1,
      from: block * OPUS_FRAME_SAMPLES,
      count: OPUS_FRAME_SAMPLES,
    } as const;
    const left = tone(300, where);
    const right = tone(1200, where);
    const both = Int16Array.from({ length: 2 * left.length }, (_, at) => (at % 2 === 0 ? left : right)[at >> 1] ?? 0);
    const packet = await encoder.encode(both);
    if (packet !== null) packets.push(packet);
  }
  await encoder.close();
  const [left = new Float32Array(0), right = new Float32Array(0)] = decodeOpus(packets, 2);
  assert.ok(shareAt(300, left.subarray(9600), OPUS_SAMPLE_RATE) > 0.95);
  assert.ok(shareAt(1200, right.subarray(9600), OPUS_SAMPLE_RATE) > 0.95);
});

Deno.test("gives packets of 20 ms that do not share memory", async () => {
  const packets = await encodeTone(440, { rate: OPUS_SAMPLE_RATE, channels: 1, seconds: 1 });
  const copies = packets.map((packet) => packet.slice());
  assert.equal(packets.length, 50);
  assert.deepEqual(packets, copies);
  assert.equal(new Set(packets.map((packet) => packet.buffer)).size, 50);
  for (const packet of packets) {
    // RFC 6716, section 3.1: the configuration number says the length of a frame, the code how many there are.
    const config = (packet[0] ?? 0) >> 3;
    const milliseconds = config < 12
      ? [10, 20, 40, 60][config % 4]
      : config < 16
      ? [10, 20][config % 2]
      : [2.5, 5, 10, 20][config % 4];
    assert.deepEqual([milliseconds, (packet[0] ?? 0) & 3], [20, 0]);
    assert.ok(packet.length < 1158, "one packet fits into one RTP payload");
  }
});

Deno.test("frees its encoder and takes nothing more once it is closed", async () => {
  using contexts = new OpenContexts();
  const encoder = new OpusEncoder({ channels: 1, bitrate: 48_000 });
  const running = encoder.encode(new Int16Array(OPUS_FRAME_SAMPLES)).catch(() => null);
  await encoder.close();
  await running;
  await encoder.close();
  assert.equal(contexts.count, 0);
  await assert.rejects(encoder.encode(new Int16Array(OPUS_FRAME_SAMPLES)), StreamError);
});
