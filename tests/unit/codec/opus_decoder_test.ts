import assert from "node:assert/strict";
import { OPUS_FRAME_SAMPLES, OpusDecoder, OpusEncoder } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { loudness, shareAt, tone } from "../support/sound.ts";

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

Deno.test("a lost packet is concealed in its length, and a long gap fades away", async () => {
  const packets = await packetsOf(440, { channels: 1, count: 30 });
  for (const [sampleRate, channels] of [[48_000, 1], [16_000, 2]] as const) {
    const decoder = new OpusDecoder({ sampleRate, channels });
    const level: number[] = [];
    for (let index = 0; index < 29; index++) {
      const isLost = index === 10 || index > 18;
      const samples = await decoder.decode(isLost ? null : packets[index] ?? null);
      if (index > 0) assert.equal(samples.length, 0.02 * sampleRate * channels);
      level.push(loudness(samples));
    }
    const [before = 0, lost = 0] = level.slice(9, 11);
    assert.ok(Math.abs(lost / before - 1) < 0.1, `one lost packet: ${before} to ${lost}`);
    assert.ok((level.at(-1) ?? before) < before / 4, `ten lost packets: ${before} to ${level.at(-1)}`);
    await decoder.close();
  }
});

Deno.test("what is lost before the first packet is 20 ms of silence", async () => {
  const decoder = new OpusDecoder({ sampleRate: 48_000, channels: 2 });
  assert.deepEqual(await decoder.decode(null), new Int16Array(1920));
  await decoder.close();
});

Deno.test("a lost packet is as long as the one before it", async () => {
  const [packet] = await packetsOf(440, { channels: 1, count: 3 });
  assert.ok(packet !== undefined && ((packet[0] ?? 0) & 3) === 0, "one frame of 20 ms");
  const frame = packet.subarray(1);
  const double = Uint8Array.of((packet[0] ?? 0) | 1, ...frame, ...frame);
  const triple = Uint8Array.of((packet[0] ?? 0) | 3, 3, ...frame, ...frame, ...frame);
  const decoder = new OpusDecoder({ sampleRate: 48_000, channels: 1 });
  const lengths: number[] = [];
  for (const data of [packet, null, double, null, null, triple, null]) {
    lengths.push((await decoder.decode(data)).length);
  }
  assert.deepEqual(lengths, [960, 960, 1920, 1920, 1920, 2880, 2880]);
  await decoder.close();
});

Deno.test("keeps left and right apart, and mixes them for one channel", async () => {
  const encoder = new OpusEncoder({ channels: 2, bitrate: 96_000 });
  const right = tone(440, { rate: 48_000, channels: 2, count: 30 * OPUS_FRAME_SAMPLES });
  for (let index = 0; index < right.length; index += 2) right[index] = 0;
  const stereo = new OpusDecoder({ sampleRate: 48_000, channels: 2 });
  const mono = new OpusDecoder({ sampleRate: 48_000, channels: 1 });
  const apart: number[] = [];
  const mixed: number[] = [];
  for (let from = 0; from < right.length; from += 2 * OPUS_FRAME_SAMPLES) {
    const packet = await encoder.encode(right.subarray(from, from + 2 * OPUS_FRAME_SAMPLES));
    if (packet === null) continue;
    apart.push(...await stereo.decode(packet));
    mixed.push(...await mono.decode(packet));
  }
  const level = loudness(apart.filter((_, index) => index % 2 === 1).slice(9600));
  assert.ok(loudness(apart.filter((_, index) => index % 2 === 0).slice(9600)) < level / 50);
  assert.ok(shareAt(440, mixed.slice(9600), 48_000) > 0.9);
  assert.ok(Math.abs(loudness(mixed.slice(9600)) / level - 0.5) < 0.05);
  await Promise.all([encoder.close(), stereo.close(), mono.close()]);
});

Deno.test("what is no sound is an error, and the next packet decodes", async () => {
  const [first, second] = await packetsOf(440, { channels: 1, count: 4 });
  const decoder = new OpusDecoder({ sampleRate: 48_000, channels: 1 });
  await decoder.decode(first as Uint8Array);
  for (const broken of [Uint8Array.of(0xff), Uint8Array.of(1, 2), new Uint8Array()]) {
    await assert.rejects(decoder.decode(broken), (error) => error instanceof StreamError);
  }
  assert.equal((await decoder.decode(second as Uint8Array)).length, 960);
  await decoder.close();
});

Deno.test("waits with closing for what runs, and refuses what comes after", async () => {
  using contexts = new OpenContexts();
  const [packet] = await packetsOf(440, { channels: 1, count: 3 });
  const decoder = new OpusDecoder({ sampleRate: 16_000, channels: 1 });
  const decoding = decoder.decode(packet as Uint8Array);
  for (let turn = 0; turn < 3; turn++) await Promise.resolve();
  await decoder.close();
  assert.ok((await decoding).length > 0);
  await assert.rejects(decoder.decode(null), /closed/);
  assert.equal(contexts.count, 0);
});
