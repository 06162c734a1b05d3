import assert from "node:assert/strict";
import { turnChecks } from "../../../src/doctor/turn.ts";

const ALLOCATION = { seconds: 0.03, relayed: ["203.0.113.4", 50000], mapped: ["198.51.100.9", 4000] } as const;

function fault(
  text: string,
  { transport = "udp", isSpare = false, username = "me" }: {
    transport?: "udp" | "tcp" | "tls";
    isSpare?: boolean;
    username?: string;
  } = {},
) {
  const server = { urls: "turn:t.example:3478", username, credential: "hidden" };
  const [check, ...others] = turnChecks({ server, transport, probe: { allocation: null, fault: text } }, { isSpare });
  assert.deepEqual(others, []);
  assert.ok(check !== undefined);
  assert.ok(!JSON.stringify(check).includes("hidden"));
  return check;
}

Deno.test("a relay that works is three lines: address, permission, a packet there and back", () => {
  const server = { urls: "turn:t.example:3478" };
  const probe = { allocation: ALLOCATION, permissionFault: null, tripSeconds: 0.05 };
  const checks = turnChecks({ server, transport: "tls", probe }, { isSpare: true });
  assert.deepEqual(checks.map(({ id, status }) => [id.split(":")[0], status]), [
    ["turn-allocation", "ok"],
    ["turn-permission", "ok"],
    ["turn-data", "ok"],
  ]);
  assert.match(checks[0]?.summary ?? "", /\(TLS\) gives the address 203\.0\.113\.4:50000 in 30 ms/);
});

Deno.test("a permission that is refused, and packets that do not come through, are warnings with their remedy", () => {
  const server = { urls: "turn:t.example:3478" };
  const refused = { allocation: ALLOCATION, permissionFault: "403", tripSeconds: null };
  const [, permission, ...rest] = turnChecks({ server, transport: "udp", probe: refused }, { isSpare: true });
  assert.equal(permission?.status, "warn");
  assert.match(permission?.remedy ?? "", /allowed-peer-ip/);
  assert.deepEqual(rest, []);
  const lost = { allocation: ALLOCATION, permissionFault: null, tripSeconds: null };
  const data = turnChecks({ server, transport: "udp", probe: lost }, { isSpare: true })[2];
  assert.equal(data?.status, "warn");
  assert.match(data?.remedy ?? "", /49152/);
});

Deno.test("wrong credentials fail as that, whatever else works; missing ones ask for some", () => {
  const wrong = fault("it refuses the user name or password (401 Unauthorized)", { isSpare: true });
  assert.equal(wrong.status, "fail");
  assert.match(wrong.summary, /refuses the user name or password \(401/);
  assert.match(wrong.remedy ?? "", /check --turn-username and --turn-credential.*the right time/);
  assert.match(
    fault("it refuses the user name or password (401 x)", { username: "" }).remedy ?? "",
    /^give --turn-username/,
  );
});

Deno.test("silence is told as that, and is bearable where another way to a relay works", () => {
  const alone = fault("no answer within 3 s");
  assert.equal(alone.status, "fail");
  assert.match(alone.summary, /no answer over UDP/);
  assert.match(alone.remedy ?? "", /\?transport=tcp/);
  assert.equal(fault("no answer within 3 s", { isSpare: true }).status, "warn");
  assert.doesNotMatch(fault("no answer within 3 s", { transport: "tcp" }).remedy ?? "", /\?transport=tcp/);
});

Deno.test("refused connections, unknown names and TLS faults have words of their own", () => {
  assert.match(fault("connect ECONNREFUSED 127.0.0.1:1", { transport: "tcp" }).summary, /connection is refused/);
  assert.match(fault("getaddrinfo ENOTFOUND t.example").summary, /name cannot be looked up/);
  assert.match(fault("invalid peer certificate: Expired", { transport: "tls" }).summary, /has expired/);
  assert.match(fault("it answers 486 Allocation Quota Reached").remedy ?? "", /user-quota/);
  assert.match(fault("it answers 500 Server Error").remedy ?? "", /TURN server's log/);
});
