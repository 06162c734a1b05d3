import assert from "node:assert/strict";
import { TaskScope } from "../../../src/async/mod.ts";
import { Log } from "../../../src/log.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { settle } from "../support/manual_clock.ts";

Deno.test("waits for all tasks that run", async () => {
  const scope = new TaskScope(new Log("test"));
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const ended: string[] = [];
  scope.run("first", () => gates[0].promise.then(() => ended.push("first")));
  scope.run("second", () => gates[1].promise.then(() => ended.push("second")));
  let settled = false;
  const all = scope.settled().then(() => settled = true);
  gates[1].resolve();
  await settle();
  assert.equal(settled, false);
  gates[0].resolve();
  await all;
  assert.deepEqual(ended, ["second", "first"]);
  await scope.settled();
});

Deno.test("logs a failure by the task's name, whether it throws at once or later", async () => {
  using log = new CapturedLog();
  const scope = new TaskScope(new Log("test"));
  scope.run("stream", () => Promise.reject(new Error("out of memory")));
  scope.run("sound", () => {
    throw new Error("no codec");
  });
  await scope.settled();
  assert.deepEqual(log.lines.map(({ level }) => level).toSorted(), ["error", "error"]);
  assert.match(log.text, /stream failed: out of memory/);
  assert.match(log.text, /sound failed: no codec/);
});

Deno.test("tells a failure to whoever wants it instead of logging it", async () => {
  using log = new CapturedLog();
  const failures: [string, unknown][] = [];
  const scope = new TaskScope(new Log("test"), (name, error) => failures.push([name, error]));
  const failure = new Error("out of memory");
  scope.run("stream", () => Promise.reject(failure));
  scope.run("fine", () => Promise.resolve(1));
  await scope.settled();
  assert.deepEqual(failures, [["stream", failure]]);
  assert.equal(log.text, "");
});
