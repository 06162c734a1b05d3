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
/** Pictures that wait when the encoder is overrun: one waits whenever it is well used. */
const OVERRUN = 2;
/**
 * Weight of the newest picture in the load of late, and most that one picture counts for there: two or three that take too
 * long make an overrun, and one that a stall of the machine has held up does not.
 */
const LATE_WEIGHT = 0.3;
const MOST_COUNTED = 1.5;
/** Load to begin with. */
const BEGIN = 0.5;

/**
 * When the machine is short of time, the effort for each picture drops before pictures do; it rises again, not beyond what
 * was asked for, when there is time.
 */
export class EffortControl {
  readonly #wanted: number;
  #present: number;
  #load = 0;
  /** The load of late. */
  #late = BEGIN;
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
   * @param options.waiting how many wait to be encoded
   * @param options.interval seconds from picture to picture
   * @param options.now seconds, monotonic
   */
  encoded(
    { took, interval, waiting, now }: { took: number; interval: number; waiting: number; now: number },
  ): void {
    const load = took / interval;
    this.#load += (load - this.#load) * WEIGHT;
    this.#late += (Math.min(load, MOST_COUNTED) - this.#late) * LATE_WEIGHT;
    // The queue would overflow before patience ends.
    if (waiting >= OVERRUN && this.#late > 1) return this.#drop();
    const isHigh = this.#load > HIGH_LOAD;
    if (!isHigh && this.#load > LOW_LOAD) return void (this.#since = undefined);
    if (this.#since?.isHigh !== isHigh) this.#since = { at: now, isHigh };
    if (now - this.#since.at < (isHigh ? PATIENCE : this.#calm)) return;
    if (isHigh) this.#drop();
    else if (this.#present < this.#wanted) {
      this.#present++;
      this.#hasRisen = true;
      this.#begin();
    }
  }

  #drop(): void {
    if (this.#present === 0) return;
    this.#present--;
    if (this.#hasRisen) this.#calm = Math.min(this.#calm * 2, LONGEST_CALM);
    this.#hasRisen = false;
    this.#begin();
  }

  #begin(): void {
    this.#load = this.#late = BEGIN;
    this.#since = undefined;
  }
}
