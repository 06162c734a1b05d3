import assert from "node:assert/strict";
import { OPUS_FRAME_SAMPLES, OpusDecoder, OpusEncoder } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { shareAt, tone } from "../support/sound.ts";

async function packetsOf(hertz: number, { channels, count }: { channels: 1 | 2; count: number }) {
  const encoder = new OpusEncoder({ channels, bitrate: 64_000 });
  const packets: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const from = index * OPUS_FRAME_SAMPLES;
    const packet = await encoder.encode(tone(hertz, { rate: 48_000, channels, from, count: OPUS_FRAME_SAMPLES }));
    if (packet !== null) packets.push(packet);
  }
  await encoder.close();
  return packets;
}

Deno.test("gives the tone back at its pitch, in any rate and channel count", async () => {
  using contexts = new OpenContexts();
  const packets = await packetsOf(440, { channels: 1, count: 60 });
  for (const [sampleRate, channels] of [[48_000, 1], [16_000, 1], [44_100, 2], [48_000, 2]] as const) {
    const decoder = new OpusDecoder({ sampleRate, channels });
    const samples: number[] = [];
    for (const packet of packets) samples.push(...await decoder.decode(packet));
    await decoder.close();
    const what = `${sampleRate} Hz, ${channels} channels`;
    const seconds = samples.length / channels / sampleRate;
    assert.ok(Math.abs(seconds - packets.length * 0.02) < 0.005, `${what}: ${seconds} s`);
    const left = Float32Array.from(samples.filter((_, index) => index % channels === 0), (value) => value / 32_768);
    assert.ok(shareAt(440, left.subarray(sampleRate / 5), sampleRate) > 0.9, what);
  }
  assert.equal(contexts.count, 0);
});

Deno.test("a lost packet is silent and keeps its length", async () => {
  const [first] = await packetsOf(440, { channels: 1, count: 3 });
  const decoder = new OpusDecoder({ sampleRate: 16_000, channels: 2 });
  assert.equal((await decoder.decode(null)).length, 640);
  await decoder.decode(first as Uint8Array);
  const lost = await decoder.decode(null);
  assert.equal(lost.length, 640);
  assert.ok(lost.every((sample) => sample === 0));
  await decoder.close();
});

Deno.test("what is no sound is an error, and the next packet decodes", async () => {
  const [first, second] = await packetsOf(440, { channels: 1, count: 4 });
  const decoder = new OpusDecoder({ sampleRate: 48_000, channels: 1 });
  await decoder.decode(first as Uint8Array);
  await assert.rejects(decoder.decode(Uint8Array.of(0xff)), (error) => error instanceof StreamError);
  assert.equal((await decoder.decode(second as Uint8Array)).length, 960);
  await decoder.close();
});
