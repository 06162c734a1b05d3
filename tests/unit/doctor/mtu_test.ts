import assert from "node:assert/strict";
import { mtuCheck } from "../../../src/doctor/mtu.ts";

Deno.test("the largest datagram that was answered counts; a stream needs 1200", () => {
  const target = "192.0.2.9:40000";
  const good = mtuCheck({ target, answered: [1200, 1280] }, { received: 1156 });
  assert.equal(good.status, "ok");
  assert.match(good.summary, /up to 1280 bytes get to 192\.0\.2\.9:40000/);
  assert.match(good.detail ?? "", /up to 1156 bytes came back/);
  const bad = mtuCheck({ target, answered: [] });
  assert.equal(bad.status, "warn");
  assert.match(bad.remedy ?? "", /raise the MTU/);
  assert.equal(mtuCheck(null).status, "skip");
});
