import assert from "node:assert/strict";
import { depacketizeH264, depacketizeVp8, H264Packetizer, Vp8Packetizer } from "../../../src/rtp/mod.ts";

const START = [0, 0, 0, 1];

function nal(header: number, length: number): number[] {
  return [header, ...Array.from({ length: length - 1 }, (_, index) => index % 250 + 1)];
}

Deno.test("VP8: puts together what the packetizer cut, and knows a key frame", () => {
  for (const [first, key] of [[0x10, true], [0x11, false]] as const) {
    const frame = Uint8Array.from({ length: 5000 }, (_, index) => index === 0 ? first : index & 0xff);
    const payloads = new Vp8Packetizer(77).packetize(frame, 1000);
    assert.ok(payloads.length > 4);
    assert.deepEqual(depacketizeVp8(payloads), { data: frame, key });
  }
});

Deno.test("VP8: reads descriptors of every length", () => {
  const frame = [0x10, 1, 2, 3];
  for (
    const descriptor of [
      [0x10],
      [0x90, 0x00],
      [0x90, 0x80, 0x11],
      [0x90, 0x80, 0x81, 0x22],
      [0x90, 0xf0, 0x81, 0x22, 0x05, 0x40],
      [0x90, 0x20, 0x40],
    ]
  ) {
    assert.deepEqual(depacketizeVp8([Uint8Array.from([...descriptor, ...frame])])?.data, Uint8Array.from(frame));
  }
});

Deno.test("VP8: makes nothing of a picture whose beginning is missing, or that is cut short", () => {
  const payloads = new Vp8Packetizer(0).packetize(new Uint8Array(3000).fill(0x10), 1000);
  assert.equal(depacketizeVp8(payloads.slice(1)), null);
  assert.equal(depacketizeVp8([Uint8Array.of(0x90, 0x80)]), null);
  assert.equal(depacketizeVp8([new Uint8Array(0)]), null);
  assert.equal(depacketizeVp8([]), null);
});

Deno.test("H.264: puts single units, aggregates and fragments together", () => {
  const unit = Uint8Array.from([
    ...START,
    ...nal(0x67, 20),
    ...START,
    ...nal(0x68, 5),
    ...START,
    ...nal(0x65, 4000),
  ]);
  const payloads = new H264Packetizer().packetize(unit, 1000);
  assert.deepEqual(depacketizeH264(payloads), { data: unit, key: true });
  const delta = Uint8Array.from([...START, ...nal(0x41, 300)]);
  assert.deepEqual(depacketizeH264(new H264Packetizer().packetize(delta, 1000)), { data: delta, key: false });
});

Deno.test("H.264: takes only a picture with its own parameter set for a key frame", () => {
  const idr = Uint8Array.from([...START, ...nal(0x65, 30)]);
  assert.equal(depacketizeH264(new H264Packetizer().packetize(idr, 1000))?.key, false);
});

Deno.test("H.264: makes nothing of fragments without beginning, middle or end, or of other modes", () => {
  const payloads = new H264Packetizer().packetize(Uint8Array.from([...START, ...nal(0x65, 3500)]), 1000);
  assert.ok(payloads.length >= 4);
  assert.equal(depacketizeH264(payloads.slice(1)), null);
  assert.equal(depacketizeH264(payloads.slice(0, -1)), null);
  const [first, , ...rest] = payloads;
  assert.ok(first !== undefined);
  assert.equal(depacketizeH264([first, first, ...rest]), null, "a fragment may not begin twice");
  assert.equal(depacketizeH264([Uint8Array.of(0x7c, 0x85)]), null);
  assert.equal(depacketizeH264([Uint8Array.of(0x78, 0x00, 0x09, 1)]), null, "an aggregate that is cut short");
  assert.equal(depacketizeH264([Uint8Array.of(0x79, 1, 2, 3)]), null, "STAP-B is of another mode");
  assert.equal(depacketizeH264([]), null);
});
