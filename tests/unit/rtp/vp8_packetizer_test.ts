import assert from "node:assert/strict";
import { isVp8KeyFrame, Vp8Packetizer } from "../../../src/rtp/mod.ts";
import { hex, noise } from "../support/bytes.ts";
import { depacketizeVp8 } from "../support/rtp_reader.ts";

Deno.test("cuts a frame into payloads that a receiver puts together again", () => {
  for (const length of [1, 95, 96, 97, 192, 193, 5000]) {
    const frame = noise(length, length);
    const payloads = new Vp8Packetizer(5).packetize(frame, 100);
    const sizes = payloads.map((payload) => payload.length);
    assert.ok(Math.max(...sizes) <= 100, `${length} bytes: a payload of ${Math.max(...sizes)}`);
    assert.equal(sizes.length, Math.ceil(length / 96));
    const read = depacketizeVp8(payloads);
    assert.deepEqual([...read.frame], [...frame]);
    assert.deepEqual(new Set(read.pictureIds), new Set([5]));
  }
});

Deno.test("counts pictures with 15 bits and wraps", () => {
  const packetizer = new Vp8Packetizer(0x7ffe);
  const ids = [1, 2, 3].map(() => depacketizeVp8(packetizer.packetize(noise(250), 100)).pictureIds);
  assert.deepEqual(ids, [[0x7ffe, 0x7ffe, 0x7ffe], [0x7fff, 0x7fff, 0x7fff], [0, 0, 0]]);
});

Deno.test("begins with a picture id of 15 bits when none is given", () => {
  for (let time = 0; time < 20; time++) {
    const [id = -1] = depacketizeVp8(new Vp8Packetizer().packetize(noise(10), 100)).pictureIds;
    assert.ok(id >= 0 && id <= 0x7fff);
  }
});

Deno.test("makes no payload of an empty frame", () => {
  assert.deepEqual(new Vp8Packetizer().packetize(new Uint8Array(0), 100), []);
});

Deno.test("tells key frames by the inverse of the first bit", () => {
  assert.equal(isVp8KeyFrame(hex("50 42 00 9d 01 2a 80 02 68 01")), true);
  assert.equal(isVp8KeyFrame(hex("b1 10 00 07 10 14")), false);
  assert.equal(isVp8KeyFrame(new Uint8Array(0)), false);
});
