/** Turns 16-bit sequence numbers into ones that do not wrap (RFC 3550, appendix A.1). */
export class ExtendedSequence {
  #highest: number | undefined;

  /** The highest number so far; undefined before the first. */
  get highest(): number | undefined {
    return this.#highest;
  }

  /** The number without wrap; one that is up to half a turn behind the highest is taken for an older one. */
  extend(sequenceNumber: number): number {
    if (this.#highest === undefined) return this.#highest = sequenceNumber + 0x10000;
    const step = ((sequenceNumber - this.#highest + 0x8000) & 0xffff) - 0x8000;
    const extended = this.#highest + step;
    if (step > 0) this.#highest = extended;
    return extended;
  }

  /** Begins anew. */
  reset(): void {
    this.#highest = undefined;
  }
}
