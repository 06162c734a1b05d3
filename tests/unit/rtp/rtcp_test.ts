import assert from "node:assert/strict";
import { compactNtp, ntpTime, readRtcp, writeSenderReport } from "../../../src/rtp/mod.ts";
import { concat, hex } from "../support/bytes.ts";

/** RFC 3550, section 6.4.2: SSRC 1 reports on SSRC 0x11223344. */
const RECEIVER_REPORT = hex(`
  81 c9 00 07  00 00 00 01
  11 22 33 44  40 00 00 0a  00 01 00 ff  00 00 01 2c  b4 4d b7 05  00 01 80 00`);

/** RFC 3550, section 6.4.1: a sender report with one report block. */
const SENDER_REPORT = hex(`
  81 c8 00 0c  aa bb cc dd  e8 00 00 00  80 00 00 00  00 01 5f 90  00 00 00 10  00 00 30 39
  11 22 33 44  ff ff ff fe  00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00`);

/** RFC 4585, section 6.2.1: 0x1000, then bits 0, 2 and 15; and 0xffff with the one behind it. */
const NACK = hex("81 cd 00 04  00 00 00 01  11 22 33 44  10 00 80 05  ff ff 00 01");
/** RFC 4585, section 6.3.1. */
const PLI = hex("81 ce 00 02  00 00 00 01  11 22 33 44");
/** RFC 5104, section 4.3.1.1: the media SSRC of the header is 0, the entries name the streams. */
const FIR = hex("84 ce 00 06  00 00 00 01  00 00 00 00  11 22 33 44  07 00 00 00  55 66 77 88  ff 00 00 00");
/** draft-alvestrand-rmcat-remb-03: 0x15555 << 5. */
const REMB = hex(
  "8f ce 00 06  00 00 00 01  00 00 00 00  52 45 4d 42  02 15 55 55  11 22 33 44  55 66 77 88",
);
/** RFC 3550, section 6.6. */
const BYE = hex("81 cb 00 01  aa bb cc dd");
/** Transport-wide feedback: packet 1 arrived. */
const TRANSPORT_WIDE = hex("8f cd 00 05  00 00 00 01  11 22 33 44  00 01 00 01  00 00 00 00  20 01 00 00");
const EMPTY_REPORT = hex("80 c9 00 01  00 00 00 01");

Deno.test("reads the report block of a receiver report", () => {
  assert.deepEqual(readRtcp(RECEIVER_REPORT), [{
    kind: "report",
    block: {
      ssrc: 0x11223344,
      fractionLost: 0.25,
      packetsLost: 10,
      jitter: 300,
      lastReport: 0xb44db705,
      delaySinceLastReport: 1.5,
    },
  }]);
});

Deno.test("reads report blocks behind sender information, with a negative loss and full fraction", () => {
  const [own, reading, ...rest] = readRtcp(SENDER_REPORT);
  assert.equal(own?.kind, "sender_report");
  assert.deepEqual(rest, []);
  assert.ok(reading?.kind === "report");
  assert.equal(reading.block.ssrc, 0x11223344);
  assert.equal(reading.block.packetsLost, -2);
  assert.equal(reading.block.fractionLost, 255 / 256);
});

Deno.test("reads every block of a report", () => {
  const second = concat(hex("55 66 77 88"), RECEIVER_REPORT.subarray(12));
  const data = concat(hex("82 c9 00 0d  00 00 00 01"), RECEIVER_REPORT.subarray(8), second);
  assert.deepEqual(readRtcp(data).map((one) => one.kind === "report" && one.block.ssrc), [0x11223344, 0x55667788]);
});

Deno.test("reads packet id and mask of a NACK, across the wrap", () => {
  assert.deepEqual(readRtcp(NACK), [
    { kind: "nack", mediaSsrc: 0x11223344, lost: [0x1000, 0x1001, 0x1003, 0x1010, 0xffff, 0] },
  ]);
});

Deno.test("reads picture loss, full intra request and receiver estimate", () => {
  assert.deepEqual(readRtcp(PLI), [{ kind: "pli", mediaSsrc: 0x11223344 }]);
  assert.deepEqual(readRtcp(FIR), [
    { kind: "fir", mediaSsrc: 0x11223344, sequence: 7 },
    { kind: "fir", mediaSsrc: 0x55667788, sequence: 255 },
  ]);
  assert.deepEqual(readRtcp(REMB), [{ kind: "remb", bitrate: 0x15555 * 32, ssrcs: [0x11223344, 0x55667788] }]);
});

Deno.test("reads an estimate beyond 32 bits", () => {
  const data = concat(REMB);
  data.set(hex("ff ff ff"), 17);
  assert.deepEqual(readRtcp(data)[0], { kind: "remb", bitrate: 0x3ffff * 2 ** 63, ssrcs: [0x11223344, 0x55667788] });
});

Deno.test("reads the parts of a compound packet in order and passes over what it does not know", () => {
  const sdes = hex("81 ca 00 02  00 00 00 01  01 01 61 00");
  const parts = [RECEIVER_REPORT, sdes, TRANSPORT_WIDE, NACK, EMPTY_REPORT, PLI, BYE];
  const kinds = readRtcp(concat(...parts)).map((one) => one.kind);
  assert.deepEqual(kinds, ["report", "transport_feedback", "nack", "pli", "bye"]);
});

Deno.test("reads packets that begin anywhere in a buffer", () => {
  const padded = concat(hex("ff ff ff"), PLI);
  assert.deepEqual(readRtcp(padded.subarray(3)), [{ kind: "pli", mediaSsrc: 0x11223344 }]);
});

