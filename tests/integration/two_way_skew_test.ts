import assert from "node:assert/strict";
import { sleep } from "../../src/async/mod.ts";
import { OpusEncoder } from "../../src/codec/mod.ts";
import { Log } from "../../src/log.ts";
import type { PcmBlock, SourcePicture } from "../../src/media/mod.ts";
import type { PipelineChunk } from "../../src/pipeline/mod.ts";
import { AudioFramer, ChunkRouter, FramePacer, PlayoutTimeline } from "../../src/stream/mod.ts";
import { ManualClock } from "../unit/support/manual_clock.ts";

const FPS = 24;
const RATE = 44_100;
const MINUTES = 10;
/** Seconds after which the ramp that tells the content's time begins anew. */
const PERIOD = 10;
const [LOWEST, HIGHEST] = [1000, 31_000];

/** Sound whose level tells which second of the content it belongs to; 0 is silence. */
function ramp(second: number, length = 1): PcmBlock {
  const count = Math.round(RATE * length);
  const samples = new Int16Array(count * 2);
  for (let at = 0; at < count; at++) {
    const content = (second + at / RATE) % PERIOD;
    samples[2 * at] = samples[2 * at + 1] = LOWEST + content / PERIOD * (HIGHEST - LOWEST);
  }
  return { samples, sampleRate: RATE, channels: 2 };
}

/** Seconds from −5 to 5 by which the sound of that level is ahead of the content. */
function skewOf(level: number, content: number): number {
  const heard = (level - LOWEST) / (HIGHEST - LOWEST) * PERIOD;
  const ahead = (heard - content % PERIOD + PERIOD) % PERIOD;
  return ahead > PERIOD / 2 ? ahead - PERIOD : ahead;
}

/** Puts raw samples into the packets in place of Opus, for as long as it is there. */
function withoutOpus(): Disposable {
  const { encode } = OpusEncoder.prototype;
  OpusEncoder.prototype.encode = (samples: Int16Array) => Promise.resolve(new Uint8Array(samples.slice().buffer));
  return { [Symbol.dispose]: () => void (OpusEncoder.prototype.encode = encode) };
}

/**
 * Plays ten minutes on a clock turned by hand; returns for each picture how far its sound is ahead, in seconds.
 *
 * @param makeStep what the pipeline yields for the n-th stretch of the content
 * @param options.takes how long that takes it
 * @param options.between how long it takes between two chunks of one stretch
 * @param options.step length of a stretch
 */
async function play(
  makeStep: (index: number) => PipelineChunk[],
  { takes, between = 0, step = 1 }: { takes: (index: number) => number; between?: number; step?: number },
) {
  using _opus = withoutOpus();
  const clock = new ManualClock();
  const timeline = new PlayoutTimeline(clock);
  const contents = new Map<SourcePicture, number>();
  const shown: { mediaTime: number; content: number }[] = [];
  const heard = new Map<number, number>();
  const pacer = new FramePacer({
    clock,
    timeline,
    release: (picture, { mediaTime }) => shown.push({ mediaTime, content: contents.get(picture) ?? Number.NaN }),
  });
  const audio = new AudioFramer({
    clock,
    timeline,
    log: new Log("test"),
    emit: ({ data, mediaTime }) => {
      const samples = new Int16Array(data.buffer);
      for (let at = 0; at < samples.length; at += 96) {
        heard.set(Math.round(mediaTime * 1000 + at / 96), samples[at] ?? 0);
      }
    },
  });
  const router = new ChunkRouter({
    clock,
    timeline,
    pacer,
    audio,
    fps: FPS,
    bufferSeconds: 1,
    interactive: true,
    routed: () => undefined,
  });
  async function* generate(): AsyncGenerator<PipelineChunk> {
    for (let index = 0;; index++) {
      await sleep(clock, takes(index));
      const chunks = makeStep(index);
      const pictures = chunks.flatMap((chunk) => chunk.pictures);
      for (const [place, picture] of pictures.entries()) contents.set(picture, index * step + place / FPS);
      for (const [place, one] of chunks.entries()) {
        if (place > 0 && between > 0) await sleep(clock, between);
        yield one;
      }
    }
  }
  const abort = new AbortController();
  timeline.start();
  pacer.wake();
  audio.wake();
  const running = router.run(generate(), abort.signal);
  await clock.advance(MINUTES * 60);
  abort.abort();
  await clock.advance(3);
  await running;
  pacer.close();
  await audio.close();
  const skews = shown.flatMap(({ mediaTime, content }) => {
    // A little into the picture: the resampler blurs the edges of the sound.
    const level = heard.get(Math.round(mediaTime * 1000) + 3) ?? 0;
    return level < LOWEST ? [] : [{ at: mediaTime, content, skew: skewOf(level, content + 0.003) }];
  });
  return { shown, skews, heard, underruns: timeline.underruns };
}

function chunk(fields: Partial<PipelineChunk>): PipelineChunk {
  return { index: undefined, fps: FPS, pictures: [], audio: null, metadata: {}, ...fields };
}

