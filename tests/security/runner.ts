import type { SecurityLevel } from "../../src/pipeline/mod.ts";
import type { ChildCommand } from "../../src/pipeline/process_link.ts";
import { type Attempt, markOf } from "./corpus/mod.ts";
import { Ground } from "./ground.ts";
import type { Plan, Report, Task } from "./plan.ts";

const WALL_HOST = new URL("./wall_host.ts", import.meta.url).pathname;
const PLAIN_HOST = new URL("./plain_host.ts", import.meta.url).pathname;
/** What the server is started with; a plain program gets the same and, where the attempt needs it, more. */
const FLAGS = [
  "--no-prompt",
  "--no-check",
  "--unstable-worker-options",
  "--unstable-net",
  "--unstable-raw-imports",
];

/** Where attempts are made. */
export interface Place {
  readonly level: SecurityLevel;
  /** Has the worker in a child process that is started so; null for one in the program's own process. */
  readonly child: ChildCommand | null;
  /** The program, when it is not that of the checkout. */
  readonly host?: HostProgram | undefined;
}

/** How `wall_host.ts` is started. */
export interface HostProgram {
  readonly program: string;
  /** What goes before its own argument. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What came of one attempt. */
export interface Result {
  readonly attempt: Attempt;
  /** Whether its proof was found. */
  readonly succeeded: boolean;
  /** What it gave. */
  readonly outcome: string | null;
  /** What it threw. */
  readonly error: string | null;
  /** Lines of the log that are about it. */
  readonly lines: readonly string[];
}

/** What came of all of them. */
export interface Run {
  readonly results: readonly Result[];
  /** All that was written to the standard streams. */
  readonly printed: string;
  readonly log: readonly string[];
}

/** Makes attempts in the worker of a pipeline, one after the other. */
export async function runBehindWall(attempts: readonly Attempt[], { level, child, host }: Place): Promise<Run> {
  await using ground = await Ground.lay(attempts);
  const tasks = await writePipelines(ground, attempts);
  // As the tasks in deno.json start the server. What the attempts would fetch is fetched where nothing denies it.
  const cached = level === "permissive" ? [] : ["--cached-only"];
  host ??= await sourceProgram(ground, [...FLAGS, ...cached, WALL_HOST]);
  return await runProgram({ ground, attempts, tasks, level, child, host });
}

/**
 * Makes attempts and those that failed once more, three times in all: one success shows that there is a way, and some of
 * them do not wait for long.
 *
 * @returns the last failure of each that never succeeded
 */
export async function failuresOf(attempts: readonly Attempt[], place: Place): Promise<readonly Result[]> {
  let failures: readonly Result[] = [];
  for (let round = 0, left = attempts; round < 3 && left.length > 0; round++) {
    const { results } = await runBehindWall(left, place);
    failures = results.filter(({ succeeded }) => !succeeded);
    left = failures.map(({ attempt }) => attempt);
  }
  return failures;
}

/** Makes one attempt in a plain program that may do everything. */
export async function runPlainly(attempt: Attempt, flags: readonly string[]): Promise<Result> {
  await using ground = await Ground.lay([attempt]);
  const tasks = await writePipelines(ground, [attempt]);
  const host = await sourceProgram(ground, [...FLAGS, ...flags, PLAIN_HOST]);
  const run = await runProgram({ ground, attempts: [attempt], tasks, level: "permissive", child: null, host });
  return run.results[0] as Result;
}

/** The attempt as a pipeline module of its own, for the check. */
export function moduleOf({ imports, body }: Attempt, http = "http://127.0.0.1:1"): string {
  return `${(imports ?? "").replace("$HTTP", http)}
let context;
export function getService() {
  return {
    start(given) { context = given; },
    async *serve({ facts: t }) {
      const value = await attempt(t, context);
      yield { outcome: String(value) };
    },
  };
}
async function attempt(t, context) {
  ${body}
}
`;
}

async function writePipelines(ground: Ground, attempts: readonly Attempt[]): Promise<Task[]> {
  const together = `${ground.folder}/corpus.js`;
  await Deno.writeTextFile(together, corpusModule(attempts.filter(({ imports }) => imports === null)));
  return await Promise.all(attempts.map(async (attempt) => {
    const { id, imports, alone } = attempt;
    const task = { id, entry: together, alone, facts: ground.facts(attempt) };
    if (imports === null) return task;
    const entry = `${ground.folder}/${markOf(id)}.ts`;
    await Deno.writeTextFile(entry, moduleOf(attempt, ground.listeners.http));
    return { ...task, entry };
  }));
}

/** One module with many attempts, each of which a session asks for by its id. */
function corpusModule(attempts: readonly Attempt[]): string {
  const functions = attempts.map(({ id, body }) =>
    `  ${JSON.stringify(id)}: async (t, context) => {\n    ${body}\n  },`
  );
  return `let context;
const attempts = {
${functions.join("\n")}
};
export function getService() {
  return {
    start(given) { context = given; },
    async *serve(request) {
      const value = await attempts[request.attempt](request.facts, context);
      yield value?.chunk ?? { outcome: String(value) };
    },
  };
}
`;
}

/** A program of the checkout. */
async function sourceProgram(ground: Ground, command: readonly string[]): Promise<HostProgram> {
  return { program: Deno.execPath(), args: ["run", "-A", `--lock=${await ground.lock()}`, ...command], env: {} };
}

async function runProgram(
  { ground, attempts, tasks, level, child, host }: {
    ground: Ground;
    attempts: readonly Attempt[];
    tasks: readonly Task[];
    level: SecurityLevel;
    child: ChildCommand | null;
    host: HostProgram;
  },
): Promise<Run> {
  const reports = `${ground.root}/reports`;
  const log = `${ground.root}/log`;
  for (const path of [reports, log]) await Deno.writeTextFile(path, "");
  let told: Report[] = [];
  let printed = "";
  const left = () => {
    const begun = new Set(told.flatMap((one) => one.t === "begin" ? [one.id] : []));
    return tasks.filter(({ id }) => !begun.has(id));
  };
  // An attempt that ends the program must not hide those after it.
  while (left().length > 0) {
    const before = told.length;
    const plan: Plan = { level, child, tasks: left(), reports, log };
    printed += await runOnce({ ground, plan, host });
    told = parseLines(await Deno.readTextFile(reports));
    if (told.length === before) throw new Error(`the program does not begin: ${printed}`);
  }
  const logged = (await Deno.readTextFile(log)).split("\n").filter(Boolean);
  const judge = new Judge({ ground, told, printed, logged });
  const results = attempts.map((attempt) => judge.result(attempt));
  // One that is not even loaded proves nothing.
  const broken = results.find(({ attempt, error }) => attempt.imports === null && error?.includes("import failed"));
  if (broken !== undefined) throw new Error(`${broken.attempt.id} was not loaded: ${broken.error}`);
  return { results, printed, log: logged };
}

/** Runs the program on a plan; resolves with what it wrote to its standard streams. */
async function runOnce(
  { ground, plan, host }: { ground: Ground; plan: Plan; host: HostProgram },
): Promise<string> {
  const file = `${ground.root}/plan.json`;
  await Deno.writeTextFile(file, JSON.stringify(plan));
  const program = new Deno.Command(host.program, {
    args: [...host.args, file],
    env: { ...await ground.environment(), ...host.env, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = program.stdin.getWriter();
  await input.write(new TextEncoder().encode(ground.secrets.input));
  const { stdout, stderr } = await program.output();
  input.abort().catch(() => undefined); // It has ended.
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

function parseLines(text: string): Report[] {
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Report);
}

/** Looks for the proof of each attempt. */
class Judge {
  readonly #ground: Ground;
  readonly #told = new Map<string, Report[]>();
  readonly #printed: string;
  readonly #logged: readonly string[];

  constructor(
    { ground, told, printed, logged }: {
      ground: Ground;
      told: readonly Report[];
      printed: string;
      logged: readonly string[];
    },
  ) {
    this.#ground = ground;
    for (const one of told) {
      if (one.t === "done") continue;
      const before = this.#told.get(one.id);
      if (before === undefined) this.#told.set(one.id, [one]);
      else before.push(one);
    }
    this.#printed = printed;
    this.#logged = logged;
  }

  result(attempt: Attempt): Result {
    const { id } = attempt;
    const end = this.#of(id).find((one): one is Extract<Report, { t: "end" }> => one.t === "end");
    const outcome = end?.outcome ?? null;
    const error = end === undefined ? "the program ended before the attempt did" : end.error;
    const lines = this.#logged.filter((line) =>
      line.includes(`session=${id}`) || line.includes(markOf(id)) ||
      (error !== null && line.includes(error.split("\n", 1)[0] ?? ""))
    );
    return { attempt, succeeded: this.#isProved(attempt, outcome), outcome, error, lines };
  }

  #isProved({ id, proof }: Attempt, outcome: string | null): boolean {
    const ground = this.#ground;
    const mark = markOf(id);
    switch (proof.kind) {
      case "tells":
        return outcome?.includes(ground.secrets[proof.secret]) === true;
      case "matches":
        return outcome !== null && proof.pattern.test(outcome);
      case "makes":
        return ground.isMade(id);
      case "changes":
        return ground.isChanged(id);
      case "arrives":
        return ground.listeners.hasReceived(mark) || this.#wasFound(id, "arrived") ||
          this.#logged.some((line) => id === "message.port_is_reached" && line.includes(mark));
      case "knocks":
        return ground.listeners.hasKnocked(id);
      case "prints":
        return this.#printed.includes(mark);
      case "forges":
        return this.#logged.some((line) => line.includes(mark) && !/^[\d:.]+ [A-Z]+ +pipeline /.test(line));
      case "ends":
        return ground.hasEnded(id);
      case "exits":
        return this.#of(id).length > 0 && !this.#of(id).some(({ t }) => t === "end");
      case "pollutes":
        return this.#wasFound(id, "polluted");
    }
  }

  #wasFound(id: string, where: "arrived" | "polluted"): boolean {
    return this.#of(id).some((one) => one.t === "found" && one.where === where);
  }

  #of(id: string): readonly Report[] {
    return this.#told.get(id) ?? [];
  }
}
