import assert from "node:assert/strict";
import {
  ARRIVAL_PERIOD,
  type PacketArrival,
  readRtcp,
  readTransportFeedback,
  writeTransportFeedback,
} from "../../../src/rtp/mod.ts";
import { concat, hex, noise } from "../support/bytes.ts";

const HEADER = "8f cd 00 00  00 00 00 01  11 22 33 44";

function read(body: string) {
  const data = hex(HEADER + body);
  return readTransportFeedback(new DataView(data.buffer));
}

/** Arrivals in steps of 250 µs after the reference time, which is exact; null for what did not arrive. */
function steps(body: string, reference = 0): (number | null)[] | null {
  const packets = read(body)?.packets ?? null;
  return packets === null ? null : packets.map(({ arrival }) => {
    return arrival === null ? null : Math.round((arrival - reference) * 4000 * 1e6) / 1e6;
  });
}

Deno.test("reads base, reference time and a run of small deltas", () => {
  // Base 0x0102, 3 packets, reference 2 × 64 ms, feedback 9; a run of 3 small deltas: 4, 8 and 255 steps.
  const feedback = read("01 02 00 03  00 00 02 09  20 03 04 08 ff");
  assert.deepEqual(feedback, {
    baseSequence: 0x0102,
    packets: [
      { sequence: 0x0102, arrival: 0.128 + 0.001 },
      { sequence: 0x0103, arrival: 0.128 + 0.003 },
      { sequence: 0x0104, arrival: 0.128 + 267 / 4000 },
    ],
  });
});

Deno.test("reads runs of lost packets and of large deltas, which may be negative", () => {
  assert.deepEqual(steps("00 01 00 05  00 00 00 00  20 01 00 02 40 02  0a 7f ff 80 00"), [10, null, null, 32777, 9]);
});

Deno.test("reads a vector of one-bit symbols", () => {
  // 10 1011 00 …: the first, third and fourth of six packets; the rest of the vector says nothing.
  assert.deepEqual(steps("00 01 00 06  00 00 00 00  ac ff  01 02 03"), [1, null, 3, 6, null, null]);
});

Deno.test("reads a vector of two-bit symbols", () => {
  // 11 01 00 10 01 00 00 00: small, lost, large, small, and three lost ones.
  assert.deepEqual(steps("00 01 00 07  00 00 00 00  d2 40  05 ff fe 07"), [5, null, 3, 10, null, null, null]);
});

Deno.test("goes on from chunk to chunk of different kinds", () => {
  // A vector of 14 (only the last arrived), a run of 8191 lost ones, a vector of 7 (the first).
  const packets = steps("00 01 20 0e  00 00 00 00  80 01 1f ff d0 00  01 02");
  assert.equal(packets?.length, 0x200e);
  assert.deepEqual(packets.flatMap((arrival, index) => arrival === null ? [] : [[index, arrival]]), [[13, 1], [
    8205,
    3,
  ]]);
});

Deno.test("numbers packets across the wrap", () => {
  assert.deepEqual(read("ff fe 00 04  00 00 00 00  20 04 01 01 01 01")?.packets.map(({ sequence }) => sequence), [
    0xfffe,
    0xffff,
    0,
    1,
  ]);
});

Deno.test("reads the reference time as a signed number", () => {
  assert.equal(read("00 01 00 01  ff ff ff 07  20 01 00")?.packets[0]?.arrival, -0.064);
  assert.equal(read("00 01 00 01  7f ff ff 07  20 01 00")?.packets[0]?.arrival, ARRIVAL_PERIOD / 2 - 0.064);
  assert.equal(read("00 01 00 01  80 00 00 07  20 01 00")?.packets[0]?.arrival, -ARRIVAL_PERIOD / 2);
});

Deno.test("refuses what is cut short, whatever is missing", () => {
  const whole = hex(HEADER + "00 01 00 09  00 00 00 00  20 02 d2 40  01 02 05 ff fe 07");
  assert.equal(readTransportFeedback(new DataView(whole.buffer))?.packets.length, 9);
  for (let length = 0; length < whole.length; length++) {
    assert.equal(readTransportFeedback(new DataView(whole.buffer, 0, length)), null, `${length} bytes`);
  }
});

Deno.test("refuses no packets, more than half the number space, empty runs and the reserved symbol", () => {
  assert.equal(read("00 01 00 00  00 00 00 00  20 00 00 00"), null);
  assert.equal(read("00 01 80 01  00 00 00 00  1f ff 1f ff 1f ff 1f ff 1f ff"), null);
  assert.equal(read("00 01 80 00  00 00 00 00  1f ff 1f ff 1f ff 1f ff 1f ff")?.packets.length, 0x8000);
  assert.equal(read("00 01 00 01  00 00 00 00  20 00 20 01 00"), null);
  assert.equal(read("00 01 00 01  00 00 00 00  60 01 00 00 00"), null);
  assert.equal(read("00 01 00 02  00 00 00 00  dc 00 00 00 00 00"), null);
});

