import type { EncoderEffort } from "../media/mod.ts";

const EFFORTS: readonly EncoderEffort[] = ["fast", "balanced", "quality"];
/** Share of the time between pictures that one may take in the long run. */
const HIGH_LOAD = 0.85;
/** Share below which more effort is affordable: each step up costs less than twice as much. */
const LOW_LOAD = 0.35;
/** Seconds of high load after which the effort drops. */
const PATIENCE = 1;
/** Seconds of low load after which it rises again, the first time; each drop that follows a rise doubles them. */
const FIRST_CALM = 10;
const LONGEST_CALM = 160;
/** Weight of the newest picture in the mean load. */
const WEIGHT = 0.1;

/**
 * When the machine is short of time, the effort for each picture drops before pictures do; it rises again, not beyond what
 * was asked for, when there is time.
 */
export class EffortControl {
  readonly #wanted: number;
  #present: number;
  #load = 0;
  /** When the load has become high or low, in seconds. */
  #since: { readonly at: number; readonly isHigh: boolean } | undefined;
  #calm = FIRST_CALM;
  /** Whether the last step was one up. */
  #hasRisen = false;

  constructor(wanted: EncoderEffort) {
    this.#wanted = this.#present = EFFORTS.indexOf(wanted);
  }

  /** What the next picture is to be encoded with. */
  get effort(): EncoderEffort {
    return EFFORTS[this.#present] ?? "fast";
  }

  /**
   * A picture has been encoded.
   *
   * @param options.took seconds it took
   * @param options.interval seconds from picture to picture
   * @param options.now seconds, monotonic
   */
  encoded({ took, interval, now }: { took: number; interval: number; now: number }): void {
    this.#load += (took / interval - this.#load) * WEIGHT;
    const isHigh = this.#load > HIGH_LOAD;
    if (!isHigh && this.#load > LOW_LOAD) return void (this.#since = undefined);
    if (this.#since?.isHigh !== isHigh) this.#since = { at: now, isHigh };
    if (now - this.#since.at < (isHigh ? PATIENCE : this.#calm)) return;
    if (isHigh && this.#present > 0) {
      this.#present--;
      if (this.#hasRisen) this.#calm = Math.min(this.#calm * 2, LONGEST_CALM);
      this.#hasRisen = false;
      this.#begin();
    } else if (!isHigh && this.#present < this.#wanted) {
      this.#present++;
      this.#hasRisen = true;
      this.#begin();
    }
  }

  #begin(): void {
    this.#load = 0.5;
    this.#since = undefined;
  }
}
