/**
 * Sound that comes back later.
 *
 * @module
 */

/** Hz, of one channel. */
export const SAMPLE_RATE = 48_000;
/** The longest delay in milliseconds. */
export const MOST_ECHO_MS = 2000;
/** Milliseconds without sound after which the microphone counts as switched off. */
const PAUSE = 250;

/** Remembers what was said, 3 seconds at most (288 kB). */
export class Echo {
  /** A ring: sample n of all that was heard stands at n modulo its length. */
  readonly #ring = new Int16Array(SAMPLE_RATE * (MOST_ECHO_MS / 1000 + 1));
  #heard = 0;
  #given = 0;
  #heardAt = 0;
  #delay = 0;

  /** Takes samples; `now` is the time in milliseconds. */
  hear(samples: Int16Array, now: number): void {
    for (const sample of samples) this.#ring[this.#heard++ % this.#ring.length] = sample;
    this.#given = Math.max(this.#given, this.#heard - this.#ring.length);
    this.#heardAt = now;
  }

  /**
   * Takes out what has become so old, measured in samples; often nothing. When the microphone has been switched off, the
   * rest of what was said comes out as well. A shorter delay than before leaves out what would have been in between.
   */
  due(delayMs: number, now: number): Int16Array {
    const delay = Math.round(delayMs / 1000 * SAMPLE_RATE);
    if (delay < this.#delay) this.#given = Math.max(this.#given, this.#heard - delay);
    this.#delay = delay;
    const end = now - this.#heardAt > PAUSE ? this.#heard : Math.max(this.#given, this.#heard - delay);
    const samples = new Int16Array(end - this.#given);
    for (let at = 0; at < samples.length; at++) samples[at] = this.#ring[this.#given++ % this.#ring.length] as number;
    return samples;
  }
}
