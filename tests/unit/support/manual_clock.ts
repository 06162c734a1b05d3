import type { Clock, Timer } from "../../../src/async/mod.ts";

/** No timer comes back in the very instant it was set, so that waiting for a rounding error to pass ends. */
const SHORTEST = 1e-6;

interface PendingCall {
  readonly due: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that stands still until a test turns it. */
export class ManualClock implements Clock {
  /** Seconds since 1970 at `now() === 0`; not whole, so that a fraction that gets lost is noticed. */
  static readonly EPOCH = 1_700_000_000.25;
  readonly #lateness: () => number;
  #now = 0;
  #order = 0;
  #pending: PendingCall[] = [];

  /** `lateness` gives the seconds by which a timer fires too late, as real ones do. */
  constructor(options: { lateness?: () => number } = {}) {
    this.#lateness = options.lateness ?? (() => 0);
  }

  now(): number {
    return this.#now;
  }

  unixTime(): number {
    return ManualClock.EPOCH + this.#now;
  }

  schedule(seconds: number, fn: () => void): Timer {
    const due = this.#now + Math.max(SHORTEST, seconds) + this.#lateness();
    const call: PendingCall = { due, order: this.#order++, fn };
    this.#pending.push(call);
    const cancel = () => {
      this.#pending = this.#pending.filter((one) => one !== call);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** Calls that are still to be made. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Turns the clock; calls what falls due, in order, each at its own time, without a break between them. */
  turn(seconds: number): void {
    const end = this.#now + seconds;
    while (this.#fireNext(end));
    this.#now = end;
  }

  /** As `turn`, but what waits on promises goes on after every call, and once before the first. */
  async advance(seconds: number): Promise<void> {
    const end = this.#now + seconds;
    await settle();
    while (this.#fireNext(end)) await settle();
    this.#now = end;
    await settle();
  }

  #fireNext(end: number): boolean {
    const next = this.#pending.reduce<PendingCall | undefined>((first, call) => {
      if (call.due > end) return first;
      const sooner = first === undefined || call.due < first.due ||
        (call.due === first.due && call.order < first.order);
      return sooner ? call : first;
    }, undefined);
    if (next === undefined) return false;
    this.#pending = this.#pending.filter((one) => one !== next);
    this.#now = Math.max(this.#now, next.due);
    next.fn();
    return true;
  }
}

/** Resolves when every microtask that can run without outside help has run. */
export function settle(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
