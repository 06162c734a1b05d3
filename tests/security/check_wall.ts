import assert from "node:assert/strict";
import type { ChildCommand } from "../../src/pipeline/process_link.ts";
import type { Attempt } from "./corpus/mod.ts";
import { type HostProgram, type Result, runBehindWall } from "./runner.ts";

/** An attempt and what came of it, in a few words. */
export function describe({ attempt, outcome, error }: Result): string {
  return `${attempt.id}: ${outcome ?? error ?? ""}`.slice(0, 300);
}

/** One that throws lets the denial through, and the log has it under the pipeline's name. */
function unreported(results: readonly Result[]): string[] {
  const silent = results.filter(({ error, lines }) => error !== null && !lines.some((line) => / pipeline /.test(line)));
  return silent.map(({ attempt }) => attempt.id);
}

/**
 * Makes attempts against the wall alone: none succeeds but those that the level allows, and each denial is told.
 *
 * @param place.child how a pipeline's process is started; null for a worker of the server
 * @param place.host the program that holds the worker, when it is not that of the checkout
 * @param place.isPackaged whether that is an executable, in which not all is there that the sources would allow
 */
export async function checkWall(
  attempts: readonly Attempt[],
  { level, child, host, isPackaged = false }: {
    level: "strict" | "standard";
    child: ChildCommand | null;
    host?: HostProgram;
    isPackaged?: boolean;
  },
): Promise<void> {
  const halves = [0, 1].map((half) => attempts.filter((_, index) => index % 2 === half));
  const runs = await Promise.all(halves.map((half) => runBehindWall(half, { level, child, host })));
  const results = runs.flatMap((run) => run.results);
  const wrong = results.filter(({ attempt, succeeded }) => {
    const isAllowed = attempt.allowed.includes(level);
    return isPackaged ? succeeded && !isAllowed : succeeded !== isAllowed;
  });
  assert.deepEqual(wrong.map(describe), []);
  assert.deepEqual(unreported(results), []);
}
