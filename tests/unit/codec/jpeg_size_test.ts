import assert from "node:assert/strict";
import { jpegSize } from "../../../src/codec/mod.ts";
import { StreamError } from "../../../src/errors.ts";
import { concat, hex } from "../support/bytes.ts";
import { jpeg } from "../support/pictures.ts";

const START = hex("ff d8");
const JFIF = hex("ff e0 00 10 4a 46 49 46 00 01 01 00 00 01 00 01 00 00");
const TABLES = concat(hex("ff c4 00 05 01 02 03"), hex("ff db 00 04 00 01"), hex("ff cc 00 04 10 20"));
/** Height 0x0168, width 0x0280. */
const BASELINE = hex("ff c0 00 11 08 01 68 02 80 03 01 22 00 02 11 01 03 11 01");

function refusal(data: Uint8Array): string {
  try {
    jpegSize(data);
  } catch (error) {
    assert.ok(error instanceof StreamError && error.code === "invalid_frame", String(error));
    return error.message;
  }
  assert.fail("it was taken for a JPEG");
}

Deno.test("reads the size of pictures that FFmpeg made", () => {
  for (const [width, height] of [[16, 16], [640, 360], [1279, 721], [4096, 16]] as const) {
    assert.deepEqual(jpegSize(jpeg(width, height, [100, 128, 128]).data), { width, height });
  }
});

Deno.test("finds the frame header behind other segments, fill bytes and a thumbnail", () => {
  const thumbnail = concat(hex("ff e1 00 1b"), hex("ff d8"), BASELINE.map((byte) => byte ^ 1), hex("00 00 00 00"));
  const pictures = [
    concat(START, BASELINE),
    concat(START, JFIF, TABLES, BASELINE),
    concat(START, hex("ff ff ff"), JFIF, hex("ff ff"), BASELINE),
    concat(START, hex("ff 01"), hex("ff d0"), BASELINE),
    concat(START, thumbnail, BASELINE),
  ];
  for (const data of pictures) assert.deepEqual(jpegSize(data), { width: 640, height: 360 }, data.toHex());
});

Deno.test("knows every kind of frame header, progressive ones too", () => {
  for (const marker of [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]) {
    const header = concat(BASELINE);
    header[1] = marker;
    assert.deepEqual(jpegSize(concat(START, header)), { width: 640, height: 360 }, marker.toString(16));
  }
});

Deno.test("refuses what is not a JPEG, with the reason", () => {
  assert.match(refusal(new Uint8Array(0)), /not a JPEG/);
  assert.match(refusal(hex("89 50 4e 47 0d 0a 1a 0a")), /not a JPEG/);
  assert.match(refusal(concat(START, JFIF)), /no frame header/);
  assert.match(refusal(concat(START, hex("00 00"), BASELINE)), /no frame header/);
});

Deno.test("ends on every cut, even on segments that claim no length", () => {
  const whole = concat(START, JFIF, TABLES, BASELINE);
  for (let length = 0; length < whole.length - 10; length++) refusal(whole.subarray(0, length));
  refusal(concat(START, hex("ff e0 00 00 ff e0 00 00 ff e0 00 00"), new Uint8Array(40)));
});
