import assert from "node:assert/strict";
import { Log } from "../../../src/log.ts";
import type { EncodedAudio, PcmBlock } from "../../../src/media/mod.ts";
import { AudioFramer, PlayoutTimeline } from "../../../src/stream/mod.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { Collector } from "../support/collector.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { decodeOpus, loudness, shareAt, tone } from "../support/sound.ts";

const RATE = 48_000;
/** Opus hands sound out this much later than it took it in (6.5 ms of look-ahead). */
const DELAY = 312;

function makeFramer() {
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  const packets = new Collector<EncodedAudio>();
  const framer = new AudioFramer({ clock, timeline, log: new Log("test"), emit: packets.add });
  /** Plays so many seconds and waits for the packets that are due by then. */
  async function play(seconds: number, count: number): Promise<readonly EncodedAudio[]> {
    await clock.advance(seconds);
    return await packets.until(count);
  }
  return { clock, timeline, packets, framer, play };
}

function start(timeline: PlayoutTimeline, framer: AudioFramer): void {
  timeline.start();
  framer.wake();
}

function pcm(samples: Int16Array, sampleRate = RATE, channels: 1 | 2 = 1): PcmBlock {
  return { samples, sampleRate, channels };
}

/** Silence that begins with a click of 2 ms. */
function click(count: number): Int16Array {
  const samples = new Int16Array(count);
  samples.set(tone(1000, { rate: RATE, channels: 1, count: 96, level: 30_000 }));
  return samples;
}

function decoded(packets: readonly EncodedAudio[], channels: 1 | 2 = 1): Float32Array {
  return decodeOpus(packets.map(({ data }) => data), channels)[0] ?? new Float32Array(0);
}

/** Where sound begins after at least 5 ms of quiet, in samples, with the coder's delay taken off. */
function onsets(samples: Float32Array): number[] {
  const found: number[] = [];
  let quietFor = 240;
  for (const [index, value] of samples.entries()) {
    if (Math.abs(value) > 0.15) {
      if (quietFor >= 240) found.push(index - DELAY);
      quietFor = 0;
    } else {
      quietFor++;
    }
  }
  return found;
}

function assertSeamless(packets: readonly EncodedAudio[], begin = 0): void {
  for (const [index, { mediaTime, duration }] of packets.entries()) {
    assert.ok(Math.abs(mediaTime - begin - index * 0.02) < 1e-6, `packet ${index} is stamped ${mediaTime}`);
    assert.equal(duration, 0.02);
  }
}

Deno.test("sends nothing before the start, nor before the first sound", async () => {
  const { clock, timeline, framer, packets, play } = makeFramer();
  await clock.advance(1);
  start(timeline, framer);
  await clock.advance(1);
  assert.equal(clock.pending, 0, "no timer runs for nothing");
  framer.add(pcm(tone(440, { rate: RATE, channels: 1, count: 9600 })), { begin: 1.25, chunkSeconds: 0.2 });
  await clock.advance(0.24);
  assert.equal(packets.items.length, 0);
  assertSeamless(await play(0.1, 5), 1.25);
  await framer.close();
});

Deno.test("hands each packet out when it is due, not ahead of time", async () => {
  const { clock, timeline, framer, packets, play } = makeFramer();
  framer.add(pcm(tone(440, { rate: RATE, channels: 1, count: RATE })), { begin: 0, chunkSeconds: 1 });
  start(timeline, framer);
  for (let count = 1; count <= 20; count++) {
    await play(count === 1 ? 0.001 : 0.02, count);
    await clock.advance(0);
    assert.equal(packets.items.length, count);
  }
  await framer.close();
});

Deno.test("carries a tone of every shape through", async () => {
  for (const [rate, channels] of [[44_100, 2], [16_000, 1], [48_000, 1], [8000, 2]] as const) {
    const { timeline, framer, play } = makeFramer();
    for (let part = 0; part < 5; part++) {
      const count = rate / 5;
      const samples = tone(440, { rate, channels, from: part * count, count });
      framer.add(pcm(samples, rate, channels), { begin: part / 5, chunkSeconds: 0.2 });
    }
    start(timeline, framer);
    const packets = await play(0.99, 50);
    const samples = decoded(packets, channels).subarray(4800, 45_000);
    const share = shareAt(440, samples, RATE);
    assert.ok(share > 0.99, `${rate} Hz with ${channels} channels: ${share} of the energy is at 440 Hz`);
    assertSeamless(packets);
    await framer.close();
  }
});

