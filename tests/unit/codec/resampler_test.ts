import assert from "node:assert/strict";
import { Resampler } from "../../../src/codec/mod.ts";
import { shareAt, tone } from "../support/sound.ts";

Deno.test("gives as many samples as the rates say, over ten minutes and whatever the blocks", () => {
  for (
    const [rate, channels, blockSize] of [[44_100, 1, 1837], [16_000, 2, 320], [8000, 1, 667], [
      96_000,
      2,
      4001,
    ]] as const
  ) {
    const resampler = new Resampler({ sampleRate: rate, channels }, { sampleRate: 48_000, channels });
    const block = { samples: new Int16Array(blockSize * channels), sampleRate: rate, channels };
    let given = 0;
    let taken = 0;
    while (given < 600 * rate) {
      taken += resampler.convert(block).length / channels;
      given += blockSize;
      const wanted = given * 48_000 / rate;
      assert.ok(Math.abs(taken - wanted) < 200, `${rate} Hz: ${taken} instead of ${wanted} samples`);
    }
    resampler.close();
  }
});

Deno.test("has no seam between blocks", () => {
  const resampler = new Resampler({ sampleRate: 44_100, channels: 1 }, { sampleRate: 48_000, channels: 1 });
  const out: number[] = [];
  for (let from = 0; from < 44_100; from += 441) {
    const samples = tone(1000, { rate: 44_100, channels: 1, from, count: 441 });
    out.push(...resampler.convert({ samples, sampleRate: 44_100, channels: 1 }));
  }
  resampler.close();
  assert.ok(shareAt(1000, out.slice(480, 47_520), 48_000) > 0.9999);
});

Deno.test("mixes and spreads channels", () => {
  const toMono = new Resampler({ sampleRate: 48_000, channels: 2 }, { sampleRate: 48_000, channels: 1 });
  const stereo = tone(440, { rate: 48_000, channels: 2, count: 4800 });
  assert.equal(toMono.convert({ samples: stereo, sampleRate: 48_000, channels: 2 }).length, 4800);
  toMono.close();
  const toStereo = new Resampler({ sampleRate: 48_000, channels: 1 }, { sampleRate: 48_000, channels: 2 });
  const mono = tone(440, { rate: 48_000, channels: 1, count: 4800 });
  const spread = toStereo.convert({ samples: mono, sampleRate: 48_000, channels: 1 });
  assert.equal(spread.length, 9600);
  assert.equal(spread[2001], spread[2000], "both sides are alike");
  toStereo.close();
});

Deno.test("hands samples of the same shape on untouched", () => {
  const resampler = new Resampler({ sampleRate: 48_000, channels: 2 }, { sampleRate: 48_000, channels: 2 });
  const samples = tone(440, { rate: 48_000, channels: 2, count: 100 });
  assert.ok(resampler.convert({ samples, sampleRate: 48_000, channels: 2 }) === samples);
  resampler.close();
});

Deno.test("takes only the shape it was made for", () => {
  const resampler = new Resampler({ sampleRate: 44_100, channels: 1 }, { sampleRate: 48_000, channels: 1 });
  assert.equal(resampler.accepts({ sampleRate: 44_100, channels: 1 }), true);
  assert.equal(resampler.accepts({ sampleRate: 44_100, channels: 2 }), false);
  assert.equal(resampler.accepts({ sampleRate: 48_000, channels: 1 }), false);
  resampler.close();
});