function pictures(count = FPS): SourcePicture[] {
  return Array.from({ length: count }, () => ({ format: "jpeg", data: Uint8Array.of(1) }));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

for (
  const [way, makeSecond] of [
    ["in the same chunks", (second: number) => [chunk({ pictures: pictures(), audio: ramp(second) })]],
    ["in chunks of their own, pictures first", (second: number) => [
      chunk({ pictures: pictures() }),
      chunk({ audio: ramp(second) }),
    ]],
    ["in chunks of their own, sound first", (second: number) => [
      chunk({ audio: ramp(second) }),
      chunk({ pictures: pictures() }),
    ]],
  ] as const
) {
  for (
    const [pace, takes] of [
      ["that is quick", () => 0.1],
      ["that stalls now and then", (second: number) => second % 20 === 13 ? 1.7 : second % 7 === 3 ? 1.1 : 0.6],
      ["that is too slow all the time", () => 1.5],
    ] as const
  ) {
    Deno.test(`pictures and sound ${way} stay together for ten minutes, of a pipeline ${pace}`, async () => {
      const { shown, skews, underruns } = await play(makeSecond, { takes });
      const worst = Math.max(...skews.map(({ skew }) => Math.abs(skew)));
      const first = mean(skews.filter(({ at }) => at < 60).map(({ skew }) => skew));
      const last = mean(skews.filter(({ at }) => at > (MINUTES - 1) * 60).map(({ skew }) => skew));
      if (pace === "that is quick") assert.equal(underruns, 0, `${underruns} underruns`);
      else assert.ok(underruns > 20, `${underruns} underruns`);
      assert.ok(skews.length > 0.95 * shown.length, `${skews.length} of ${shown.length} pictures have sound`);
      assert.ok(worst <= 0.08, `the worst skew is ${worst}`);
      assert.ok(Math.abs(last - first) <= 0.01, `the skew goes from ${first} to ${last}`);
    });
  }
}

Deno.test("short sounds now and then do not hold the pictures up", async () => {
  const beep = { ...ramp(0), samples: ramp(0).samples.subarray(0, RATE / 4) };
  const makeSecond = (second: number) => {
    const made = [chunk({ pictures: pictures() })];
    return second % 3 === 1 ? [...made, chunk({ audio: beep })] : made;
  };
  const { shown } = await play(makeSecond, { takes: () => 0.1 });
  const gaps = shown.slice(1).map(({ mediaTime }, index) => mediaTime - (shown[index]?.mediaTime ?? 0));
  assert.ok(Math.max(...gaps) < 1.5 / FPS, `a gap of ${Math.max(...gaps)} s`);
  assert.ok(shown.length >= MINUTES * 60 * FPS - 2, `${shown.length} pictures`);
});

Deno.test("single pictures that come too slowly put no holes into the sound", async () => {
  const piece = { ...ramp(1), samples: ramp(1).samples.subarray(0, RATE / 2) };
  let pieces = 0;
  const makePicture = (index: number) => {
    const one = [chunk({ pictures: pictures(1) })];
    return index * 0.055 >= pieces / 4 ? [...one, chunk({ audio: (pieces++, piece) })] : one;
  };
  const { heard } = await play(makePicture, { takes: () => 0.055 });
  const silent = [...heard].filter(([at, level]) => at > 2000 && at < 598_000 && level < LOWEST - 10);
  assert.equal(silent.length, 0, `${silent.length} ms are silent, the first at ${silent[0]?.[0]} ms`);
});

Deno.test("sound that takes 0.3 s longer than its pictures is together with them after the first", async () => {
  const makeSecond = (second: number) => [chunk({ pictures: pictures() }), chunk({ audio: ramp(second) })];
  const { skews, shown, underruns } = await play(makeSecond, { takes: () => 0.1, between: 0.3 });
  const settled = skews.filter(({ at }) => at > 3).map(({ skew }) => Math.abs(skew));
  assert.ok(settled.length > 0.95 * shown.length, `${settled.length} of ${shown.length} pictures have sound`);
  assert.ok(Math.max(...settled) <= 0.08, `the worst skew is ${Math.max(...settled)}`);
  assert.ok(underruns <= 1, `${underruns} underruns`);
});

for (const count of [24, 4, 2, 1]) {
  for (const length of count === 24 ? [0.98, 1.02] : [1]) {
    for (const order of ["pictures first", "sound first"]) {
      const name = `sound for ${count} pictures a chunk, ${length} times as long as they, stays with them: ${order}`;
      Deno.test(name, async () => {
        const step = count / FPS;
        const makeStep = (index: number) => {
          const made = [chunk({ pictures: pictures(count) }), chunk({ audio: ramp(index * step, step * length) })];
          return order === "sound first" ? made.reverse() : made;
        };
        for (
          const takes of [
            () => 0.1 * step,
            (index: number) => step * (index % 20 === 13 ? 1.7 : index % 7 === 3 ? 1.1 : 0.6),
          ]
        ) {
          const { shown, skews } = await play(makeStep, { takes, step });
          assert.ok(shown.length > 0.8 * MINUTES * 60 * FPS, `${shown.length} pictures`);
          assert.ok(skews.length > 0.9 * shown.length, `${skews.length} of ${shown.length} pictures have sound`);
          // Where the ramp begins anew the resampler blurs its level, which looks like a skew of any size.
          const clear = skews.filter(({ content }) => Math.abs(content % PERIOD - PERIOD / 2) < PERIOD / 2 - 0.05);
          const worst = Math.max(...clear.map(({ skew }) => Math.abs(skew)));
          assert.ok(worst <= 0.08, `the worst skew is ${worst}`);
        }
      });
    }
  }
}