Deno.test("fills gaps with silence and begins again where the sound belongs", async () => {
  const { timeline, framer, play } = makeFramer();
  const half = RATE / 2;
  framer.add(pcm(tone(440, { rate: RATE, channels: 1, count: half })), { begin: 0, chunkSeconds: 0.5 });
  framer.add(pcm(tone(440, { rate: RATE, channels: 1, count: half })), { begin: 1.3, chunkSeconds: 0.5 });
  start(timeline, framer);
  const packets = await play(1.79, 90);
  assertSeamless(packets);
  const samples = decoded(packets);
  assert.ok(loudness(samples.subarray(0.1 * RATE, 0.48 * RATE)) > 0.2);
  assert.ok(loudness(samples.subarray(0.55 * RATE, 1.29 * RATE)) < 0.001, "the gap is silent");
  assert.ok(loudness(samples.subarray(1.35 * RATE, 1.75 * RATE)) > 0.2);
  const [, second = 0] = onsets(samples);
  assert.ok(Math.abs(second - 1.3 * RATE) < 0.01 * RATE, `the second sound begins at ${second / RATE} s`);
  await framer.close();
});

Deno.test("keeps sound seamless while its place wanders within the tolerance", async () => {
  const { timeline, framer, play } = makeFramer();
  const wander = [0, 0.03, -0.02, 0.035, -0.035, 0.01, 0, -0.03, 0.02, 0];
  for (const [index, off] of wander.entries()) {
    const samples = tone(440, { rate: RATE, channels: 1, from: index * 4800, count: 4800 });
    framer.add(pcm(samples), { begin: Math.max(0, index / 10 + off), chunkSeconds: 0.1 });
  }
  assert.ok(Math.abs(framer.endTime - 1) < 1e-9, "no sample was left out or put in");
  start(timeline, framer);
  const samples = decoded(await play(0.99, 50)).subarray(2400, 46_000);
  assert.ok(shareAt(440, samples, RATE) > 0.995, "the tone has no seam");
  await framer.close();
});

for (
  const [name, extra] of [["too long", 4], ["too long by a lot", 480], ["too short", -4], [
    "too short by a lot",
    -480,
  ]] as const
) {
  Deno.test(`holds sound that is ${name} to its pictures over 10 minutes of 24 fps`, async () => {
    const { framer } = makeFramer();
    let worst = 0;
    for (let second = 0; second < 600; second++) {
      framer.add(pcm(new Int16Array(RATE + extra)), { begin: second, chunkSeconds: 1 });
      worst = Math.max(worst, Math.abs(framer.endTime - (second + 1)));
    }
    assert.ok(worst < 0.055, `sound and picture drift ${worst} s apart`);
    await framer.close();
  });

  Deno.test(`plays every part of sound that is ${name} within 45 ms of its pictures`, async () => {
    const { timeline, framer, play } = makeFramer();
    const seconds = Math.abs(extra) > 100 ? 12 : 4;
    for (let second = 0; second < seconds; second++) {
      framer.add(pcm(click(RATE + extra)), { begin: second, chunkSeconds: 1 });
    }
    start(timeline, framer);
    const found = onsets(decoded(await play(seconds - 0.001, seconds * 50)));
    // A click whose first milliseconds were cut off to catch up with the picture is not there: the others must be.
    assert.ok(found.length >= seconds - Math.ceil(seconds * Math.max(0, extra) / 1920), `only ${found.length} clicks`);
    for (const at of found) {
      const off = at / RATE - Math.round(at / RATE);
      assert.ok(Math.abs(off) < 0.052, `a click comes at ${at / RATE} s`);
    }
    await framer.close();
  });
}

Deno.test("lets sound of another length than its pictures follow the sound before it", async () => {
  const { framer } = makeFramer();
  framer.add(pcm(new Int16Array(3 * RATE)), { begin: 0, chunkSeconds: 1 });
  framer.add(pcm(new Int16Array(RATE / 2)), { begin: 1, chunkSeconds: 1 });
  assert.ok(Math.abs(framer.endTime - 3.5) < 1e-9, `ends at ${framer.endTime}`);
  framer.add(pcm(new Int16Array(1920)), { begin: 2, chunkSeconds: 0 });
  assert.ok(Math.abs(framer.endTime - 3.54) < 1e-9, `sound without pictures ends at ${framer.endTime}`);
  await framer.close();
});

