import assert from "node:assert/strict";
import {
  ExtendedSequence,
  readRtcp,
  Reception,
  writeNack,
  writePli,
  writeReceiverReport,
  writeRemb,
  writeSenderReport,
} from "../../../src/rtp/mod.ts";

Deno.test("sequence numbers do not wrap, and late ones stay behind", () => {
  const sequence = new ExtendedSequence();
  const numbers = [65_534, 65_535, 0, 1, 65_535, 2].map((number) => sequence.extend(number));
  assert.deepEqual(numbers.map((number) => number - (numbers[0] ?? 0)), [0, 1, 2, 3, 1, 4]);
  assert.equal((sequence.highest ?? 0) - (numbers[0] ?? 0), 4);
});

Deno.test("reports loss since the last report and in all, jitter, and the last sender report", () => {
  const reception = new Reception({ ssrc: 7, clockRate: 90_000 });
  assert.equal(reception.report(0), null);
  for (let n = 0; n < 100; n++) {
    if (n % 10 !== 3) reception.received({ sequenceNumber: (65_500 + n) & 0xffff, timestamp: n * 3000 }, n / 30);
  }
  reception.senderReport(0xabcd1234, 4);
  const report = reception.report(4.5);
  assert.deepEqual(report, {
    ssrc: 7,
    fractionLost: 0.1,
    packetsLost: 10,
    highestSequence: 65_599,
    jitter: 0,
    lastReport: 0xabcd1234,
    delaySinceLastReport: 0.5,
  });
  reception.received({ sequenceNumber: 64, timestamp: 300_000 }, 3.4);
  assert.equal(reception.report(5)?.fractionLost, 0);
  assert.ok((reception.report(5)?.jitter ?? 0) > 0);
});

Deno.test("a sender that begins anew at other numbers has lost nothing", () => {
  for (const begin of [40_000, 60_000]) {
    const reception = new Reception({ ssrc: 7, clockRate: 90_000 });
    for (let n = 0; n < 50; n++) reception.received({ sequenceNumber: 50_000 + n, timestamp: n * 3000 }, n / 30);
    reception.report(2);
    for (let n = 0; n < 50; n++) reception.received({ sequenceNumber: begin + n, timestamp: n * 3000 }, 2 + n / 30);
    const report = reception.report(4);
    assert.equal(report?.fractionLost, 0);
    assert.equal(report?.packetsLost, 0);
    assert.equal(report?.highestSequence, begin + 49);
  }
});

Deno.test("feedback is read back as it was written", () => {
  const parties = { from: 1, about: 0xdeadbeef };
  const lost = [65_530, 65_531, 3, 10, 11, 40];
  assert.deepEqual(readRtcp(writeNack(parties, lost)), [{ kind: "nack", mediaSsrc: 0xdeadbeef, lost }]);
  assert.deepEqual(readRtcp(writePli(parties)), [{ kind: "pli", mediaSsrc: 0xdeadbeef }]);
  const [remb] = readRtcp(writeRemb(parties, 2_500_000));
  assert.ok(remb?.kind === "remb" && Math.abs(remb.bitrate - 2_500_000) < 20 && remb.ssrcs[0] === 0xdeadbeef);
  const block = { ssrc: 9, fractionLost: 0.25, packetsLost: 12, jitter: 33, lastReport: 77, delaySinceLastReport: 1.5 };
  const [report] = readRtcp(writeReceiverReport(1, [{ ...block, highestSequence: 70_000 }]));
  assert.deepEqual(report, { kind: "report", block });
});

Deno.test("a sender report gives what a receiver report echoes", () => {
  const unixTime = 1_700_000_000.5;
  const report = { ssrc: 5, unixTime, rtpTimestamp: 1, packetCount: 2, octetCount: 3, cname: "x" };
  const [reading] = readRtcp(writeSenderReport(report));
  assert.deepEqual(reading, {
    kind: "sender_report",
    ssrc: 5,
    compactNtp: (((1_700_000_000 + 2_208_988_800) & 0xffff) * 65_536 + 0x8000) >>> 0,
  });
});
