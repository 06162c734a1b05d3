/**
 * Every attempt of the corpus, past the check and against the wall alone, and once more where it must succeed: only then
 * does its denial mean anything.
 *
 * With TELEFUSER_BIN, the path of the packaged executable, the child processes are that executable's.
 */

import assert from "node:assert/strict";
import { childCommand, type SecurityLevel } from "../../src/pipeline/mod.ts";
import type { ChildCommand } from "../../src/pipeline/process_link.ts";
import { type Attempt, categoryOf, CORPUS } from "./corpus/mod.ts";
import { openedByFfmpeg } from "./ffmpeg.ts";
import { refusedAtGate } from "./gate.ts";
import { Ground } from "./ground.ts";
import { type Result, runBehindWall, runPlainly } from "./runner.ts";

function executable(): ChildCommand {
  const program = Deno.env.get("TELEFUSER_BIN");
  return program === undefined ? childCommand() : { program, args: ["pipeline-child"] };
}

function describe({ attempt, outcome, error }: Result): string {
  return `${attempt.id}: ${outcome ?? error ?? ""}`.slice(0, 300);
}

/** One that throws lets the denial through, and the log has it under the pipeline's name. */
function unreported(results: readonly Result[]): string[] {
  const silent = results.filter(({ error, lines }) => error !== null && !lines.some((line) => / pipeline /.test(line)));
  return silent.map(({ attempt }) => attempt.id);
}

function tally(attempts: readonly Attempt[]): string {
  const counts = Object.groupBy(attempts, categoryOf);
  return Object.entries(counts).map(([category, list]) => `${category} ${list?.length}`).join(", ");
}

async function checkWall(
  attempts: readonly Attempt[],
  { level, child }: { level: "strict" | "standard"; child: ChildCommand | null },
): Promise<void> {
  const halves = [0, 1].map((half) => attempts.filter((_, index) => index % 2 === half));
  const runs = await Promise.all(halves.map((half) => runBehindWall(half, { level, child })));
  const results = runs.flatMap((run) => run.results);
  const wrong = results.filter(({ attempt, succeeded }) => succeeded !== attempt.allowed.includes(level));
  assert.deepEqual(wrong.map(describe), []);
  assert.deepEqual(unreported(results), []);
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
    await checkWall(attempts, { level, child: executable() });
  });
}

Deno.test("what is denied works where nothing denies it: in a permissive pipeline", async () => {
  const { results } = await runBehindWall(CORPUS.filter(({ control }) => control === "permissive"), {
    level: "permissive",
    child: null,
  });
  assert.deepEqual(results.filter(({ succeeded }) => !succeeded).map(describe), []);
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
