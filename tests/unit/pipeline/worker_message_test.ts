import assert from "node:assert/strict";
import { readWorkerMessage } from "../../../src/pipeline/worker_message.ts";
import { CapturedLog } from "../support/captured_log.ts";

const READY = { t: "ready", mode: "server_push", viewerMedia: null };

Deno.test("a pipeline is ready whatever its defaultFps is, and nonsense is named", () => {
  using log = new CapturedLog("warn");
  for (const defaultFps of [null, 0.1, 29.97, 240]) {
    assert.deepEqual(readWorkerMessage({ ...READY, defaultFps }), { ...READY, defaultFps });
  }
  assert.equal(log.lines.length, 0);
  for (const defaultFps of [NaN, Infinity, 0, -24, 241, "24", undefined, {}]) {
    assert.deepEqual(readWorkerMessage({ ...READY, defaultFps }), { ...READY, defaultFps: null });
  }
  assert.equal(log.lines.length, 8);
  assert.match(log.lines[0]?.line ?? "", /defaultFps is left out: it is NaN; give a number from 0\.1 to 240/);
});

Deno.test("a log line comes through whatever its fields are", () => {
  const line = { t: "log", level: "info", message: "x", session: null };
  for (
    const [fields, read] of [
      [{ left: 3 }, { left: 3 }],
      ["text", { fields: "text" }],
      [[1], { fields: [1] }],
      [null, {}],
      [undefined, {}],
    ]
  ) {
    assert.deepEqual(readWorkerMessage({ ...line, fields }), { ...line, fields: read });
  }
});

Deno.test("what is no message of the protocol is null", () => {
  using log = new CapturedLog("warn");
  for (const strange of [null, 7, "ready", {}, { t: "ready" }, { t: "load", url: "file:///x" }]) {
    assert.equal(readWorkerMessage(strange), null);
  }
  assert.equal(log.lines.length, 0);
});