Deno.test("stops at the first part that is cut short and keeps what came before", () => {
  for (let length = PLI.length; length < PLI.length + NACK.length; length++) {
    assert.deepEqual(
      readRtcp(concat(PLI, NACK).subarray(0, length)).map((one) => one.kind),
      ["pli"],
      `${length} bytes`,
    );
  }
});

Deno.test("survives every length field, count and cut, whatever it says", () => {
  for (const packet of [RECEIVER_REPORT, SENDER_REPORT, NACK, PLI, FIR, REMB, BYE, TRANSPORT_WIDE]) {
    for (let words = 0; words <= packet.length / 4; words++) {
      for (let length = 0; length <= packet.length; length++) {
        const data = concat(packet).subarray(0, length);
        if (length >= 4) data.set([0, words], 2);
        assert.doesNotThrow(
          () => readRtcp(data),
          `${packet.subarray(0, 2).toHex()} that says ${words} words and has ${length} bytes`,
        );
      }
    }
  }
});

Deno.test("does not take padding for lost packets", () => {
  const padded = concat(NACK, hex("00 00 00 04"));
  padded.set([0xa1], 0);
  padded.set([5], 3);
  assert.deepEqual(readRtcp(padded), readRtcp(NACK));
});

Deno.test("says goodbye for nobody when a BYE names nobody", () => {
  assert.deepEqual(readRtcp(concat(hex("80 cb 00 00"), PLI)), [{ kind: "pli", mediaSsrc: 0x11223344 }]);
});

Deno.test("writes a sender report with its canonical name, as RFC 3550 draws them", () => {
  for (const cname of ["a", "ab", "abc", "abcd", "b8f6c2e0-1d7f-4ad2-9f4e-9f1f2b1c3d4e"]) {
    const data = writeSenderReport({
      ssrc: 0x89abcdef,
      unixTime: 1_700_000_000.5,
      rtpTimestamp: 0xfffffff0,
      packetCount: 2 ** 32 + 7,
      octetCount: 70_000,
      cname,
    });
    const view = new DataView(data.buffer);
    assert.equal(data.length % 4, 0);
    assert.equal(view.getUint16(0), 0x80c8);
    assert.equal(view.getUint16(2), 6);
    assert.equal(view.getUint32(4), 0x89abcdef);
    assert.equal(view.getUint32(8), 1_700_000_000 + 2_208_988_800);
    assert.equal(view.getUint32(12), 0x80000000);
    assert.equal(view.getUint32(16), 0xfffffff0);
    assert.equal(view.getUint32(20), 7);
    assert.equal(view.getUint32(24), 70_000);
    assert.equal(view.getUint16(28), 0x81ca);
    assert.equal((view.getUint16(30) + 1) * 4, data.length - 28, "the length of the description");
    assert.equal(view.getUint32(32), 0x89abcdef);
    assert.equal(view.getUint8(36), 1, "the item is a CNAME");
    assert.equal(view.getUint8(37), cname.length);
    assert.equal(new TextDecoder().decode(data.subarray(38, 38 + cname.length)), cname);
    const rest = data.subarray(38 + cname.length);
    assert.ok(rest.length >= 1 && rest.length <= 4, "one to four zeros end the list of items");
    assert.ok(rest.every((byte) => byte === 0));
  }
});

Deno.test("turns Unix time into NTP time with its fraction", () => {
  assert.deepEqual(ntpTime(0), { seconds: 2_208_988_800, fraction: 0 });
  assert.deepEqual(ntpTime(0.75), { seconds: 2_208_988_800, fraction: 0xc0000000 });
  const late = ntpTime(1_700_000_000.999999999);
  assert.ok(late.fraction <= 0xffffffff && Number.isInteger(late.fraction));
});

Deno.test("goes on behind the NTP era that ends in 2036", () => {
  const lastSecond = 2 ** 32 - 1 - 2_208_988_800;
  assert.equal(ntpTime(lastSecond).seconds, 0xffffffff);
  assert.equal(ntpTime(lastSecond + 1).seconds, 0);
});

Deno.test("gives the middle 32 bits that a receiver echoes", () => {
  const time = 1_700_000_000.5;
  const report = writeSenderReport({
    ssrc: 1,
    unixTime: time,
    rtpTimestamp: 0,
    packetCount: 0,
    octetCount: 0,
    cname: "a",
  });
  assert.equal(compactNtp(time), new DataView(report.buffer).getUint32(10));
  for (let index = 0; index < 8; index++) {
    const { seconds, fraction } = ntpTime(time + index * 8192);
    const value = compactNtp(time + index * 8192);
    assert.ok(value >= 0, "never negative");
    assert.deepEqual([value >>> 16, value & 0xffff], [seconds & 0xffff, fraction >>> 16]);
  }
});

Deno.test("reads an estimate for no stream, and for no more streams than it counts", () => {
  const none = hex("8f ce 00 04  00 00 00 01  00 00 00 00  52 45 4d 42  00 00 03 e8");
  assert.deepEqual(readRtcp(none), [{ kind: "remb", bitrate: 1000, ssrcs: [] }]);
  const one = concat(REMB);
  one[16] = 1;
  assert.deepEqual(readRtcp(one), [{ kind: "remb", bitrate: 0x15555 * 32, ssrcs: [0x11223344] }]);
  const other = concat(REMB);
  other.set(hex("41 42 43 44"), 12);
  assert.deepEqual(readRtcp(other), [], "other feedback of the application layer is none of ours");
});
