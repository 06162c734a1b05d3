import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";

/**
 * Owns promises that nobody awaits directly: each has a name, its failure is logged (and told to `onFailure`), and
 * `settled()` waits for all of them.
 */
export class TaskScope {
  readonly #log: Log;
  readonly #onFailure: ((name: string, error: unknown) => void) | undefined;
  readonly #running = new Set<Promise<void>>();

  constructor(log: Log, onFailure?: (name: string, error: unknown) => void) {
    this.#log = log;
    this.#onFailure = onFailure;
  }

  /** Starts a task and takes it over. */
  run(name: string, task: () => Promise<unknown>): void {
    const owned = this.#own(name, task);
    this.#running.add(owned);
    owned.finally(() => this.#running.delete(owned));
  }

  /** Resolves when every task that runs now has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #own(name: string, task: () => Promise<unknown>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (this.#onFailure === undefined) this.#log.error(`${name} failed: ${messageOf(error)}`);
      else this.#onFailure(name, error);
    }
  }
}