Deno.test("plays a late sound from its first sample on", async () => {
  // The pipeline was 5 ms too slow: the router places the chunk 30 ms ahead of now.
  const { timeline, framer, play } = makeFramer();
  framer.add(pcm(new Int16Array(RATE / 2)), { begin: 0, chunkSeconds: 0.5 });
  start(timeline, framer);
  await play(0.505, 26);
  framer.add(pcm(click(RATE / 2)), { begin: 0.535, chunkSeconds: 0.5 });
  const found = onsets(decoded(await play(0.5, 51)));
  assert.equal(found.length, 1, "the click at the beginning is heard");
  const at = (found[0] ?? 0) / RATE;
  assert.ok(at > 0.51 && at < 0.58, `it is heard at ${at} s`);
  await framer.close();
});

Deno.test("plays what waits when the number of channels changes, at the same level", async () => {
  for (const [before, after] of [[1, 2], [2, 1]] as const) {
    const { timeline, framer, play } = makeFramer();
    for (const [index, channels] of [before, before, after, after].entries()) {
      const samples = tone(440, { rate: RATE, channels, from: index * 12_000, count: 12_000 });
      framer.add(pcm(samples, RATE, channels), { begin: index / 4, chunkSeconds: 0.25 });
    }
    start(timeline, framer);
    const packets = await play(0.99, 50);
    assertSeamless(packets);
    const samples = decoded(packets, 2);
    const levels = [0, 1, 2, 3].map((part) => loudness(samples.subarray((part + 0.3) * 12_000, (part + 0.9) * 12_000)));
    for (const level of levels) {
      assert.ok(level > 0.22 && level < 0.3, `${before} to ${after} channels: levels ${levels}`);
    }
    await framer.close();
  }
});

Deno.test("leaves nothing behind when it is closed in the middle of a sound", async () => {
  const { clock, timeline, framer, packets } = makeFramer();
  framer.add(pcm(tone(440, { rate: RATE, channels: 1, count: RATE })), { begin: 0, chunkSeconds: 1 });
  start(timeline, framer);
  await clock.advance(0.1);
  await framer.close();
  const before = packets.items.length;
  framer.add(pcm(new Int16Array(RATE)), { begin: 1, chunkSeconds: 1 });
  framer.wake();
  await clock.advance(5);
  assert.equal(packets.items.length, before);
  assert.equal(clock.pending, 0);
});

Deno.test("calls it no error when it is closed while a packet is on its way to the encoder", async () => {
  using log = new CapturedLog();
  const { clock, timeline, framer, play } = makeFramer();
  framer.add(pcm(tone(440, { rate: RATE, channels: 1, count: RATE })), { begin: 0, chunkSeconds: 1 });
  start(timeline, framer);
  await play(0.01, 1);
  await settle();
  clock.turn(0.02);
  await framer.close();
  await settle();
  assert.equal(log.text, "");
});

Deno.test("frees its encoder when it is closed while the first packet is on its way", async () => {
  using contexts = new OpenContexts();
  const { clock, timeline, framer } = makeFramer();
  framer.add(pcm(tone(440, { rate: RATE, channels: 1, count: RATE })), { begin: 0, chunkSeconds: 1 });
  start(timeline, framer);
  clock.turn(0.01);
  await framer.close();
  await settle();
  assert.equal(contexts.count, 0);
});

Deno.test("is exactly in step again once it has caught up, in stereo as well", async () => {
  const { timeline, framer, play } = makeFramer();
  for (let second = 0; second < 7; second++) {
    // 10 ms too long, with a click in the middle of the second.
    const samples = new Int16Array(2 * (RATE + 480));
    samples.set(tone(1000, { rate: RATE, channels: 2, count: 96, level: 30_000 }), RATE);
    framer.add(pcm(samples, RATE, 2), { begin: second, chunkSeconds: 1 });
  }
  start(timeline, framer);
  const found = onsets(decoded(await play(6.99, 350), 2));
  assert.deepEqual(found.map((at) => Math.round((at / RATE - 0.5) * 100) / 100), [0, 1.01, 2.02, 3.03, 4.04, 5, 6.01]);
  await framer.close();
});
