/** Share of packets lost from which on one repair is waited for, and from which on a second one is. */
const ONE_REPAIR = 0.01;
const TWO_REPAIRS = 0.03;
/** Seconds from a loss until it is noticed, and the time of the pacer and the timers on both sides. */
const NOTICE = 0.05;
/** Longest delay that is asked for, in seconds. */
const MAXIMUM = 0.6;
/** Seconds for which a delay is kept after the loss that it was for. */
const KEEP = 10;
/** Change that is worth asking for, in seconds. */
const NOTEWORTHY = 0.02;

/**
 * How long a viewer should hold pictures back so that lost packets are repaired in time. Without loss that is not at all;
 * with loss it is the time of a repair, or of two, for else each one would be seen as a jerk.
 */
export class PlayoutDelay {
  readonly #isInteractive: boolean;
  #delay = 0;
  #neededAt = Number.NEGATIVE_INFINITY;

  /** @param options.isInteractive whether a quick answer matters more: then only one repair is waited for */
  constructor({ isInteractive }: { isInteractive: boolean }) {
    this.#isInteractive = isInteractive;
  }

  /** Seconds. */
  get seconds(): number {
    return this.#delay;
  }

  /** Takes the share lost of late and the round trip in seconds; returns whether the delay has changed. */
  update({ lossRate, roundTrip, now }: { lossRate: number; roundTrip: number; now: number }): boolean {
    const wanted = Math.min(this.#wanted(lossRate, roundTrip), MAXIMUM);
    if (wanted >= this.#delay - NOTEWORTHY) this.#neededAt = now;
    const isHigher = wanted > this.#delay + NOTEWORTHY;
    const isLower = wanted < this.#delay - NOTEWORTHY && now - this.#neededAt > KEEP;
    if (!isHigher && !isLower) return false;
    this.#delay = wanted;
    this.#neededAt = now;
    return true;
  }

  #wanted(lossRate: number, roundTrip: number): number {
    if (lossRate < ONE_REPAIR) return 0;
    if (lossRate < TWO_REPAIRS || this.#isInteractive) return roundTrip * 1.25 + NOTICE;
    return roundTrip * 2.25 + NOTICE;
  }
}
