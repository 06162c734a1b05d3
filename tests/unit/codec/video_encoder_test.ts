import assert from "node:assert/strict";
import { PictureConverter, VideoEncoder, type VideoEncoderSettings } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import { rawPictureBytes } from "../../../src/media/mod.ts";
import { isH264KeyFrame, isVp8KeyFrame, splitAnnexB } from "../../../src/rtp/mod.ts";
import { noise } from "../support/bytes.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { assertNear, decodeVideo, i420, type Yuv } from "../support/pictures.ts";

const SETTINGS: VideoEncoderSettings = {
  codec: "H264",
  width: 160,
  height: 120,
  fps: 25,
  bitrate: 400_000,
  effort: "balanced",
};

/** Encodes grey pictures that grow lighter; key frames on request at these places. */
async function encode(settings: Partial<VideoEncoderSettings>, { count = 12, keys = [] as readonly number[] } = {}) {
  const all = { ...SETTINGS, ...settings };
  const converter = new PictureConverter();
  const encoder = new VideoEncoder(all);
  try {
    const units: { data: Uint8Array; key: boolean }[] = [];
    for (let index = 0; index < count; index++) {
      const frame = await converter.convert(i420(all.width, all.height, colorAt(index)));
      const unit = await encoder.encode(frame, { key: keys.includes(index) });
      assert.ok(unit !== null, `picture ${index} was held back`);
      units.push(unit);
    }
    return units;
  } finally {
    await encoder.close();
    await converter.close();
  }
}

function colorAt(index: number): Yuv {
  return [60 + 8 * index, 100, 150];
}

function nalTypes(unit: Uint8Array): number[] {
  return [...splitAnnexB(unit)].map((nal) => (nal[0] ?? 0) & 0x1f);
}

for (const codec of ["H264", "VP8"] as const) {
  Deno.test(`${codec}: gives one access unit for every picture at once, and all of them decode`, async () => {
    for (const [width, height] of [[160, 120], [66, 50], [640, 360]] as const) {
      const units = await encode({ codec, width, height });
      const pictures = decodeVideo(codec, units.map(({ data }) => data));
      assert.equal(pictures.length, 12);
      for (const [index, picture] of pictures.entries()) {
        assert.deepEqual([picture.width, picture.height], [width, height]);
        assertNear(picture.mean(), colorAt(index), 10, `${width}x${height} picture ${index}`);
      }
    }
  });

  Deno.test(`${codec}: begins with a key frame and makes others on request only`, async () => {
    const units = await encode({ codec }, { count: 60, keys: [20, 21, 47] });
    const isKey = codec === "H264" ? isH264KeyFrame : isVp8KeyFrame;
    const keys = units.flatMap(({ key }, index) => key ? [index] : []);
    assert.deepEqual(keys, [0, 20, 21, 47]);
    assert.deepEqual(units.map(({ data }) => isKey(data)), units.map(({ key }) => key), "as the data says");
    const late = decodeVideo(codec, units.slice(47).map(({ data }) => data));
    assert.equal(late.length, 13, "a viewer can begin at a key frame on request");
    assert.equal(late[0]?.key, true);
  });

  Deno.test(`${codec}: opens with each effort and with odd frame rates`, async () => {
    for (const effort of ["fast", "balanced", "quality"] as const) {
      const units = await encode({ codec, effort }, { count: 3 });
      assert.equal(decodeVideo(codec, units.map(({ data }) => data)).length, 3, effort);
    }
    for (const fps of [0.1, 23.976, 30_000 / 1001, 240]) {
      const units = await encode({ codec, fps, effort: "fast" }, { count: 2 });
      assert.equal(decodeVideo(codec, units.map(({ data }) => data)).length, 2, `${fps} fps`);
    }
  });

  Deno.test(`${codec}: says that a picture size cannot be opened, and leaves nothing behind`, () => {
    using contexts = new OpenContexts();
    assert.throws(() => new VideoEncoder({ ...SETTINGS, codec, width: 0, height: 0 }), (error) => {
      return error instanceof StreamError && error.code === "invalid_frame" && error.message.includes(codec);
    });
    assert.equal(contexts.count, 0);
  });

  Deno.test(`${codec}: waits for the picture that is being encoded before it frees, and takes no more`, async () => {
    using contexts = new OpenContexts();
    const converter = new PictureConverter();
    const encoder = new VideoEncoder({ ...SETTINGS, codec, width: 1280, height: 720 });
    const frame = await converter.convert(i420(1280, 720, [90, 90, 90]));
    const running = encoder.encode(frame, { key: false });
    await Promise.resolve();
    const closing = encoder.close();
    const unit = await running.catch((error: unknown) => error);
    await closing;
    assert.ok(
      unit === null || unit instanceof StreamError || decodeVideo(codec, [(unit as { data: Uint8Array }).data]),
    );
    await assert.rejects(encoder.encode(frame, { key: false }), StreamError);
    await converter.close();
    assert.equal(contexts.count, 0);
  });
}

