/** Latest samples that percentiles are made from. */
const WINDOW = 1000;

/** Percentiles in milliseconds, rounded to tenths; null while nothing has been measured. */
export interface LatencySummary {
  /** Samples since the beginning. */
  readonly count: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Latencies of one kind: counts all, and makes percentiles of the latest thousand. */
export class LatencyWindow {
  readonly #samples: number[] = [];
  #count = 0;

  /** Adds a latency in milliseconds. */
  add(milliseconds: number): void {
    this.#samples[this.#count++ % WINDOW] = milliseconds;
  }

  get summary(): LatencySummary {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    return { count: this.#count, p50: at(sorted, 0.5), p95: at(sorted, 0.95), p99: at(sorted, 0.99) };
  }
}

/** Nearest-rank percentile. */
function at(sorted: readonly number[], share: number): number | null {
  const sample = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  return sample === undefined ? null : Math.round(sample * 10) / 10;
}