Deno.test("is one of the readings of a compound packet, at any place in a buffer, and its padding is no delta", () => {
  const feedback = hex("af cd 00 05  00 00 00 01  11 22 33 44  00 01 00 02  00 00 01 00  20 02 04 01");
  const padded = concat(feedback);
  padded.set([1], 23);
  assert.deepEqual(readRtcp(padded), [], "the second delta is padding");
  const whole = hex("af cd 00 06  00 00 00 01  11 22 33 44  00 01 00 02  00 00 01 00  20 02 04 04  00 00 00 04");
  const pli = hex("81 ce 00 02  00 00 00 01  11 22 33 44");
  const data = concat(hex("ff ff ff"), pli, whole, pli).subarray(3);
  assert.deepEqual(readRtcp(data), [
    { kind: "pli", mediaSsrc: 0x11223344 },
    {
      kind: "transport_feedback",
      baseSequence: 1,
      packets: [{ sequence: 1, arrival: 0.065 }, { sequence: 2, arrival: 0.066 }],
    },
    { kind: "pli", mediaSsrc: 0x11223344 },
  ]);
});

Deno.test("survives any bytes and gives numbers only", () => {
  let understood = 0;
  for (let seed = 1; seed < 20_000; seed++) {
    const data = noise(20 + seed % 60, seed);
    // A count that the chunks can reach, so that not every one is refused.
    data.set([0, seed % 200], 14);
    const feedback = readTransportFeedback(new DataView(data.buffer));
    if (feedback === null) continue;
    understood++;
    assert.equal(feedback.packets.length, seed % 200);
    for (const { arrival } of feedback.packets) assert.ok(arrival === null || Number.isFinite(arrival));
  }
  assert.ok(understood > 100, `only ${understood} were understood`);
});

const PARTIES = { from: 1, about: 0x11223344 };

/** Packets from a number on, by their arrival in steps of 250 µs. */
function row(baseSequence: number, arrivals: readonly (number | null)[]) {
  const packets = arrivals.map((steps, index): PacketArrival => {
    return { sequence: (baseSequence + index) & 0xffff, arrival: steps === null ? null : steps / 4000 };
  });
  return { baseSequence, packets };
}

/** What comes out when it is read again; a whole RTCP packet it has to be. */
function readBack(data: Uint8Array) {
  assert.equal(data.length % 4, 0);
  const [reading, ...more] = readRtcp(data);
  assert.equal(more.length, 0);
  assert.ok(reading?.kind === "transport_feedback");
  return {
    baseSequence: reading.baseSequence,
    steps: reading.packets.map(({ arrival }) => arrival === null ? null : Math.round(arrival * 4000)),
  };
}

Deno.test("writes base, count, reference time, a vector, deltas and padding as the draft lays them out", () => {
  // Steps 513, 514 and 1026 of 250 µs: two steps of 64 ms, then 1, 1 and 512.
  const written = writeTransportFeedback(PARTIES, row(0x0102, [513, null, 514, 1026]), 0x109);
  assert.deepEqual(
    written,
    hex("af cd 00 06  00 00 00 01  11 22 33 44  01 02 00 04  00 00 02 09  d1 80  01 01 02 00  00 02"),
  );
});

Deno.test("writes a run where many packets had the same fate", () => {
  const arrivals = [0, ...Array<null>(9000).fill(null), ...Array.from({ length: 40 }, (_, index) => 10 + index)];
  const written = writeTransportFeedback(PARTIES, row(65_000, arrivals), 0);
  assert.ok(written.length < 80, `${written.length} bytes`);
  assert.deepEqual(readBack(written), { baseSequence: 65_000, steps: arrivals });
});

Deno.test("what is written is read again, whatever arrived and when", () => {
  for (let seed = 1; seed < 400; seed++) {
    const bytes = noise(2 * (1 + seed % 90), seed);
    let time = (seed * 7919) % 200_000;
    const arrivals = Array.from({ length: bytes.length / 2 }, (_, index) => {
      const kind = (bytes[2 * index] ?? 0) % 6;
      if (kind === 0) return null;
      const step = bytes[2 * index + 1] ?? 0;
      time += kind === 1 ? 100 * step : kind === 2 ? -step : kind === 3 ? 0 : step;
      return Math.max(0, time);
    });
    const written = writeTransportFeedback(PARTIES, row(65_500, arrivals), seed);
    assert.deepEqual(readBack(written), { baseSequence: 65_500, steps: arrivals }, `seed ${seed}`);
  }
});

Deno.test("rounding does not add up from packet to packet", () => {
  const packets = Array.from({ length: 300 }, (_, index) => ({ sequence: index, arrival: 5 + index * 0.0001003 }));
  const [reading] = readRtcp(writeTransportFeedback(PARTIES, { baseSequence: 0, packets }, 0));
  assert.ok(reading?.kind === "transport_feedback");
  for (const [index, { arrival }] of reading.packets.entries()) {
    assert.ok(Math.abs((arrival ?? 0) - (packets[index]?.arrival ?? 0)) <= 0.000126, `packet ${index}: ${arrival}`);
  }
});

Deno.test("a clock that has run for weeks begins anew, and arrivals keep their distances", () => {
  const arrival = ARRIVAL_PERIOD * 1.25 + 0.01;
  const packets = [{ sequence: 0, arrival }, { sequence: 1, arrival: arrival + 0.02 }];
  const [reading] = readRtcp(writeTransportFeedback(PARTIES, { baseSequence: 0, packets }, 0));
  assert.ok(reading?.kind === "transport_feedback");
  const [first, second] = reading.packets.map((packet) => packet.arrival ?? Number.NaN);
  assert.ok(Math.abs((first ?? 0) - (arrival - ARRIVAL_PERIOD)) < 0.001, `${first}`);
  assert.ok(Math.abs((second ?? 0) - (first ?? 0) - 0.02) < 0.001, `${second}`);
});