Deno.test("H264: is constrained baseline, whatever the effort", async () => {
  for (const effort of ["fast", "balanced", "quality"] as const) {
    const [unit] = await encode({ effort }, { count: 1 });
    assert.ok(unit !== undefined);
    const sps = [...splitAnnexB(unit.data)].find((nal) => ((nal[0] ?? 0) & 0x1f) === 7);
    assert.ok(sps !== undefined);
    assert.equal(sps[1], 66, "profile_idc of baseline (ITU-T H.264, A.2.1)");
    assert.equal((sps[2] ?? 0) & 0x40, 0x40, "constraint_set1_flag");
  }
});

Deno.test("H264: puts SPS and PPS in front of every key frame, and every key frame is an IDR", async () => {
  const units = await encode({}, { count: 20, keys: [7, 13] });
  for (const [index, { data, key }] of units.entries()) {
    const types = nalTypes(data);
    if (!key) {
      assert.ok(types.every((type) => type === 1 || type === 6), `picture ${index}: ${types}`);
      continue;
    }
    assert.ok(types.includes(7) && types.includes(8) && types.includes(5), `picture ${index}: ${types}`);
    assert.ok(types.indexOf(7) < types.indexOf(8) && types.indexOf(8) < types.indexOf(5), `picture ${index}: ${types}`);
  }
});

Deno.test("keeps near the bitrate it was given", async () => {
  for (const codec of ["H264", "VP8"] as const) {
    const converter = new PictureConverter();
    const encoder = new VideoEncoder({ ...SETTINGS, codec, width: 320, height: 240, bitrate: 300_000 });
    let bytes = 0;
    for (let index = 0; index < 75; index++) {
      const picture = i420(320, 240, [128, 128, 128]);
      for (let at = 0; at < 320 * 240; at++) {
        picture.data[at] = 128 +
          60 * Math.sin((at % 320) / 9 + index / 5) * Math.cos(Math.floor(at / 320) / 7 - index / 8);
      }
      const unit = await encoder.encode(await converter.convert(picture), { key: false });
      bytes += unit?.data.length ?? 0;
    }
    await encoder.close();
    await converter.close();
    const bitrate = bytes * 8 / 3;
    assert.ok(bitrate > 30_000 && bitrate < 450_000, `${codec}: ${Math.round(bitrate)} bit/s`);
  }
});

Deno.test("H264: says in the stream whether luma has the full range", async () => {
  for (const fullRange of [false, true]) {
    const units = await encode({ fullRange }, { count: 2 });
    for (const picture of decodeVideo("H264", units.map(({ data }) => data))) {
      assert.equal(picture.fullRange, fullRange);
    }
  }
});

Deno.test("gives data that can be moved away without anything beside it", async () => {
  for (const codec of ["H264", "VP8"] as const) {
    const units = await encode({ codec }, { count: 3 });
    assert.equal(new Set(units.map(({ data }) => data.buffer)).size, 3);
    for (const { data } of units) assert.equal(data.buffer.byteLength, data.length);
  }
});

Deno.test("H264 follows a new bitrate without a key frame, down and up again; VP8 says that it cannot", async () => {
  const settings: VideoEncoderSettings = { ...SETTINGS, width: 320, height: 240, bitrate: 1_500_000 };
  const converter = new PictureConverter();
  const encoder = new VideoEncoder(settings);
  const rates: number[] = [];
  try {
    let picture = 0;
    for (const bitrate of [1_500_000, 300_000, 1_500_000]) {
      if (bitrate !== settings.bitrate || picture > 0) assert.equal(encoder.setBitrate(bitrate), true);
      let bytes = 0;
      for (let index = 0; index < 50; index++) {
        const data = noise(rawPictureBytes("i420", 320, 240), picture++);
        const unit = await encoder.encode(await converter.convert({ format: "i420", width: 320, height: 240, data }), {
          key: false,
        });
        assert.ok(unit !== null && (unit.key === (picture === 1)));
        // The first second of a new rate is for the encoder to find its way.
        if (index >= 25) bytes += unit.data.length;
      }
      rates.push(bytes * 8);
    }
  } finally {
    await encoder.close();
    await converter.close();
  }
  const [before = 0, low = 0, after = 0] = rates;
  assert.ok(before > 1_200_000 && before < 1_800_000, `${before} bit/s`);
  assert.ok(low < 450_000, `${low} bit/s`);
  assert.ok(after > 1_200_000 && after < 1_800_000, `${after} bit/s`);
  const other = new VideoEncoder({ ...SETTINGS, codec: "VP8" });
  assert.equal(other.setBitrate(100_000), false);
  await other.close();
});
