import assert from "node:assert/strict";
import { loadConfig } from "../../../src/config/mod.ts";
import { iceServersFor, timeLimitedCredentials } from "../../../src/webrtc/ice_config.ts";

const OUTSIDE = "203.0.113.9";
const NOW = 1_700_000_000.25;

/** The servers for a viewer at that address, with those flags. */
function serversFor(remote: string, flags: Record<string, string> = {}) {
  return iceServersFor(loadConfig({ flags, env: () => undefined }), { remote, unixTime: NOW });
}

Deno.test("time-limited credentials are those that OpenSSL computes", () => {
  // printf 1700086400:telefuser | openssl dgst -sha1 -hmac 'north star' -binary | base64
  assert.deepEqual(timeLimitedCredentials({ secret: "north star", unixTime: NOW, ttl: 86_400 }), {
    username: "1700086400:telefuser",
    credential: "Y4BydXaSWIdN5VdYH1xK2jFPNC8=",
  });
});

Deno.test("they differ with the secret and with the time, and are the same within a second", () => {
  const at = (secret: string, unixTime: number) => timeLimitedCredentials({ secret, unixTime, ttl: 60 });
  assert.deepEqual(at("a", 100.1), at("a", 100.9));
  assert.notEqual(at("a", 100).credential, at("b", 100).credential);
  assert.notEqual(at("a", 100).credential, at("a", 101).credential);
  assert.equal(at("a", 101).username, "161:telefuser");
});

Deno.test("the default STUN server is for viewers from outside alone", () => {
  assert.deepEqual(serversFor(OUTSIDE), [{ urls: "stun:stun.l.google.com:19302" }]);
  assert.deepEqual(serversFor("2001:db8::9"), [{ urls: "stun:stun.l.google.com:19302" }]);
  for (
    const local of ["127.0.0.1", "::1", "192.168.1.20", "10.0.0.3", "::ffff:10.0.0.3", "172.20.1.1", "fe80::1", ""]
  ) {
    assert.deepEqual(serversFor(local), [], local);
  }
});

Deno.test("STUN servers that were named are for everybody, and an empty list for nobody", () => {
  const stunServers = "stun:stun.example.org";
  assert.deepEqual(serversFor("127.0.0.1", { stunServers }), [{ urls: stunServers }]);
  assert.deepEqual(serversFor(OUTSIDE, { stunServers }), [{ urls: stunServers }]);
  assert.deepEqual(serversFor(OUTSIDE, { stunServers: "" }), []);
});

Deno.test("TURN servers are for everybody, each with the password, in the order in which they were given", () => {
  const flags = { turnServer: "turn:a.example,turns:b.example", turnUsername: "u", turnCredential: "p" };
  assert.deepEqual(serversFor("127.0.0.1", flags), [
    { urls: "turn:a.example", username: "u", credential: "p" },
    { urls: "turns:b.example", username: "u", credential: "p" },
  ]);
});

Deno.test("a shared secret takes the place of user name and password, and lives as long as was said", () => {
  const flags = { turnServer: "turn:a.example", turnSecret: "s", turnTtlSeconds: "600" };
  const [server] = serversFor("127.0.0.1", flags);
  const expected = timeLimitedCredentials({ secret: "s", unixTime: NOW, ttl: 600 });
  assert.deepEqual(server, { urls: "turn:a.example", ...expected });
  assert.equal(Number(server?.username?.split(":")[0]), Math.floor(NOW + 600));
});
