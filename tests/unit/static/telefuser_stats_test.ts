import assert from "node:assert/strict";

type Sample = Readonly<Record<string, unknown>>;
type Readings = Readonly<Record<string, number | string | null>>;

/** The module as it is used here: its own types are those of a browser. */
interface StatsModule {
  noStats(): Readings;
  readSample(report: ReadonlyMap<string, unknown>): Sample;
  statsBetween(now: Sample, before: Sample | null): Readings;
}

const MODULE: string = "../../../static/telefuser-stats.js";
const { noStats, readSample, statsBetween } = await import(MODULE) as StatsModule;

interface Counts {
  readonly at: number;
  readonly received: number;
  readonly lost: number;
}

/** A report as a browser gives it, of which only what is asked for here is filled in. */
function sample({ at, received, lost }: Counts) {
  const entries = [
    { id: "v", type: "inbound-rtp", kind: "video", timestamp: at, packetsReceived: received, packetsLost: lost },
    { id: "a", type: "inbound-rtp", kind: "audio", timestamp: at, packetsReceived: 50, packetsLost: 1 },
    { id: "t", type: "transport", selectedCandidatePairId: "p" },
    {
      id: "p",
      type: "candidate-pair",
      localCandidateId: "l",
      remoteCandidateId: "r",
      availableOutgoingBitrate: 1_500_000,
      currentRoundTripTime: 0.025,
    },
    { id: "l", type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tls" },
    { id: "r", type: "remote-candidate", candidateType: "host", address: "192.0.2.1", port: 40_000 },
  ];
  return readSample(new Map(entries.map((entry) => [entry.id, entry])));
}

Deno.test("both ends of the path, its carrier, its room and its round trip are told", () => {
  const stats = statsBetween(sample({ at: 0, received: 100, lost: 0 }), null);
  assert.deepEqual(
    [stats.candidateType, stats.relayProtocol, stats.remoteCandidateType, stats.availableKbps, stats.roundTripMs],
    ["relay", "tls", "host", 1500, 25],
  );
  assert.deepEqual([stats.remoteAddress, stats.remotePort], ["192.0.2.1", 40_000]);
});

Deno.test("the loss rate is that of the time since the last call, not since the start", () => {
  const [first, second] = [sample({ at: 0, received: 100, lost: 50 }), sample({ at: 1000, received: 190, lost: 60 })];
  assert.equal(statsBetween(second, first).lossRate, 0.1);
  assert.equal(statsBetween(first, null).lossRate, null);
});

Deno.test("packets that come late after all do not make the loss negative, and no packets make no rate", () => {
  const first = sample({ at: 0, received: 100, lost: 50 });
  assert.equal(statsBetween(sample({ at: 1000, received: 200, lost: 45 }), first).lossRate, 0);
  assert.equal(statsBetween(sample({ at: 1000, received: 100, lost: 50 }), first).lossRate, null);
});

Deno.test("of a stream that is not there every reading is null", () => {
  assert.ok(Object.values(noStats()).every((value) => value === null));
});
