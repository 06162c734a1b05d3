import assert from "node:assert/strict";
import {
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  FF_ENCODER_LIBX264,
} from "node-av/constants";
import { Codec, CodecContext, Frame, Packet, Rational } from "node-av/lib";
import { type DecodedFormat, PictureConverter, VideoDecoder, VideoEncoder } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import type { RawPicture, VideoCodec } from "../../../src/media/mod.ts";
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
const GREEN_RGB: Yuv = [0, 255, 0];

async function encodePicture(codec: VideoCodec, picture: RawPicture): Promise<Uint8Array> {
  const { width, height } = picture;
  const converter = new PictureConverter();
  const encoder = new VideoEncoder({ codec, width, height, fps: 25, bitrate: 2_000_000, effort: "quality" });
  const unit = await encoder.encode(await converter.convert(picture), { key: true });
  assert.ok(unit !== null);
  await encoder.close();
  await converter.close();
  return unit.data;
}

/** A key frame of 160x120 whose headers say BT.709, as some cameras send it. */
function encodeBt709([y, u, v]: Yuv): Uint8Array {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264);
  assert.ok(codec !== null);
  using context = new CodecContext();
  context.allocContext3(codec);
  using frame = new Frame();
  frame.alloc();
  for (const target of [context, frame]) {
    target.width = 160;
    target.height = 120;
    target.colorRange = AVCOL_RANGE_MPEG;
    target.colorSpace = AVCOL_SPC_BT709;
    target.colorPrimaries = AVCOL_PRI_BT709;
    target.colorTrc = AVCOL_TRC_BT709;
  }
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  frame.format = AV_PIX_FMT_YUV420P;
  context.timeBase = new Rational(1, 25);
  assert.ok(context.setOption("tune", "zerolatency") >= 0 && context.open2Sync(codec, null) >= 0);
  assert.ok(frame.getBuffer(0) >= 0);
  for (const [plane, value] of [y, u, v].entries()) frame.data?.[plane]?.fill(value);
  using packet = new Packet();
  packet.alloc();
  assert.ok(context.sendFrameSync(frame) >= 0 && context.receivePacketSync(packet) >= 0);
  return Uint8Array.from(packet.data ?? []);
}

/** Black on the left, white on the right. */
function halves(width: number, height: number): RawPicture {
  const picture = i420(width, height, [16, 128, 128]);
  for (let row = 0; row < height; row++) picture.data.fill(235, row * width + width / 2, (row + 1) * width);
  return picture;
}

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

  Deno.test(`${codec}: what is left stays left when it is scaled`, async () => {
    const unit = await encodePicture(codec, halves(160, 120));
    for (const format of ["rgba", "i420"] as const) {
      const decoder = new VideoDecoder({ codec, format: { format, width: 64, height: 32 } });
      await decoder.decode(unit);
      const { data } = await decoder.picture();
      assert.equal(data.length, 64 * 32 * (format === "rgba" ? 4 : 1.5));
      for (const row of [0, 16, 31]) {
        const [left, right] = [8, 56].map((column) => data[(row * 64 + column) * (format === "rgba" ? 4 : 1)] ?? -1);
        const [dark, bright] = format === "rgba" ? [0, 255] : [16, 235];
        assert.ok(Math.abs((left ?? -1) - dark) < 8 && Math.abs((right ?? -1) - bright) < 8, `${left}, ${right}`);
      }
      await decoder.close();
    }
  });

  Deno.test(`${codec}: follows the stream when its size changes`, async () => {
    const large = await encodePicture(codec, i420(160, 120, GREEN));
    const small = await encodePicture(codec, i420(80, 40, GREY));
    const asIs = new VideoDecoder({ codec, format: RGBA });
    const fixed = new VideoDecoder({ codec, format: { format: "rgba", width: 64, height: 64 } });
    for (
      const [unit, color, ...size] of [[large, GREEN_RGB, 160, 120], [small, GREY, 80, 40], [
        large,
        GREEN_RGB,
        160,
        120,
      ]] as const
    ) {
      await asIs.decode(unit);
      await fixed.decode(unit);
      const picture = await asIs.picture();
      assert.deepEqual([picture.width, picture.height], size);
      assert.equal(picture.data.length, picture.width * picture.height * 4);
      for (const { data } of [picture, await fixed.picture()]) {
        assertNear([...data.slice(-4, -1)] as unknown as Yuv, color, 16);
      }
    }
    await asIs.close();
    await fixed.close();
  });

  Deno.test(`${codec}: a damaged unit is an error, shows nothing, and the next key frame decodes`, async () => {
    const units = await encode(codec, { colors: [GREY, GREY, GREEN], keys: [0, 2] });
    const decoder = new VideoDecoder({ codec, format: RGBA });
    await decoder.decode(units[0] as Uint8Array);
    const garbage = codec === "H264"
      ? Uint8Array.of(0, 0, 0, 1, 0x65, 1, 2, 3)
      : Uint8Array.of(0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7);
    const cut = units[2]?.subarray(0, codec === "H264" ? units[2].length - 8 : 12) as Uint8Array;
    for (const broken of [garbage, cut, new Uint8Array()]) {
      await assert.rejects(decoder.decode(broken), (error) => error instanceof StreamError);
      const { data } = await decoder.picture();
      assertNear([...data.slice(0, 3)] as unknown as Yuv, [130, 130, 130], 6, "the picture before it");
    }
    assert.equal(await decoder.decode(units[2] as Uint8Array), true);
    const { data } = await decoder.picture();
    assertNear([data[0], data[1], data[2]] as unknown as Yuv, [0, 255, 0], 16);
    await decoder.close();
  });
}

