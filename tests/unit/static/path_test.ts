import assert from "node:assert/strict";
import { lossText, pairText, pathLine, wayText } from "../../../static/path.js";

const DIRECT = { candidateType: "prflx", remoteCandidateType: "host", protocol: "udp", relayProtocol: null };
const RELAYED = { candidateType: "relay", remoteCandidateType: "host", protocol: "udp", relayProtocol: "tls" };

Deno.test("a path is direct unless one end of it is a relay", () => {
  assert.equal(wayText(DIRECT), "Direct over UDP");
  assert.equal(wayText(RELAYED), "Through a relay over TLS");
  assert.equal(wayText({ ...DIRECT, remoteCandidateType: "relay" }), "Through a relay over UDP");
  assert.equal(wayText({ ...RELAYED, relayProtocol: null }), "Through a relay over UDP");
  assert.equal(wayText({ ...DIRECT, protocol: null }), "Direct");
  assert.equal(wayText({ ...DIRECT, candidateType: null }), null);
});

Deno.test("the two ends of a way are named by their kinds, the server's with its address unless that is hidden", () => {
  const pair = { candidateType: "host", remoteCandidateType: "prflx", remoteAddress: "192.0.2.1", remotePort: 40_000 };
  assert.equal(pairText(pair), "host → prflx 192.0.2.1:40000");
  assert.equal(pairText({ ...pair, remoteAddress: "2001:db8::1" }), "host → prflx [2001:db8::1]:40000");
  assert.equal(pairText({ ...pair, remoteAddress: null }), "host → prflx");
  assert.equal(pairText({ ...pair, remotePort: null }), "host → prflx 192.0.2.1");
  assert.equal(pairText({ ...pair, remoteCandidateType: null }), null);
});

Deno.test("loss is told as precisely as it matters, and what little there is is not called nothing", () => {
  assert.deepEqual([null, 0, 0.0004, 0.0123, 0.0996, 1].map(lossText), [
    null,
    "nothing lost",
    "under 0.1 % lost",
    "1.2 % lost",
    "10 % lost",
    "100 % lost",
  ]);
});

Deno.test("the line leaves out what is unknown", () => {
  const line = pathLine({ ...DIRECT, roundTripMs: 24.4, lossRate: 0 });
  assert.equal(line, "Direct over UDP · 24 ms there and back · nothing lost");
  assert.equal(pathLine({ ...RELAYED, roundTripMs: null, lossRate: null }), "Through a relay over TLS");
  assert.equal(pathLine({ ...DIRECT, candidateType: null, roundTripMs: null, lossRate: null }), null);
});
