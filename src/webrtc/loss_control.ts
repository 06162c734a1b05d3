/** A sample of the loss covers at least this much, so that one lost packet does not count for much. */
const SAMPLE = { seconds: 0.25, packets: 30 } as const;
const LONG_SAMPLE = { seconds: 1, packets: 8 } as const;
const SMOOTHING_SECONDS = 1.5;
/** Loss beyond that of the path itself: below the first all is well, beyond the others the rate is put to the test. */
const EXCESS = { harmless: 0.02, high: 0.1, sudden: 0.2 } as const;
const PATIENCE = 3;
/** Seconds until encoder and feedback show what a new rate does, and then until that is known. */
const SETTLING = 0.4;
const MEASURING = { seconds: 1, packets: 60, longest: 3 } as const;
/** The share of the loss that stays at a lower rate when the rate had no part in it. */
const UNMOVED = 0.6;
const WORSE = 0.1;
const MAX_INHERENT = 0.4;
const FORGETTING_SECONDS = 5;
/** Part of the rate that arrived to which the target goes for a test. */
const RETREAT = 0.9;

interface Trial {
  /** Loss before it, 0–1. */
  readonly loss: number;
  /** Bit/s to return to when the loss does not care. */
  readonly target: number;
  /** Counts from here on belong to the lower rate. */
  readonly from: number;
  received: number;
  lost: number;
}

/**
 * Loss-based part of the estimate. Loss that rises with the rate (a full short queue, a policer) brings the rate down;
 * loss that stays the same at a lower rate is the path's own (radio), and does not hold the rate back: to tell them
 * apart the rate is lowered a little for about a second.
 */
export class LossControl {
  /** Share of packets lost over the last seconds, 0–1. */
  rate = 0;
  #isMeasured = false;
  #recent = 0;
  #inherent = 0;
  #received = 0;
  #lost = 0;
  #sampleFrom = Number.NaN;
  #excessSince = Number.NaN;
  #trial: Trial | null = null;

  /** Whether nothing speaks against a higher rate. */
  get allowsIncrease(): boolean {
    return this.#trial === null && this.rate - this.#inherent < EXCESS.harmless;
  }

  /** Counts packets; `lost` may be negative for ones that arrived after all. */
  count({ received, lost, now }: { received: number; lost: number; now: number }): void {
    const trial = this.#trial;
    if (trial !== null && now >= trial.from) {
      trial.received += received;
      trial.lost += lost;
    }
    this.#received += received;
    this.#lost = Math.max(0, this.#lost + lost);
    if (Number.isNaN(this.#sampleFrom)) this.#sampleFrom = now;
    const seconds = now - this.#sampleFrom;
    const packets = this.#received + this.#lost;
    const isEnough = (seconds >= SAMPLE.seconds && packets >= SAMPLE.packets) ||
      (seconds >= LONG_SAMPLE.seconds && packets >= LONG_SAMPLE.packets);
    if (!isEnough) return;
    this.#recent = this.#lost / packets;
    this.rate += (this.#recent - this.rate) * (this.#isMeasured ? 1 - Math.exp(-seconds / SMOOTHING_SECONDS) : 1);
    if (this.rate < this.#inherent) {
      this.#inherent += (this.rate - this.#inherent) * (1 - Math.exp(-seconds / FORGETTING_SECONDS));
    }
    this.#isMeasured = true;
    this.#received = 0;
    this.#lost = 0;
    this.#sampleFrom = now;
  }

  /**
   * The target that the loss allows, in bit/s, and whether the path's limit was found. While a queue stands the loss is
   * the queue's, and the delay decides.
   */
  update(
    { now, target, acked, response, isQueueing }: {
      now: number;
      target: number;
      acked: number;
      response: number;
      isQueueing: boolean;
    },
  ): { target: number; foundLimit: boolean } {
    const found = { target, foundLimit: false };
    if (isQueueing) {
      this.#trial = null;
      this.#excessSince = Number.NaN;
      return found;
    }
    if (this.#trial !== null) return this.#conclude(this.#trial, { now, target });
    const excess = this.rate - this.#inherent;
    if (excess < EXCESS.harmless) this.#excessSince = Number.NaN;
    else if (Number.isNaN(this.#excessSince)) this.#excessSince = now;
    const isSudden = this.#recent - this.#inherent > EXCESS.sudden;
    if (acked > 0 && (isSudden || excess > EXCESS.high || now - this.#excessSince > PATIENCE)) {
      const loss = isSudden ? Math.max(this.#recent, this.rate) : this.rate;
      this.#trial = { loss, target, from: now + response + SETTLING, received: 0, lost: 0 };
      this.#excessSince = Number.NaN;
      return { target: Math.min(target, RETREAT * acked), foundLimit: false };
    }
    return found;
  }

  #conclude(trial: Trial, { now, target }: { now: number; target: number }): { target: number; foundLimit: boolean } {
    const packets = trial.received + trial.lost;
    const seconds = now - trial.from;
    const isEnough = seconds >= MEASURING.seconds && packets >= MEASURING.packets;
    if (!isEnough && seconds < MEASURING.longest) return { target, foundLimit: false };
    this.#trial = null;
    if (packets < LONG_SAMPLE.packets) return { target, foundLimit: false };
    const loss = Math.max(0, trial.lost) / packets;
    this.rate = loss;
    this.#recent = loss;
    // Worse than before the path itself has changed meanwhile, and nothing is known: the next trial follows at once.
    if (loss > trial.loss + WORSE) return { target, foundLimit: false };
    if (loss < UNMOVED * trial.loss) {
      this.#inherent = Math.min(this.#inherent, loss);
      return { target, foundLimit: true };
    }
    this.#inherent = Math.min(MAX_INHERENT, loss);
    return { target: Math.max(target, trial.target), foundLimit: false };
  }
}
