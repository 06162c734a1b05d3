import { AssertionError } from "node:assert";
import { stolenTimes } from "./stolen_times.ts";

/** How often a measurement is made at most. */
const ATTEMPTS = 3;
/** Share of the CPU time that may have gone to another machine, over all. */
const SHARE_LIMIT = 0.03;
/** Milliseconds of one CPU that may have gone to another machine within a fifth of a second, at the worst. */
const BURST_LIMIT_MS = 40;
/** Milliseconds by which a thread that only sleeps may have been woken too late, at the worst. */
const LATE_LIMIT_MS = 40;

/** A test that judges times: made again when it failed while the machine was taken away from it. */
export function timedTest(name: string, fn: () => Promise<void>): void {
  Deno.test(name, () => undisturbed(fn));
}

/**
 * Makes a measurement that judges times, and makes it again when it failed while the machine was taken away from it: what
 * somebody else's machine does says nothing about our program. The limits stay what they are, and a failure that nobody
 * else had a part in counts at once.
 *
 * @throws what the measurement threw: at once, or the last of three times
 */
export async function undisturbed<T>(measure: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    using witness = new Witness();
    try {
      return await measure();
    } catch (error) {
      const disturbance = witness.disturbance();
      if (!(error instanceof AssertionError) || disturbance === null || attempt === ATTEMPTS) throw error;
      console.log(`${error.message}\nBut ${disturbance}: measured again.`);
    }
  }
}

/** Sees whether the machine is there all the time: by what the hypervisor says, and by a thread that only sleeps. */
class Witness {
  readonly #begun = performance.now();
  readonly #before = stolenTimes();
  readonly #worst = new Int32Array(new SharedArrayBuffer(8));
  readonly #worker = new Worker(new URL("./witness_worker.ts", import.meta.url), { type: "module" });

  constructor() {
    this.#worker.postMessage(this.#worst);
  }

  /** What disturbed, in words; null for nothing. */
  disturbance(): string | null {
    const stolen = stolenTimes().map((time, cpu) => time - (this.#before[cpu] ?? 0)).reduce(
      (sum, time) => sum + time,
      0,
    );
    const share = stolen / (performance.now() - this.#begun) / this.#before.length;
    if (share > SHARE_LIMIT) return `${(100 * share).toFixed(1)} % of the CPU time went to another machine`;
    const [late = 0, burst = 0] = this.#worst;
    if (burst > BURST_LIMIT_MS) return `a CPU was with another machine for ${burst} of 200 ms`;
    return late > LATE_LIMIT_MS ? `a thread that only sleeps was woken ${late} ms too late` : null;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
