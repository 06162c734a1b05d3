/**
 * What is put in order in the worker before the user's module is loaded: everything that a pipeline reaches without a
 * permission and that is not its own. Permissions are the wall; this fills the gaps that they leave.
 *
 * @module
 */

import process from "node:process";
import { closeGaps } from "./worker_gaps.ts";
import type { WorkerLog } from "./worker_log.ts";

/** What the wall needs. */
export interface WallOptions {
  /** Whether the pipeline may do everything anyhow. */
  readonly permissive: boolean;
  readonly log: WorkerLog;
  /** Told when the pipeline ends its own worker. */
  readonly left: (by: string) => void;
  /** Told of what nobody caught. */
  readonly uncaught: (thrown: unknown) => void;
}

/** Raises the wall. */
export function raiseWall({ permissive, log, left, uncaught }: WallOptions): void {
  replaceConsole(log);
  replaceExits(left);
  catchStrays(uncaught);
  if (permissive) return;
  closeGaps();
}

/** What the console printed goes to the server's log, where no line can be forged. */
function replaceConsole(log: WorkerLog): void {
  const write = (level: "debug" | "info" | "warn" | "error") => (...values: unknown[]) => {
    const message = values.map((value) => typeof value === "string" ? value : inspect(value)).join(" ");
    log.write({ level, message, session: null });
  };
  const original = globalThis.console;
  const methods = {
    debug: write("debug"),
    trace: write("debug"),
    log: write("info"),
    info: write("info"),
    dir: write("info"),
    dirxml: write("info"),
    table: write("info"),
    warn: write("warn"),
    error: write("error"),
    assert: (condition: unknown, ...values: unknown[]) =>
      condition ? undefined : write("error")("assertion failed", ...values),
  };
  const quiet = new Proxy(methods, {
    get: (target, name) => Reflect.get(target, name) ?? (name in original ? () => undefined : undefined),
  });
  Object.defineProperty(globalThis, "console", { value: quiet, writable: true, configurable: true });
}

/** A value on one line. What it does when it is looked at is the user's code. */
function inspect(value: unknown): string {
  try {
    return Deno.inspect(value, { depth: 4, compact: true, breakLength: Infinity, colors: false });
  } catch (error) {
    return `(cannot be shown: ${String(error)})`;
  }
}

/** A worker that ends itself says so, as the host would else only notice that it has fallen silent. */
function replaceExits(left: (by: string) => void): void {
  const replace = (owner: object, name: string, by: string) => {
    const value = () => {
      left(by);
      throw new Error(`${by} ends the pipeline`);
    };
    Object.defineProperty(owner, name, { value, writable: false, configurable: false });
  };
  replace(Deno, "exit", "Deno.exit()");
  replace(globalThis, "close", "self.close()");
  for (const name of ["exit", "reallyExit", "abort"]) replace(process, name, `process.${name}()`);
}

/**
 * What nobody catches would end the worker, and with it every session, and be printed past the log. It is taken care of
 * before any listener of the pipeline's, and by means that the pipeline cannot have changed.
 */
function catchStrays(uncaught: (thrown: unknown) => void): void {
  const { preventDefault, stopImmediatePropagation } = Event.prototype;
  const { apply } = Reflect;
  const take = (read: (event: never) => unknown) => (event: Event) => {
    apply(preventDefault, event, []);
    apply(stopImmediatePropagation, event, []);
    try {
      uncaught(read(event as never));
    } catch (error) {
      uncaught(error);
    }
  };
  const options = { capture: true };
  globalThis.addEventListener("error", take(({ error, message }: ErrorEvent) => error ?? message), options);
  globalThis.addEventListener("unhandledrejection", take(({ reason }: PromiseRejectionEvent) => reason), options);
}
