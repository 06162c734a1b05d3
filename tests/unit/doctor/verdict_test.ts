import assert from "node:assert/strict";
import { machineVerdict, serverVerdict } from "../../../src/doctor/verdict.ts";
import type { Way } from "../../../src/doctor/ways.ts";

const NONE = { hostV4: [], hostV6: [], srflx: [], relay: [] };
const LAN = { ...NONE, hostV4: ["192.168.1.5"] };

function verdict(ways: [udp: Way, tcp: Way, relay: Way], failures = 0): string {
  const [udp, tcp, relay] = ways;
  return serverVerdict({ isReached: true, ways: { udp, tcp, relay }, failures });
}

Deno.test("the verdict about a server names the best way that works", () => {
  assert.equal(verdict(["works", "works", "works"]), "A viewer here gets a direct connection over UDP.");
  assert.equal(
    verdict(["fails", "works", "works"]),
    "No UDP gets through to the server from here; TCP works, and so does a relay.",
  );
  assert.equal(verdict(["fails", "works", "fails"]), "Only TCP works from here, no UDP gets through.");
  assert.equal(verdict(["fails", "absent", "works"]), "Only a relay works from here, there is no direct way.");
  assert.equal(verdict(["fails", "absent", "absent"]), "No way for pictures from this server to here works.");
  assert.equal(verdict(["absent", "absent", "works"]), "Relays only, as the server wants it, and that works.");
  assert.equal(verdict(["absent", "absent", "fails"]), "No way for pictures from this server to here works.");
});

Deno.test("what could not be tried is no failure, and failures beside a way that works are counted", () => {
  assert.match(verdict(["untried", "untried", "untried"]), /could not be tried\.$/);
  assert.match(serverVerdict({ isReached: true, ways: null, failures: 1 }), /could not be tried; one check failed\.$/);
  assert.equal(verdict(["untried", "untried", "works"]), "Only a relay works from here, there is no direct way.");
  assert.match(verdict(["works", "absent", "absent"], 2), /over UDP; 2 checks failed\.$/);
  assert.match(serverVerdict({ isReached: false, ways: null, failures: 1 }), /^The server cannot be reached/);
});

Deno.test("the verdict about a machine says whom it can serve", () => {
  const facts = { own: LAN, nat: "unknown", publicIps: [], failures: 0 } as const;
  assert.match(machineVerdict(facts), /in its network; for those outside no way was found\.$/);
  assert.match(machineVerdict({ ...facts, failures: 3 }), /not ready .*: 3 checks failed\.$/);
  assert.match(machineVerdict({ ...facts, own: NONE }), /on itself alone\.$/);
  assert.match(machineVerdict({ ...facts, own: { ...LAN, relay: ["203.0.113.9"] } }), /through the relay\.$/);
  assert.match(machineVerdict({ ...facts, publicIps: ["203.0.113.7"] }), /public address/);
  assert.match(machineVerdict({ ...facts, own: { ...LAN, hostV4: ["8.8.4.4"] } }), /public address/);
  assert.match(machineVerdict({ ...facts, nat: "none" }), /public address/);
  assert.match(machineVerdict({ ...facts, nat: "symmetric" }), /need a TURN server or a forwarded port\.$/);
  assert.match(machineVerdict({ ...facts, nat: "same for all" }), /not behind a strict NAT\.$/);
});
