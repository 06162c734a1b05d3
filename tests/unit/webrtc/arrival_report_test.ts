import assert from "node:assert/strict";
import { readRtcp } from "../../../src/rtp/mod.ts";
import { ArrivalReport } from "../../../src/webrtc/arrival_report.ts";
import type { PacketSender } from "../../../src/webrtc/packet_sender.ts";
import { ManualClock } from "../support/manual_clock.ts";

const SSRC = 0x11223344;

/** A report with what it has said so far: base, and arrivals in milliseconds. */
function makeReport(options: { lateness?: () => number } = {}) {
  const clock = new ManualClock(options);
  const said: { base: number; arrivals: (number | null)[] }[] = [];
  const sizes: number[] = [];
  const sender = {
    sendRtcp(compound: Uint8Array) {
      sizes.push(compound.length);
      for (const reading of readRtcp(compound)) {
        assert.ok(reading.kind === "transport_feedback");
        const arrivals = reading.packets.map(({ arrival }) => arrival === null ? null : Math.round(arrival * 1000));
        said.push({ base: reading.baseSequence, arrivals });
      }
    },
  };
  const report = new ArrivalReport({ sender: sender as unknown as PacketSender, clock, ownSsrc: 99 });
  const receive = (...sequences: number[]) => {
    for (const sequence of sequences) report.received({ sequence, ssrc: SSRC });
  };
  return { clock, report, receive, said, sizes };
}

Deno.test("tells of what arrived within fifty milliseconds, with what is missing between", () => {
  const { clock, receive, said } = makeReport();
  clock.turn(1);
  receive(7);
  clock.turn(0.02);
  receive(8, 10);
  clock.turn(0.029);
  assert.deepEqual(said, []);
  clock.turn(0.002);
  assert.deepEqual(said, [{ base: 7, arrivals: [1000, 1020, null, 1020] }]);
});

Deno.test("goes on where the last feedback ended, across the wrap, and is silent when nothing comes", () => {
  const { clock, receive, said } = makeReport();
  receive(65_533, 65_534);
  clock.turn(10);
  assert.equal(clock.pending, 0);
  receive(1, 2);
  clock.turn(10);
  assert.deepEqual(said, [
    { base: 65_533, arrivals: [0, 0] },
    { base: 65_535, arrivals: [null, null, 10_000, 10_000] },
  ]);
});

Deno.test("a packet that was overtaken is told of with those that came before it", () => {
  const { clock, receive, said } = makeReport();
  receive(1, 2, 4, 5);
  clock.turn(0.1);
  receive(3);
  clock.turn(0.1);
  receive(6);
  clock.turn(0.1);
  assert.deepEqual(said, [
    { base: 1, arrivals: [0, 0, null, 0, 0] },
    { base: 3, arrivals: [100, 0, 0] },
    { base: 6, arrivals: [200] },
  ]);
});

Deno.test("a packet that comes twice arrived when it came first", () => {
  const { clock, receive, said } = makeReport();
  receive(1);
  clock.turn(0.02);
  receive(1, 2);
  clock.turn(0.1);
  receive(2);
  clock.turn(0.1);
  assert.deepEqual(said, [{ base: 1, arrivals: [0, 20] }]);
});

Deno.test("many packets are told of in several datagrams, none of them twice", () => {
  const { clock, receive, said, sizes } = makeReport();
  receive(...Array.from({ length: 2000 }, (_, index) => (65_000 + index) & 0xffff));
  clock.turn(0.1);
  assert.equal(said.flatMap(({ arrivals }) => arrivals).length, 2000);
  assert.ok(said.length > 1 && Math.max(...sizes) < 1200, `${sizes}`);
});

Deno.test("arrivals that lie further apart than can be written go into feedback of their own", () => {
  const { clock, receive, said } = makeReport({ lateness: () => 30 });
  receive(1);
  clock.turn(9);
  receive(2, 3);
  clock.turn(9);
  receive(5);
  clock.turn(30);
  assert.deepEqual(said, [
    { base: 1, arrivals: [0] },
    { base: 2, arrivals: [9000, 9000, null] },
    { base: 5, arrivals: [18_000] },
  ]);
});

Deno.test("numbers that jump are a new beginning, not loss", () => {
  for (const jump of [20_000, 40_000]) {
    const { clock, receive, said } = makeReport();
    receive(100, 101);
    clock.turn(0.1);
    receive(100 + jump, 101 + jump);
    clock.turn(0.1);
    assert.deepEqual(said.map(({ base, arrivals }) => [base, arrivals.length]), [[100, 2], [100 + jump, 2]]);
  }
});

Deno.test("says and schedules nothing once it is closed", () => {
  const { clock, report, receive, said } = makeReport();
  receive(1);
  report.close();
  receive(2);
  assert.equal(clock.pending, 0);
  clock.turn(1);
  assert.deepEqual(said, []);
});
