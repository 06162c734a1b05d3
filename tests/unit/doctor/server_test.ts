import assert from "node:assert/strict";
import type { HttpResult } from "../../../src/doctor/json_client.ts";
import { clockCheck, readHealth } from "../../../src/doctor/server.ts";

const NOW = 1_700_000_000;
const AT = { url: "http://server:8088", unixTime: NOW };
const HEALTH = {
  status: "healthy",
  timestamp: new Date(NOW * 1000).toISOString(),
  stream_mode: "bidirectional",
  webrtc_active_sessions: 1,
  webrtc_max_sessions: 4,
};

function answer(
  body: Record<string, unknown> | null,
  fields: Partial<HttpResult & { status: number }> = {},
): HttpResult {
  return { kind: "answer", status: 200, body, date: NOW + 90, seconds: 0.2, ...fields } as HttpResult;
}

Deno.test("a healthy server is told with its round trip and sessions, and its clock is compared", () => {
  const { health, check } = readHealth(answer(HEALTH), AT);
  assert.equal(check.status, "ok");
  assert.match(check.summary, /answers in 200 ms: healthy, 1 of 4 sessions/);
  assert.equal(health?.mode, "bidirectional");
  assert.ok(Math.abs((health?.clockAhead ?? 0) - 0.1) < 0.001, `${health?.clockAhead}`);
});

Deno.test("without a time of its own the header Date counts", () => {
  const { timestamp: _timestamp, ...rest } = HEALTH;
  assert.ok(Math.abs((readHealth(answer(rest), AT).health?.clockAhead ?? 0) - 90.1) < 0.001);
  assert.equal(readHealth(answer(rest, { date: null }), AT).health?.clockAhead, null);
});

Deno.test("clocks that are far apart are a warning that names the direction", () => {
  assert.equal(clockCheck(0.3).status, "ok");
  assert.equal(clockCheck(-29).status, "ok");
  assert.match(clockCheck(31).summary, /31 s ahead of this one/);
  const behind = clockCheck(-3600);
  assert.equal(behind.status, "warn");
  assert.match(behind.summary, /3600 s behind this one/);
  assert.match(behind.remedy ?? "", /TURN passwords/);
  assert.equal(clockCheck(null).status, "skip");
});

Deno.test("a pipeline that has failed is a failure, one that starts a warning", () => {
  const failed = { ...HEALTH, stream_mode: null, status: "unhealthy", detail: "no weights" };
  const broken = readHealth(answer(failed, { status: 503 }), AT);
  assert.equal(broken.check.status, "fail");
  assert.match(broken.check.summary, /does not run: no weights/);
  assert.equal(broken.health?.mode, null);
  assert.equal(readHealth(answer({ ...HEALTH, stream_mode: null, status: "starting" }), AT).check.status, "warn");
});

Deno.test("what is no such server, or does not answer, is a failure with the remedy", () => {
  for (const body of [null, {}, { webrtc_max_sessions: "4" }]) {
    const { health, check } = readHealth(answer(body), AT);
    assert.equal(health, null);
    assert.equal(check.status, "fail");
    assert.match(check.summary, /is no TeleFuser server/);
  }
  const { check } = readHealth({ kind: "fault", fault: "the connection is refused", remedy: "start the server" }, AT);
  assert.deepEqual([check.status, check.remedy], ["fail", "start the server"]);
});
