import { escapeControl } from "../log.ts";
import type { Check, CheckStatus } from "./check.ts";

/** Everything that was found. */
export interface Report {
  /** Whether nothing failed. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  /** One sentence. */
  readonly verdict: string;
}

const MARKS: Record<CheckStatus, string> = { ok: "ok  ", warn: "warn", fail: "FAIL", skip: "skip" };
/** Shorter ones would be found in harmless words. */
const SHORTEST_SECRET = 4;

/**
 * Puts a report together.
 *
 * @param options.secrets passwords that are starred wherever they stand, should a server repeat one
 */
export function makeReport(
  checks: readonly Check[],
  { verdict, secrets }: { verdict: string; secrets: readonly string[] },
): Report {
  const hidden = secrets.filter(({ length }) => length >= SHORTEST_SECRET);
  const clean = (text: string) => hidden.reduce((kept, secret) => kept.replaceAll(secret, "***"), text);
  return {
    ok: checks.every(({ status }) => status !== "fail"),
    checks: checks.map(({ id, status, summary, detail, remedy }) => ({
      id: clean(id),
      status,
      summary: clean(summary),
      ...(detail === undefined ? {} : { detail: clean(detail) }),
      ...(remedy === undefined ? {} : { remedy: clean(remedy) }),
    })),
    verdict: clean(verdict),
  };
}

/** A report for people: a line for each check, under it what to do, at the end the verdict. */
export function reportText({ checks, verdict }: Report): string {
  const lines = checks.flatMap(({ status, summary, detail, remedy }) => [
    `${MARKS[status]}  ${escapeControl(summary)}`,
    ...(detail === undefined ? [] : [`      ${escapeControl(detail)}`]),
    ...(remedy === undefined ? [] : [`      → ${escapeControl(remedy)}`]),
  ]);
  return [...lines, "", escapeControl(verdict)].join("\n");
}
