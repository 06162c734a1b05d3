/** One pending call of a function. */
export interface Timer extends Disposable {
  /** Drops the call; harmless when it has been made. */
  cancel(): void;
}

/** Time as the rest of the server sees it, so that tests can turn it by hand. */
export interface Clock {
  /** Seconds on a monotonic scale whose zero means nothing. */
  now(): number;
  /** Seconds since 1970 at the same instant; never steps back against `now()`. */
  unixTime(): number;
  /** Calls `fn` once after that many seconds (at once when negative). */
  schedule(seconds: number, fn: () => void): Timer;
}

class SystemTimer implements Timer {
  #id: ReturnType<typeof setTimeout> | undefined;

  constructor(seconds: number, fn: () => void) {
    this.#id = setTimeout(() => {
      this.#id = undefined;
      fn();
    }, Math.max(0, seconds * 1000));
  }

  cancel(): void {
    if (this.#id !== undefined) clearTimeout(this.#id);
    this.#id = undefined;
  }

  [Symbol.dispose](): void {
    this.cancel();
  }
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now() / 1000,
  unixTime: () => (performance.timeOrigin + performance.now()) / 1000,
  schedule: (seconds, fn) => new SystemTimer(seconds, fn),
};

/** Waits that many seconds; resolves early, without throwing, when the signal aborts. */
export function sleep(clock: Clock, seconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.schedule(seconds, () => {
    signal?.removeEventListener("abort", wake);
    resolve();
  });
  function wake(): void {
    timer.cancel();
    resolve();
  }
  signal?.addEventListener("abort", wake, { once: true });
  return promise;
}

/**
 * Waits for a promise, but not for ever.
 *
 * @returns the value, or `"timeout"` when it was not there after that many seconds; a late rejection is taken care of
 */
export async function withTimeLimit<T>(clock: Clock, seconds: number, promise: Promise<T>): Promise<T | "timeout"> {
  const { promise: late, resolve } = Promise.withResolvers<"timeout">();
  using _timer = clock.schedule(seconds, () => resolve("timeout"));
  return await Promise.race([promise, late]);
}
