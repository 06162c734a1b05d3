import type { SecurityLevel } from "../../src/pipeline/mod.ts";
import type { ChildCommand } from "../../src/pipeline/process_link.ts";
import type { Facts } from "./ground.ts";

/** The environment variable that a file of the pipeline's folder sets. */
export const LOADED = "GROUND_LOADED";

/** What a program that runs attempts is told, by way of a file. */
export interface Plan {
  readonly level: SecurityLevel;
  /** The child process that holds the worker; null for a worker of the program's own. */
  readonly child: ChildCommand | null;
  readonly tasks: readonly Task[];
  /** File to which it adds its reports, one JSON text a line. */
  readonly reports: string;
  /** File to which it adds the lines of its log. */
  readonly log: string;
}

/** One attempt to be made. */
export interface Task {
  readonly id: string;
  /** Pipeline module that has it. */
  readonly entry: string;
  readonly alone: boolean;
  readonly facts: Facts;
}

/** What such a program says. */
export type Report =
  /** An attempt begins. */
  | { readonly t: "begin"; readonly id: string }
  /** It has ended: what it gave, or what it threw. */
  | { readonly t: "end"; readonly id: string; readonly outcome: string | null; readonly error: string | null }
  /** The mark of an attempt was found on the host's side, in words. */
  | { readonly t: "found"; readonly id: string; readonly where: "arrived" | "polluted" }
  /** All attempts have been made. */
  | { readonly t: "done" };
