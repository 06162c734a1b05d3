import assert from "node:assert/strict";
import { type DecodedFormat, PictureConverter, VideoDecoder, VideoEncoder } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import type { VideoCodec } from "../../../src/media/mod.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import { assertNear, decodeJpegs, i420, type Yuv } from "../support/pictures.ts";

const RGBA: DecodedFormat = { format: "rgba", width: undefined, height: undefined };

/** Encodes plain pictures; key frames at these places. */
async function encode(codec: VideoCodec, { colors, keys = [0] }: { colors: readonly Yuv[]; keys?: readonly number[] }) {
  const converter = new PictureConverter();
  const encoder = new VideoEncoder({ codec, width: 160, height: 120, fps: 25, bitrate: 400_000, effort: "balanced" });
  const units: Uint8Array[] = [];
  for (const [index, color] of colors.entries()) {
    const unit = await encoder.encode(await converter.convert(i420(160, 120, color)), { key: keys.includes(index) });
    assert.ok(unit !== null);
    units.push(unit.data);
  }
  await encoder.close();
  await converter.close();
  return units;
}

const GREY: Yuv = [128, 128, 128];
const GREEN: Yuv = [145, 54, 34];

for (const codec of ["H264", "VP8"] as const) {
  Deno.test(`${codec}: gives pictures of the right colour in every format, in buffers of their own`, async () => {
    using contexts = new OpenContexts();
    const [unit] = await encode(codec, { colors: [GREEN] });
    assert.ok(unit !== undefined);
    for (const format of ["rgba", "i420", "jpeg"] as const) {
      const decoder = new VideoDecoder({ codec, format: { ...RGBA, format } });
      assert.equal(await decoder.decode(unit), true);
      const picture = await decoder.picture();
      const { data } = picture;
      assert.deepEqual([picture.format, picture.width, picture.height], [format, 160, 120]);
      assert.equal(data.byteLength, data.buffer.byteLength);
      if (format === "rgba") assertNear([data[0], data[1], data[2]] as unknown as Yuv, [0, 255, 0], 16);
      else if (format === "i420") assertNear([data[0], data[160 * 120], data.at(-1)] as unknown as Yuv, GREEN, 6);
      else assertNear(decodeJpegs([data])[0]?.mean() ?? GREY, [150, 44, 21], 8, "JPEG is full range");
      await decoder.close();
    }
    assert.equal(contexts.count, 0);
  });

  Deno.test(`${codec}: scales to what was asked for and keeps the ratio when one side is given`, async () => {
    const [unit] = await encode(codec, { colors: [GREY] });
    assert.ok(unit !== undefined);
    for (
      const [width, height, expected] of [[80, undefined, [80, 60]], [undefined, 60, [80, 60]], [64, 64, [
        64,
        64,
      ]]] as const
    ) {
      const decoder = new VideoDecoder({ codec, format: { format: "rgba", width, height } });
      await decoder.decode(unit);
      const picture = await decoder.picture();
      assert.deepEqual([picture.width, picture.height], expected);
      assert.equal(picture.data.length, picture.width * picture.height * 4);
      await decoder.close();
    }
  });

  Deno.test(`${codec}: a damaged unit is an error, and the next key frame decodes`, async () => {
    const units = await encode(codec, { colors: [GREY, GREY, GREEN], keys: [0, 2] });
    const decoder = new VideoDecoder({ codec, format: RGBA });
    await decoder.decode(units[0] as Uint8Array);
    const broken = codec === "H264"
      ? Uint8Array.of(0, 0, 0, 1, 0x65, 1, 2, 3)
      : Uint8Array.of(0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7);
    await assert.rejects(decoder.decode(broken), (error) => error instanceof StreamError);
    assert.equal(await decoder.decode(units[2] as Uint8Array), true);
    const { data } = await decoder.picture();
    assertNear([data[0], data[1], data[2]] as unknown as Yuv, [0, 255, 0], 16);
    await decoder.close();
  });
}

Deno.test("waits with closing for what runs, and refuses what comes after", async () => {
  using contexts = new OpenContexts();
  const [unit] = await encode("VP8", { colors: [GREY] });
  const decoder = new VideoDecoder({ codec: "VP8", format: RGBA });
  const decoding = decoder.decode(unit as Uint8Array);
  for (let turn = 0; turn < 3; turn++) await Promise.resolve();
  await decoder.close();
  assert.equal(await decoding, true);
  await assert.rejects(decoder.decode(unit as Uint8Array), /closed/);
  assert.equal(contexts.count, 0);
});
