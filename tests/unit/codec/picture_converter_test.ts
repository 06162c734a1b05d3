import assert from "node:assert/strict";
import { AV_PIX_FMT_YUV420P } from "node-av/constants";
import { isFullRange, PictureConverter } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import type { JpegPicture, RawPicture } from "../../../src/media/mod.ts";
import { noise } from "../support/bytes.ts";
import { OpenContexts } from "../support/open_contexts.ts";
import {
  assertNear,
  type DecodedPicture,
  detailedJpeg,
  i420,
  jpeg,
  readFrame,
  rgba,
  type Yuv,
} from "../support/pictures.ts";

/** Converts pictures one after the other with one converter. */
async function convert(...pictures: readonly (JpegPicture | RawPicture)[]): Promise<DecodedPicture[]> {
  const converter = new PictureConverter();
  try {
    const converted: DecodedPicture[] = [];
    for (const picture of pictures) {
      const frame = await converter.convert(picture);
      assert.equal(frame.format, AV_PIX_FMT_YUV420P);
      converted.push(readFrame(frame));
    }
    return converted;
  } finally {
    await converter.close();
  }
}

async function refusal(picture: JpegPicture | RawPicture): Promise<string> {
  const error: unknown = await convert(picture).then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof StreamError, `not refused: ${String(error)}`);
  assert.equal(error.code, "invalid_frame");
  return error.message;
}

/** ITU-R BT.601 with 8 bits, limited range: 16–235 for Y, 16–240 for U and V. */
function bt601([r, g, b]: readonly [number, number, number]): Yuv {
  const luma = (0.299 * r + 0.587 * g + 0.114 * b) / 255;
  return [16 + 219 * luma, 128 + 224 * (b / 255 - luma) / 1.772, 128 + 224 * (r / 255 - luma) / 1.402];
}

const COLORS = {
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
  white: [255, 255, 255],
  black: [0, 0, 0],
  skin: [224, 172, 105],
} as const;

Deno.test("turns RGBA into BT.601 in limited range", async () => {
  assertNear(bt601(COLORS.red), [81.5, 90.2, 240], 0.1, "the formula itself, for red");
  for (const [name, color] of Object.entries(COLORS)) {
    const [picture] = await convert(rgba(64, 48, color));
    assert.ok(picture !== undefined);
    assert.deepEqual([picture.width, picture.height], [64, 48]);
    assertNear(picture.mean(), bt601(color), 2, name);
  }
});

Deno.test("turns JPEG, which has full range, into the same colours", async () => {
  for (const [name, color] of Object.entries(COLORS)) {
    const [y, u, v] = bt601(color);
    const full: Yuv = [(y - 16) * 255 / 219, 128 + (u - 128) * 255 / 224, 128 + (v - 128) * 255 / 224];
    const clipped = full.map((value) => Math.max(0, Math.min(255, Math.round(value))));
    const [picture] = await convert(jpeg(64, 48, [clipped[0] ?? 0, clipped[1] ?? 0, clipped[2] ?? 0]));
    assert.ok(picture !== undefined);
    assertNear(picture.mean(), [y, u, v], 3, name);
  }
});

Deno.test("keeps left and right where they are", async () => {
  const [picture] = await convert(rgba(128, 32, COLORS.red, COLORS.blue));
  assert.ok(picture !== undefined);
  assertNear(picture.mean({ left: 0, top: 0, right: 0.45, bottom: 1 }), bt601(COLORS.red), 2, "left");
  assertNear(picture.mean({ left: 0.55, top: 0, right: 1, bottom: 1 }), bt601(COLORS.blue), 2, "right");
});

Deno.test("passes I420 of even size on byte by byte, padded rows or not", async () => {
  for (const [width, height] of [[16, 16], [64, 48], [66, 50], [1000, 18]] as const) {
    const source = i420(width, height, [0, 0, 0]);
    source.data.set(noise(source.data.length, width));
    const converter = new PictureConverter();
    const frame = await converter.convert(source);
    const rows: Uint8Array[] = [];
    for (const [index, share] of [1, 2, 2].entries()) {
      const plane = frame.data?.[index];
      const stride = frame.linesize[index];
      assert.ok(plane !== undefined && stride !== undefined);
      for (let row = 0; row < height / share; row++) rows.push(plane.slice(row * stride, row * stride + width / share));
    }
    assert.equal(Buffer.compare(Buffer.concat(rows), source.data), 0, `${width}x${height}`);
    await converter.close();
  }
});

Deno.test("cuts the last column and row of odd sizes, whatever the format", async () => {
  const red = bt601(COLORS.red);
  const [y, u, v] = red.map(Math.round);
  const pictures = [
    rgba(65, 49, COLORS.red),
    i420(65, 49, [y ?? 0, u ?? 0, v ?? 0]),
    jpeg(65, 49, [76, 85, 255]),
    rgba(64, 49, COLORS.red),
    i420(65, 48, [y ?? 0, u ?? 0, v ?? 0]),
    i420(64, 49, [y ?? 0, u ?? 0, v ?? 0]),
    rgba(17, 17, COLORS.red),
  ];
  for (const [index, picture] of (await convert(...pictures)).entries()) {
    assert.deepEqual([picture.width, picture.height], index === 6 ? [16, 16] : [64, 48], `picture ${index}`);
    assertNear(picture.mean(), red, 3, `picture ${index}`);
  }
});

