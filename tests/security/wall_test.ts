/**
 * Every attempt of the corpus, past the check and against the wall alone, and once more where it must succeed: only then
 * does its denial mean anything.
 */

import assert from "node:assert/strict";
import { childCommand, type SecurityLevel } from "../../src/pipeline/mod.ts";
import { checkWall, describe } from "./check_wall.ts";
import { type Attempt, categoryOf, CORPUS } from "./corpus/mod.ts";
import { openedByFfmpeg } from "./ffmpeg.ts";
import { refusedAtGate } from "./gate.ts";
import { Ground } from "./ground.ts";
import { failuresOf, runPlainly } from "./runner.ts";

function tally(attempts: readonly Attempt[]): string {
  const counts = Object.groupBy(attempts, categoryOf);
  return Object.entries(counts).map(([category, list]) => `${category} ${list?.length}`).join(", ");
}

const DENIED = CORPUS.filter(({ allowed }) => !allowed.includes("strict"));

Deno.test(`the corpus has at least 80 attempts, each under a name of its own: ${tally(CORPUS)}`, () => {
  assert.ok(DENIED.length >= 80, `${DENIED.length} attempts`);
  assert.equal(new Set(CORPUS.map(({ id }) => id)).size, CORPUS.length);
});

for (const level of ["strict", "standard"] as const) {
  Deno.test(`at ${level} no attempt gets out of a worker, and each denial is told under the pipeline's name`, async () => {
    await checkWall(CORPUS, { level, child: null });
  });

  Deno.test(`at ${level} no attempt gets out of a pipeline's process`, async () => {
    const attempts = level === "strict" ? CORPUS : CORPUS.filter((_, index) => index % 4 === 0);
    await checkWall(attempts, { level, child: childCommand() });
  });
}

Deno.test("what is denied works where nothing denies it: in a permissive pipeline", async () => {
  const attempts = CORPUS.filter(({ control }) => control === "permissive");
  assert.deepEqual((await failuresOf(attempts, { level: "permissive", child: null })).map(describe), []);
});

Deno.test("what is denied works where nothing denies it: in a plain program", async () => {
  const failed: string[] = [];
  const waiting = CORPUS.filter(({ control }) => typeof control === "object" && "plain" in control);
  await Promise.all([0, 1].map(async () => {
    for (let attempt = waiting.shift(); attempt !== undefined; attempt = waiting.shift()) {
      const result = await runPlainly(attempt, (attempt.control as { plain: readonly string[] }).plain);
      if (!result.succeeded) failed.push(describe(result));
    }
  }));
  assert.deepEqual(failed, []);
});

Deno.test("the lists of the corpus lead FFmpeg to what they name, when nothing holds it back", async () => {
  await using ground = await Ground.lay([]);
  for (const { id, control } of CORPUS) {
    if (typeof control !== "object" || !("ffmpeg" in control)) continue;
    assert.equal(await openedByFfmpeg(`${ground.folder}/${control.ffmpeg}`), ground.secrets.video, id);
  }
});

/** Kinds that the check knows by their names in the source. */
const KNOWN_AT_GATE = ["write", "env", "run", "native", "net", "remote", "worker", "signal"];
/** What needs no such name: it computes, or asks the runtime in a roundabout way. */
const PAST_GATE = ["native.wasm_only", "net.wasm_streaming"];

for (const level of ["strict", "standard"] as const satisfies readonly SecurityLevel[]) {
  Deno.test(`at ${level} the check refuses what it knows by name`, async () => {
    const refused = await refusedAtGate(CORPUS, level);
    const known = DENIED.filter((attempt) => KNOWN_AT_GATE.includes(categoryOf(attempt)));
    const passed = known.map(({ id }) => id).filter((id) => !refused.has(id) && !PAST_GATE.includes(id));
    console.log(`refused at ${level}: ${refused.size} of ${CORPUS.length}`);
    if (level === "strict") assert.deepEqual(passed, []);
    else assert.ok(refused.size >= 80, `${refused.size} refused; passed: ${passed.join(", ")}`);
  });
}
