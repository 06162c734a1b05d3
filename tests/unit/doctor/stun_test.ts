import assert from "node:assert/strict";
import { natCheck, natOf, stunCheck, type StunFinding } from "../../../src/doctor/stun.ts";

function seen(server: string, mapped: [string, number] | null): StunFinding {
  return {
    url: `stun:${server}`,
    server: [server, 3478],
    mapped,
    seconds: 0.02,
    ...(mapped ? {} : { fault: "no answer" }),
  };
}

Deno.test("one mapping for all servers, a mapping for each, and none are told apart", () => {
  const own = ["192.168.1.5"];
  const [a, b] = ["198.51.100.1", "198.51.100.2"];
  assert.equal(natOf([seen(a, ["203.0.113.7", 4000]), seen(b, ["203.0.113.7", 4000])], own), "same for all");
  assert.equal(natOf([seen(a, ["203.0.113.7", 4000]), seen(b, ["203.0.113.7", 4001])], own), "symmetric");
  assert.equal(natOf([seen(a, ["203.0.113.7", 4000]), seen(b, ["203.0.113.8", 4000])], own), "symmetric");
  assert.equal(natOf([seen(a, ["192.168.1.5", 4000]), seen(b, null)], own), "none");
  assert.equal(natOf([seen(a, ["203.0.113.7", 4000]), seen(b, null)], own), "some");
  assert.equal(natOf([seen(a, null)], own), "unknown");
});

Deno.test("the same server under two names says nothing about the kind, nor does one in the same network", () => {
  const first = seen("198.51.100.1", ["203.0.113.7", 4000]);
  assert.equal(natOf([first, { ...first, url: "stun:other" }], ["192.168.1.5"]), "some");
  assert.equal(natOf([first, seen("192.168.1.1", ["192.168.1.5", 4000])], ["192.168.1.5"]), "some");
});

Deno.test("a symmetric NAT is a warning that names TURN; an unknown one is not held against anybody", () => {
  const findings = [seen("198.51.100.1", ["203.0.113.7", 4000]), seen("198.51.100.2", ["203.0.113.7", 4001])];
  const [symmetric] = natCheck("symmetric", findings);
  assert.equal(symmetric?.status, "warn");
  assert.match(symmetric?.summary ?? "", /203\.0\.113\.7:4000 and 203\.0\.113\.7:4001/);
  assert.match(symmetric?.remedy ?? "", /--turn-server/);
  assert.deepEqual(natCheck("unknown", findings).map(({ status }) => status), ["skip"]);
  assert.deepEqual(natCheck("unknown", []), []);
});

Deno.test("a STUN server that is silent is a warning, as a viewer in the same network needs none", () => {
  const silent = stunCheck(seen("198.51.100.1", null));
  assert.equal(silent.status, "warn");
  assert.match(silent.summary, /stun:198\.51\.100\.1 gives no address: no answer/);
  assert.match(silent.remedy ?? "", /same network need none/);
  const answers = stunCheck(seen("198.51.100.1", ["203.0.113.7", 4000]));
  assert.equal(answers.summary, "STUN stun:198.51.100.1 answers in 20 ms and sees 203.0.113.7:4000");
});
