import assert from "node:assert/strict";
import { H264Packetizer, isH264KeyFrame, MAX_RTP_PAYLOAD, splitAnnexB } from "../../../src/rtp/mod.ts";
import { concat, hex, noise } from "../support/bytes.ts";
import { depacketizeH264 } from "../support/rtp_reader.ts";

const LONG = hex("00 00 00 01");
const SHORT = hex("00 00 01");
const SPS = hex("67 42 c0 1f da 01 40 16 e9 b8");
const PPS = hex("68 ce 3c 80 11");
const SEI = hex("06 05 04 de ad be ef 80");

function slice(header: number, length: number, seed = 1): Uint8Array {
  return concat(Uint8Array.of(header), noise(length - 1, seed));
}

function plain(nals: Iterable<Uint8Array>): number[][] {
  return [...nals].map((nal) => [...nal]);
}

Deno.test("splits three- and four-byte start codes alike", () => {
  const idr = slice(0x65, 40);
  const nals = splitAnnexB(concat(LONG, SPS, SHORT, PPS, LONG, idr));
  assert.deepEqual(plain(nals), plain([SPS, PPS, idr]));
});

Deno.test("leaves trailing zeros to the start code and emulation prevention to the unit", () => {
  const nal = hex("65 88 00 00 03 01 00 00 03 00 ff");
  const nals = splitAnnexB(concat(hex("00 00 00 00 01"), nal, hex("00 00 00 00 01"), PPS, hex("00 00")));
  assert.deepEqual(plain(nals), plain([nal, PPS]));
});

Deno.test("finds no unit in bytes without a start code", () => {
  assert.deepEqual(plain(splitAnnexB(hex("65 88 84 01 00 01 22"))), []);
  assert.deepEqual(plain(splitAnnexB(new Uint8Array(0))), []);
  assert.deepEqual(plain(splitAnnexB(hex("00 00 01"))), []);
});

Deno.test("calls an access unit with an IDR slice a key frame, and no other", () => {
  assert.equal(isH264KeyFrame(concat(LONG, SPS, LONG, PPS, LONG, slice(0x65, 9))), true);
  assert.equal(isH264KeyFrame(concat(SHORT, slice(0x25, 9))), true);
  assert.equal(isH264KeyFrame(concat(LONG, slice(0x41, 9))), false);
  assert.equal(isH264KeyFrame(concat(LONG, SPS, LONG, PPS)), false);
  assert.equal(isH264KeyFrame(slice(0x65, 9)), false);
});

Deno.test("puts parameter sets into one STAP-A with the highest NRI and sends a small slice as it is", () => {
  const quietSps = concat(hex("27"), SPS.subarray(1));
  const idr = slice(0x65, 300);
  const payloads = new H264Packetizer().packetize(concat(LONG, quietSps, LONG, PPS, LONG, SEI, LONG, idr), 1158);
  assert.equal(payloads.length, 2);
  assert.equal(payloads[0]?.[0], 0x78, "type 24 with the NRI 3 of the picture parameter set");
  assert.deepEqual(plain(depacketizeH264(payloads)), plain([quietSps, PPS, SEI, idr]));
});

Deno.test("does not aggregate a parameter set that stands alone", () => {
  const payloads = new H264Packetizer().packetize(concat(LONG, PPS, LONG, slice(0x41, 20)), 1158);
  assert.deepEqual(plain(payloads)[0], [...PPS]);
});

Deno.test("fragments whatever is larger than a payload, never over the limit and about evenly", () => {
  for (const max of [100, 1158]) {
    for (const length of [max, max + 1, 2 * max, 3 * (max - 2) + 1, 3 * (max - 2) + 2, 20_011]) {
      const idr = slice(0x65, length, length);
      const payloads = new H264Packetizer().packetize(concat(LONG, SPS, LONG, PPS, LONG, idr), max);
      const sizes = payloads.slice(1).map((payload) => payload.length);
      assert.ok(Math.max(...sizes) <= max, `${length} bytes: a payload of ${Math.max(...sizes)} is over ${max}`);
      assert.equal(sizes.length, length <= max ? 1 : Math.ceil((length - 1) / (max - 2)), `packets of ${length} bytes`);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= sizes.length, `uneven: ${sizes}`);
      assert.deepEqual(plain(depacketizeH264(payloads)), plain([SPS, PPS, idr]), `${length} bytes over ${max}`);
    }
  }
});

Deno.test("keeps NRI and type of a fragmented unit", () => {
  const [first, second] = new H264Packetizer().packetize(concat(LONG, slice(0x41, 150)), 100);
  assert.deepEqual([first?.[0], first?.[1]], [0x5c, 0x81]);
  assert.deepEqual([second?.[0], second?.[1]], [0x5c, 0x41]);
});

Deno.test("keeps the order of units when parameter sets do not fit into one packet", () => {
  const big = concat(hex("06"), noise(70, 7));
  const bigger = concat(hex("06"), noise(400, 8));
  const idr = slice(0x65, 60);
  const payloads = new H264Packetizer().packetize(
    concat(LONG, SPS, LONG, PPS, LONG, big, LONG, bigger, LONG, SEI, LONG, idr),
    100,
  );
  for (const payload of payloads) assert.ok(payload.length <= 100, `a payload has ${payload.length} bytes`);
  assert.deepEqual(plain(depacketizeH264(payloads)), plain([SPS, PPS, big, bigger, SEI, idr]));
});

Deno.test("leaves access unit delimiters and filler out", () => {
  const idr = slice(0x65, 50);
  const unit = concat(LONG, hex("09 10"), LONG, SPS, LONG, PPS, LONG, idr, LONG, hex("0c ff ff 80"));
  assert.deepEqual(plain(depacketizeH264(new H264Packetizer().packetize(unit, 1158))), plain([SPS, PPS, idr]));
});

Deno.test("makes no payload of an empty access unit or of empty units", () => {
  const packetizer = new H264Packetizer();
  assert.deepEqual(packetizer.packetize(new Uint8Array(0), 1158), []);
  const idr = slice(0x65, 50);
  assert.deepEqual(plain(packetizer.packetize(concat(LONG, LONG, idr), 1158)), plain([idr]));
});

Deno.test("keeps a full packet within 1200 bytes of UDP with header, extensions, tag and retransmission number", () => {
  assert.ok(MAX_RTP_PAYLOAD + 12 + 12 + 16 + 2 <= 1200);
  assert.ok(MAX_RTP_PAYLOAD > 1100);
});

Deno.test("aggregates as much as one payload holds, to the last byte", () => {
  const sei = (length: number, seed: number) => concat(hex("06"), noise(length - 1, seed));
  const packetsOf = (...lengths: readonly number[]) => {
    const nals = lengths.map((length, index) => sei(length, index + 1));
    const payloads = new H264Packetizer().packetize(concat(...nals.flatMap((nal) => [LONG, nal])), 100);
    for (const payload of payloads) {
      assert.ok(payload.length <= 100, `${lengths}: a payload of ${payload.length} bytes`);
    }
    assert.deepEqual(plain(depacketizeH264(payloads)), plain(nals), `${lengths}`);
    return payloads.map((payload) => payload.length);
  };
  assert.deepEqual(packetsOf(48, 47), [100], "one byte of header, two for each size");
  assert.deepEqual(packetsOf(48, 48), [48, 48]);
  assert.deepEqual(packetsOf(40, 40, 40, 40, 40), [85, 85, 40]);
  assert.deepEqual(packetsOf(97, 30), [97, 30]);
  assert.deepEqual(packetsOf(98, 99, 100), [98, 99, 100]);
});
