import type { Report } from "../../src/doctor/mod.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Time limit of one run, in milliseconds; it limits itself to about 15 s. */
const LIMIT_MS = 30_000;

/** What a run of `telefuser doctor` came to. */
export interface DoctorRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Seconds. */
  readonly duration: number;
}

/** The command line that runs it. */
export function doctorCommand(args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--no-prompt", `${ROOT}main.ts`, "doctor", ...args];
}

/** Runs it as a user does; fails when it does not end. */
export async function runDoctor(
  args: readonly string[],
  { env = {} }: { env?: Record<string, string> } = {},
): Promise<DoctorRun> {
  const [program = "", ...rest] = doctorCommand(args);
  const begun = performance.now();
  const { code, signal, stdout, stderr } = await new Deno.Command(program, {
    args: rest,
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  if (signal !== null) throw new Error(`doctor did not end within ${LIMIT_MS} ms`);
  const text = new TextDecoder();
  const duration = (performance.now() - begun) / 1000;
  return { code, out: text.decode(stdout), err: text.decode(stderr), duration };
}

/** The report that `--json` printed, with its checks by id. */
export function readReport(out: string): { report: Report; checks: Map<string, Report["checks"][number]> } {
  const report = JSON.parse(out) as Report;
  return { report, checks: new Map(report.checks.map((check) => [check.id, check])) };
}
