import assert from "node:assert/strict";
import type { MediaFinding } from "../../../src/doctor/media.ts";
import { type Trials, wayChecks, waysOf } from "../../../src/doctor/ways.ts";

type Tried = Extract<MediaFinding, { kind: "tried" }>;

const UDP = { kind: "host", transport: "udp", address: ["192.0.2.9", 40000] } as const;
const TCP = { kind: "host", transport: "tcp", address: ["192.0.2.9", 40001] } as const;
const MEDIA = { codec: "H264", pictures: 3, videoPackets: 9, audioPackets: 4, largestPacket: 1150 } as const;
const NOTHING = { codec: null, pictures: 0, videoPackets: 0, audioPackets: 0, largestPacket: 0 };

const CONNECTED: Tried = {
  kind: "tried",
  state: "connected",
  pair: { local: "host", remote: "host", remoteAddress: UDP.address },
  media: MEDIA,
  candidates: [{ candidate: UDP, roundTrip: 0.004 }],
  mtu: null,
};
const SILENT: Tried = {
  kind: "tried",
  state: "none",
  pair: null,
  media: NOTHING,
  candidates: [{ candidate: UDP, roundTrip: null, fault: "no answer" }],
  mtu: null,
};
const TCP_ANSWERS = { candidate: TCP, roundTrip: 0.02 };

function checks(trials: Partial<Trials>): Record<string, { status: string; text: string }> {
  const all = wayChecks({ direct: CONNECTED, relayed: null, mode: "server_push", hasUdpElsewhere: false, ...trials });
  return Object.fromEntries(all.map(({ id, status, summary, detail = "", remedy = "" }) => {
    return [id, { status, text: `${summary} | ${detail} | ${remedy}` }];
  }));
}

Deno.test("a direct connection is told with its pair and round trip, and what came over it", () => {
  const found = checks({});
  assert.equal(found["media-udp"]?.status, "ok");
  assert.match(found["media-udp"]?.text ?? "", /directly, host to host 192\.0\.2\.9:40000, round trip 4\.0 ms/);
  assert.match(found.pictures?.text ?? "", /3 pictures in H264 \(9 packets\) and 4 packets of sound came/);
  assert.equal(found.tcp?.status, "skip");
  assert.deepEqual(waysOf({ direct: CONNECTED, relayed: null }), { udp: "works", tcp: "absent", relay: "absent" });
});

Deno.test("UDP that is blocked is a failure, but only a warning when TCP or a relay works", () => {
  const alone = checks({ direct: SILENT });
  assert.equal(alone["media-udp"]?.status, "fail");
  assert.match(
    alone["media-udp"]?.text ?? "",
    /blocked between here and the server.*host 192\.0\.2\.9:40000 no answer/,
  );
  assert.match(alone["media-udp"]?.text ?? "", /--udp-port/);
  const withTcp = checks({ direct: { ...SILENT, candidates: [...SILENT.candidates, TCP_ANSWERS] } });
  assert.equal(withTcp["media-udp"]?.status, "warn");
  assert.equal(withTcp.tcp?.status, "ok");
  const withRelay = checks({ direct: SILENT, relayed: CONNECTED });
  assert.equal(withRelay["media-udp"]?.status, "warn");
  assert.equal(withRelay["media-relay"]?.status, "ok");
});

Deno.test("UDP that goes out elsewhere is told apart from UDP that is blocked altogether", () => {
  assert.match(checks({ direct: SILENT, hasUdpElsewhere: true })["media-udp"]?.text ?? "", /goes out from here/);
});

Deno.test("a way that is found but not secured is a failure of its own", () => {
  const checked: Tried = { ...SILENT, state: "checked", candidates: [{ candidate: UDP, roundTrip: 0.004 }] };
  const found = checks({ direct: checked });
  assert.equal(found["media-udp"]?.status, "fail");
  assert.match(found["media-udp"]?.text ?? "", /no secure connection comes up/);
});

Deno.test("a connection to the server's own relay is not a direct one", () => {
  const throughRelay: Tried = {
    ...CONNECTED,
    pair: { local: "host", remote: "relay", remoteAddress: ["203.0.113.4", 50000] },
  };
  assert.deepEqual(waysOf({ direct: throughRelay, relayed: null }), { udp: "fails", tcp: "absent", relay: "works" });
  const found = checks({ direct: throughRelay });
  assert.equal(found["media-udp"]?.status, "warn");
  assert.match(found["media-udp"]?.text ?? "", /through the server's relay/);
});

Deno.test("no picture is a warning, unless the pipeline may wait for input", () => {
  const still: Tried = { ...CONNECTED, media: NOTHING };
  assert.equal(checks({ direct: still }).pictures?.status, "warn");
  assert.equal(checks({ direct: still, mode: "bidirectional" }).pictures?.status, "skip");
});

Deno.test("TCP candidates that do not answer are named; they fail the whole only when nothing else works", () => {
  const silentTcp = { candidate: TCP, roundTrip: null, fault: "Connection refused" };
  const beside = checks({ direct: { ...CONNECTED, candidates: [silentTcp] } });
  assert.equal(beside.tcp?.status, "warn");
  assert.match(beside.tcp?.text ?? "", /192\.0\.2\.9:40001 Connection refused/);
  assert.equal(checks({ direct: { ...SILENT, candidates: [silentTcp] } }).tcp?.status, "fail");
});

Deno.test("an offer that is not taken could not be tried, but a server without ports has failed", () => {
  const full = checks({ direct: { kind: "refused", code: "sessions_full", detail: "all 2 are in use" } });
  assert.deepEqual(Object.keys(full), ["media-udp"]);
  assert.equal(full["media-udp"]?.status, "skip");
  assert.match(full["media-udp"]?.text ?? "", /could not be tried.*all 2 are in use.*when a viewer has left/);
  const portless = checks({ direct: { kind: "refused", code: "no_ice_candidates", detail: "all are in use" } });
  assert.equal(portless["media-udp"]?.status, "fail");
  assert.match(portless["media-udp"]?.text ?? "", /--udp-port-range/);
  const detail = "no TURN server gives this server an address, and --relay-only leaves it no other way";
  const relayless = checks({ direct: null, relayed: { kind: "refused", code: "no_ice_candidates", detail } });
  assert.match(relayless["media-relay"]?.text ?? "", /check --turn-server and its user name and password/);
});

Deno.test("where the server wants relays only, direct ways are not tried and a relay that fails is a failure", () => {
  const found = checks({ direct: null, relayed: SILENT });
  assert.equal(found["media-udp"]?.status, "skip");
  assert.equal(found["media-relay"]?.status, "fail");
  assert.deepEqual(waysOf({ direct: null, relayed: SILENT }), { udp: "absent", tcp: "absent", relay: "fails" });
});
