import assert from "node:assert/strict";
import type { WorkerMessage } from "../../../src/pipeline/protocol.ts";
import { WorkerLog } from "../../../src/pipeline/worker_log.ts";

function makeLog() {
  const sent: Extract<WorkerMessage, { t: "log" }>[] = [];
  let now = 0;
  const log = new WorkerLog((message) => void (message.t === "log" && sent.push(message)), () => now);
  return { sent, log, pass: (ms: number) => now += ms };
}

Deno.test("lines pass on with level, fields and session", () => {
  const { sent, log } = makeLog();
  log.of("s1").warn("careful", { left: 3 });
  log.of(null).debug("well");
  assert.deepEqual(sent, [
    { t: "log", level: "warn", message: "careful", fields: { left: 3 }, session: "s1" },
    { t: "log", level: "debug", message: "well", fields: {}, session: null },
  ]);
});

Deno.test("beyond 200 lines a second they are counted, and the next one that passes says how many", () => {
  const { sent, log, pass } = makeLog();
  for (let at = 0; at < 10_200; at++) log.of(null).info(`line ${at}`);
  assert.equal(sent.length, 200);
  pass(10);
  log.of(null).info("on");
  assert.deepEqual(sent.slice(200).map(({ message, fields }) => [message, fields]), [
    ["the pipeline logs too much; lines were left out", { left_out: 10_000 }],
    ["on", {}],
  ]);
  pass(60_000);
  for (let at = 0; at < 300; at++) log.of(null).info("again");
  assert.equal(sent.length, 402, "a pause earns no more than a second's lines");
});

Deno.test("a long line is cut, long fields too, and what cannot be shown is named", () => {
  const { sent, log } = makeLog();
  log.of(null).info("x".repeat(100_000), { y: "y".repeat(100_000) });
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  log.of(null).info("circle", circle);
  assert.equal(sent[0]?.message.length, 4097);
  assert.ok(JSON.stringify(sent[0]?.fields).length < 5000);
  assert.match(String(sent[1]?.fields.unprintable), /circular/);
});

Deno.test("fields that are no record keep their line", () => {
  const { sent, log } = makeLog();
  const { info } = log.of(null) as unknown as { info(message: string, fields: unknown): void };
  for (const fields of ["text", 7, [1, 2], null, true, () => 1]) info("line", fields);
  assert.deepEqual(sent.slice(0, 5).map((line) => line.fields), [
    { fields: "text" },
    { fields: 7 },
    { fields: [1, 2] },
    {},
    { fields: true },
  ]);
  assert.equal(typeof sent[5]?.fields.unprintable, "string");
});
