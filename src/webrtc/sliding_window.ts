/** How far a window reaches back, and how finely. */
interface Shape {
  /** Seconds of one bucket. */
  readonly step: number;
  readonly buckets: number;
}

/** Amounts over time in a ring of buckets; adding takes constant time and no memory. */
abstract class Buckets {
  protected readonly values: Float64Array;
  protected readonly step: number;
  /** Number of the newest bucket since the clock's beginning. */
  protected newest = Number.NEGATIVE_INFINITY;
  readonly #empty: number;

  constructor({ step, buckets }: Shape, empty: number) {
    this.step = step;
    this.values = new Float64Array(buckets).fill(empty);
    this.#empty = empty;
  }

  /** Forgets everything. */
  clear(): void {
    this.values.fill(this.#empty);
    this.newest = Number.NEGATIVE_INFINITY;
  }

  /** Place of a moment in the ring, after the buckets that it opens are emptied; -1 when it is too old. */
  protected placeOf(time: number): number {
    const { length } = this.values;
    const bucket = Math.floor(time / this.step);
    if (bucket <= this.newest - length) return -1;
    if (bucket > this.newest) {
      const opened = Math.min(length, bucket - this.newest);
      for (let index = 0; index < opened; index++) this.values[modulo(bucket - index, length)] = this.#empty;
      this.newest = bucket;
    }
    return modulo(bucket, length);
  }
}

/** The smallest value of the last while. */
export class SlidingMinimum extends Buckets {
  constructor(shape: Shape) {
    super(shape, Number.POSITIVE_INFINITY);
  }

  /** Infinity when there is none. */
  get value(): number {
    let smallest = Number.POSITIVE_INFINITY;
    for (const value of this.values) if (value < smallest) smallest = value;
    return smallest;
  }

  add(value: number, time: number): void {
    const place = this.placeOf(time);
    if (place >= 0 && value < (this.values[place] ?? 0)) this.values[place] = value;
  }
}

/** Bytes a second of the last while, as bit/s. */
export class SlidingRate extends Buckets {
  #first = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;

  constructor(shape: Shape) {
    super(shape, 0);
  }

  override clear(): void {
    super.clear();
    this.#first = Number.POSITIVE_INFINITY;
    this.#latest = Number.NEGATIVE_INFINITY;
  }

  add(bytes: number, time: number): void {
    const place = this.placeOf(time);
    if (place < 0) return;
    this.values[place] = (this.values[place] ?? 0) + bytes;
    if (time > this.#latest) this.#latest = time;
    if (time < this.#first) this.#first = time;
  }

  /**
   * Bit/s over that many seconds, at most the whole window, that end with the newest packet; 0 while less than half of
   * them have been seen.
   */
  over(seconds: number): number {
    const buckets = Math.min(this.values.length, Math.round(seconds / this.step));
    const begin = Math.max((this.newest - buckets + 1) * this.step, this.#first);
    const span = this.#latest - begin;
    if (!(span >= seconds / 2)) return 0;
    let bytes = 0;
    for (let index = 0; index < buckets; index++) {
      bytes += this.values[modulo(this.newest - index, this.values.length)] ?? 0;
    }
    return bytes * 8 / span;
  }
}

function modulo(value: number, length: number): number {
  return ((value % length) + length) % length;
}
