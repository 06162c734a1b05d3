/**
 * Holds a pipeline as the server does, past the check, and makes the attempts of a plan, one session each. A program of its
 * own, so that its standard streams, its environment and its life can be looked at from outside.
 *
 * Usage: deno run -A wall_host.ts <plan.json>
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { sleep, systemClock, withTimeLimit } from "../../src/async/mod.ts";
import { openVideoFile } from "../../src/codec/mod.ts";
import { setLogSink } from "../../src/log.ts";
import {
  DEFAULT_LIMITS,
  permissionsFor,
  PipelineHost,
  processLink,
  readModuleGraph,
  workerLink,
} from "../../src/pipeline/mod.ts";
import { markOf } from "./corpus/mod.ts";
import { LOADED, type Plan, type Report, type Task } from "./plan.ts";

/** Seconds that an attempt may take. */
const PATIENCE = 3;

const plan = JSON.parse(await Deno.readTextFile(Deno.args[0] ?? "")) as Plan;
setLogSink({ write: (_level, line) => Deno.writeTextFileSync(plan.log, `${line}\n`, { append: true }) });
const marks = new Map(plan.tasks.map(({ id }) => [markOf(id), id]));
const folder = Deno.cwd();
const database = new DatabaseSync(":memory:");
const neighbours = new BroadcastChannel("ground");
neighbours.onmessage = ({ data }) => found(String(data), "arrived");

let host: PipelineHost | undefined;
for (const task of plan.tasks) {
  report({ t: "begin", id: task.id });
  if (task.alone || host?.status.state !== "running") await replace(task.entry);
  await attempt(task);
  await lookAround(task);
  if (task.alone) await replace(null);
}
await replace(null);
neighbours.close();
report({ t: "done" });
Deno.exit(0);

async function replace(entry: string | null): Promise<void> {
  await host?.stop();
  host = entry === null ? undefined : await startHost(entry);
}

async function startHost(entry: string): Promise<PipelineHost> {
  const graph = await readModuleGraph(entry);
  const permissions = await permissionsFor(plan.level, graph, { read: [], net: [], env: [], media: [] });
  const { chunkBytes } = DEFAULT_LIMITS;
  const options = { permissions: permissions.worker, memory: 0, chunkBytes, clock: systemClock };
  const started = new PipelineHost({
    entry,
    permissions,
    media: [],
    assets: new Map(),
    openVideo: openVideoFile,
    openLink: plan.child === null ? workerLink(permissions.worker) : processLink({ ...options, command: plan.child }),
    probe: { h264: () => false, vp8: () => false },
    limits: { ...DEFAULT_LIMITS, startSeconds: 10, heartbeatSeconds: 1.5, closeSeconds: 0.3 },
    clock: systemClock,
  });
  await started.start();
  return started;
}

async function attempt({ id, facts }: Task): Promise<void> {
  const ended = (outcome: string | null, error: string | null) => report({ t: "end", id, outcome, error });
  if (host?.status.state !== "running") return ended(null, host?.reasonNotRunning() ?? "");
  const session = host.open({ session_id: id, attempt: id, facts: { ...facts, server: Deno.pid } });
  try {
    const step = await withTimeLimit(systemClock, PATIENCE, session.next());
    if (step === "timeout") return ended(null, "it takes too long");
    const { outcome } = (step.value?.metadata ?? {}) as { outcome?: unknown };
    ended(String(outcome), null);
  } catch (error) {
    ended(null, (error as Error).message);
  } finally {
    session.close({ code: "closed", detail: "the attempt is over" });
  }
}

/** Looks for marks on what this program shares with the worker, or relies on. */
async function lookAround({ id, facts: { mark } }: Task): Promise<void> {
  await sleep(systemClock, 0.01);
  if (await caches.has(mark)) {
    found(mark, "arrived");
    await caches.delete(mark);
  }
  if ((await heldLocks()).includes(mark)) found(mark, "arrived");
  if (isMoved()) report({ t: "found", id, where: "arrived" });
  for (const shared of [{}, [], () => undefined, ""]) {
    if (mark in Object(shared)) report({ t: "found", id, where: "polluted" });
  }
}

/** Whether the process was changed: its working folder, environment, engine or databases. All is put back. */
function isMoved(): boolean {
  const changes: readonly [changed: boolean, restore: () => void][] = [
    [Deno.cwd() !== folder, () => Deno.chdir(folder)],
    [Deno.env.has(LOADED), () => Deno.env.delete(LOADED)],
    [runInNewContext("typeof gc") !== "undefined", () => setFlagsFromString("--no-expose-gc")],
    [temporaryFolder() !== "", () => database.exec("pragma temp_store_directory = ''")],
  ];
  const made = changes.filter(([changed]) => changed);
  for (const [, restore] of made) restore();
  return made.length > 0;
}

function temporaryFolder(): string {
  const row = database.prepare("pragma temp_store_directory").get();
  return String(row?.temp_store_directory ?? "");
}

async function heldLocks(): Promise<readonly string[]> {
  const { locks } = navigator as unknown as { locks: { query(): Promise<{ held?: readonly { name: string }[] }> } };
  return ((await locks.query()).held ?? []).map(({ name }) => name);
}

function found(mark: string, where: "arrived" | "polluted"): void {
  const id = marks.get(mark);
  if (id !== undefined) report({ t: "found", id, where });
}

function report(one: Report): void {
  Deno.writeTextFileSync(plan.reports, `${JSON.stringify(one)}\n`, { append: true });
}