Deno.test("H264: BT.709 comes out in the colours that it says, in every format", async () => {
  const unit = encodeBt709([173, 42, 26]);
  for (const format of ["rgba", "i420", "jpeg"] as const) {
    const decoder = new VideoDecoder({ codec: "H264", format: { ...RGBA, format } });
    await decoder.decode(unit);
    const { data } = await decoder.picture();
    if (format === "rgba") assertNear([...data.slice(0, 3)] as unknown as Yuv, GREEN_RGB, 8);
    else if (format === "i420") assertNear([data[0], data[160 * 120], data.at(-1)] as unknown as Yuv, GREEN, 4);
    else assertNear(decodeJpegs([data])[0]?.mean() ?? GREY, [150, 44, 21], 4);
    await decoder.close();
  }
});

Deno.test("H264: a unit of which a slice does not decode is not patched up", async () => {
  const units = await encode("H264", { colors: [GREY, GREEN, GREY], keys: [0] });
  const decoder = new VideoDecoder({ codec: "H264", format: RGBA });
  await decoder.decode(units[0] as Uint8Array);
  const cut = units[1]?.subarray(0, units[1].length >> 1) as Uint8Array;
  await assert.rejects(decoder.decode(cut), /damaged|does not decode/);
  await decoder.close();
});

Deno.test("VP8: a frame that is not to be shown gives no picture and leaves the one before it", async () => {
  const [first, second] = await encode("VP8", { colors: [GREEN, GREY] });
  const decoder = new VideoDecoder({ codec: "VP8", format: RGBA });
  await decoder.decode(first as Uint8Array);
  const hidden = Uint8Array.from(second as Uint8Array, (byte, index) => index === 0 ? byte & ~0x10 : byte);
  assert.equal(await decoder.decode(hidden), false);
  const { data } = await decoder.picture();
  assertNear([...data.slice(0, 3)] as unknown as Yuv, GREEN_RGB, 16);
  await decoder.close();
});

Deno.test("VP8: takes no memory for a picture beyond the largest size", async () => {
  const [unit] = await encode("VP8", { colors: [GREY] });
  const huge = Uint8Array.from(unit as Uint8Array);
  huge.set([0xff, 0x3f, 0xff, 0x3f], 6);
  const decoder = new VideoDecoder({ codec: "VP8", format: RGBA });
  await assert.rejects(decoder.decode(huge), (error) => error instanceof StreamError);
  await assert.rejects(decoder.picture(), /no picture was decoded yet/);
  assert.equal(await decoder.decode(unit as Uint8Array), true);
  await decoder.close();
});

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
