import type { Clock } from "../async/mod.ts";

/** How a check ended: `warn` is a shortcoming that some viewers notice, `skip` could not be tried. */
export type CheckStatus = "ok" | "warn" | "fail" | "skip";

/** One thing that was tried. */
export interface Check {
  /** What was tried, for programs; of several alike with the URL behind a colon. */
  readonly id: string;
  readonly status: CheckStatus;
  /** What was tried and found, on one line. */
  readonly summary: string;
  /** More of what was found. */
  readonly detail?: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** Time and its limits, for everything that waits. */
export interface Timing {
  readonly clock: Clock;
  /** When everything must be done, on the clock's scale. */
  readonly deadline: number;
  /** Aborts when the user gives up. */
  readonly signal: AbortSignal;
}

/** Seconds that may be waited: as many as wanted, but not past the deadline. */
export function secondsLeft({ clock, deadline }: Timing, wanted: number): number {
  return Math.max(0, Math.min(wanted, deadline - clock.now()));
}

/** A duration for people. */
export function milliseconds(seconds: number): string {
  const ms = seconds * 1000;
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 9950 ? `${Math.round(ms)} ms` : `${seconds.toFixed(1)} s`;
}

/** An address for people, IPv6 in brackets. */
export function addressText([host, port]: readonly [string, number]): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Things in a row: `a, b and c`. */
export function listText(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