Deno.test("does not mix the columns of odd I420 pictures", async () => {
  const source = i420(65, 49, [0, 128, 128]);
  for (let at = 0; at < 65 * 49; at++) source.data[at] = at % 65 < 32 ? 40 : 200;
  const [picture] = await convert(source);
  assert.ok(picture !== undefined);
  assertNear(picture.mean({ left: 0, top: 0, right: 0.45, bottom: 1 }), [40, 128, 128], 2, "left");
  assertNear(picture.mean({ left: 0.55, top: 0, right: 1, bottom: 1 }), [200, 128, 128], 2, "right");
});

Deno.test("takes pictures of changing size and format one after the other", async () => {
  const sizes = [[64, 48], [32, 32], [64, 48], [320, 180]] as const;
  const pictures = sizes.flatMap(([width, height]) => [
    rgba(width, height, COLORS.green),
    jpeg(width, height, [150, 44, 21]),
    i420(width, height, [145, 54, 34]),
  ]);
  for (const [index, picture] of (await convert(...pictures)).entries()) {
    assert.deepEqual([picture.width, picture.height], sizes[Math.floor(index / 3)]);
    assertNear(picture.mean(), bt601(COLORS.green), 3, `picture ${index}`);
  }
});

Deno.test("takes the smallest and refuses what is smaller or larger than the largest", async () => {
  const [smallest] = await convert(rgba(16, 16, COLORS.red));
  assert.equal(smallest?.width, 16);
  assert.match(
    await refusal({ format: "rgba", data: new Uint8Array(0), width: 15, height: 16 }),
    /15x16 is out of range/,
  );
  assert.match(await refusal({ format: "i420", data: new Uint8Array(0), width: 4097, height: 16 }), /4097x16/);
  assert.match(await refusal({ format: "rgba", data: new Uint8Array(0), width: 16, height: 100_000 }), /16x100000/);
});

Deno.test("reads the size of a JPEG before it decodes anything", async () => {
  const { data } = jpeg(64, 48, [100, 128, 128]);
  const at = data.findIndex((byte, index) => byte === 0xff && data[index + 1] === 0xc0);
  data.set([0xff, 0xff, 0xff, 0xff], at + 5);
  assert.match(await refusal({ format: "jpeg", data }), /65535x65535 is out of range/);
  data.set([0, 8, 0, 8], at + 5);
  assert.match(await refusal({ format: "jpeg", data }), /8x8 is out of range/);
});

Deno.test("refuses raw pictures of the wrong length and says the right one", async () => {
  for (const off of [-1, 1, -64]) {
    const { data } = rgba(64, 48, COLORS.red);
    const wrong = new Uint8Array(data.length + off);
    assert.match(await refusal({ format: "rgba", data: wrong, width: 64, height: 48 }), /64x48 takes 12288 bytes, got/);
  }
  assert.match(
    await refusal({ format: "i420", data: new Uint8Array(65 * 49), width: 65, height: 49 }),
    /takes 4835 bytes/,
  );
});

Deno.test("refuses a JPEG that was cut off, and takes the next one", async () => {
  const { data } = detailedJpeg(320, 240);
  const converter = new PictureConverter();
  for (const share of [0.02, 0.1, 0.3, 0.6, 0.9]) {
    const cut = data.subarray(0, Math.floor(data.length * share));
    await assert.rejects(converter.convert({ format: "jpeg", data: cut }), (error) => {
      return error instanceof StreamError && error.code === "invalid_frame";
    }, `the first ${share * 100} % of it`);
  }
  const frame = await converter.convert(jpeg(320, 240, [100, 90, 200]));
  assertNear(readFrame(frame).mean(), [102, 95, 191], 4);
  await converter.close();
});

Deno.test("refuses a JPEG whose tables are damaged, and takes the next one", async () => {
  const { data } = detailedJpeg(320, 240);
  const tables = data.findIndex((byte, index) => byte === 0xff && data[index + 1] === 0xc4);
  const broken = data.slice();
  broken.fill(0xee, tables + 5, tables + 25);
  assert.match(await refusal({ format: "jpeg", data: broken }), /JPEG/);
});

Deno.test("frees all it has opened, and refuses what comes after it was closed", async () => {
  using contexts = new OpenContexts();
  const converter = new PictureConverter();
  const running = converter.convert(jpeg(640, 480, [100, 128, 128]));
  await converter.close();
  await running.then(() => undefined, () => undefined);
  assert.equal(contexts.count, 0);
  await assert.rejects(converter.convert(rgba(64, 48, COLORS.red)), StreamError);
  await converter.close();
});

Deno.test("keeps the full range of JPEG pictures where that is wanted, and says so", async () => {
  const full: Yuv = [200, 100, 160];
  const converter = new PictureConverter({ keepFullRange: true });
  const kept = await converter.convert(jpeg(64, 48, full));
  assert.equal(isFullRange(kept), true);
  assert.equal(kept.format, AV_PIX_FMT_YUV420P);
  assertNear(readFrame(kept).mean(), full, 2);
  for (
    const picture of [jpeg(65, 48, full), jpeg(64, 49, full), rgba(64, 48, COLORS.red), i420(64, 48, [100, 90, 80])]
  ) {
    const frame = await converter.convert(picture);
    assert.equal(isFullRange(frame), false, "what is converted anyway, or came in limited range, has limited range");
    if (picture.format === "jpeg") assertNear(readFrame(frame).mean(), [187.8, 103.4, 156.1], 3);
  }
  assertNear(readFrame(await converter.convert(jpeg(64, 48, full))).mean(), full, 2, "again");
  await converter.close();
});
