import assert from "node:assert/strict";
import { candidatesCheck, publicIpCheck } from "../../../src/doctor/candidates.ts";
import type { StunFinding } from "../../../src/doctor/stun.ts";

const SEEN: StunFinding = {
  url: "stun:s.example:3478",
  server: ["198.51.100.1", 3478],
  mapped: ["203.0.113.7", 4000],
  seconds: 0.01,
};

Deno.test("kinds of candidates are on one line, and a machine without an address is warned", () => {
  const check = candidatesCheck({ hostV4: ["10.0.0.5"], hostV6: ["fd00::5"], srflx: ["203.0.113.7"], relay: [] });
  assert.equal(check.status, "ok");
  assert.equal(
    check.summary,
    "candidates of this machine: host 10.0.0.5 and fd00::5; srflx 203.0.113.7; relay none",
  );
  assert.equal(candidatesCheck({ hostV4: [], hostV6: [], srflx: [], relay: [] }).status, "warn");
});

Deno.test("a public address that is not what STUN servers see is a warning", () => {
  assert.deepEqual(publicIpCheck([], [SEEN]), []);
  assert.equal(publicIpCheck(["203.0.113.7"], [SEEN])[0]?.status, "ok");
  const [wrong] = publicIpCheck(["203.0.113.8"], [SEEN]);
  assert.equal(wrong?.status, "warn");
  assert.match(wrong?.summary ?? "", /203\.0\.113\.8 is not what STUN servers see, which is 203\.0\.113\.7/);
  assert.equal(publicIpCheck(["203.0.113.7"], [])[0]?.status, "skip");
});
