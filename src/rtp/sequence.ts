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
    const extended = this.locate(sequenceNumber);
    if (extended > this.#highest) this.#highest = extended;
    return extended;
  }

  /** The same, but the highest number stays what it is. */
  locate(sequenceNumber: number): number {
    const highest = this.#highest ?? sequenceNumber + 0x10000;
    return highest + ((sequenceNumber - highest + 0x8000) & 0xffff) - 0x8000;
  }

  /** Begins anew. */
  reset(): void {
    this.#highest = undefined;
  }
}
