/**
 * The page's time, turned by hand: `setTimeout`, `setInterval`, `performance.now()` and `Date.now()` of this thread.
 */
export class FakeTime implements Disposable {
  #now = 0;
  #count = 0;
  readonly #timers = new Map<number, { due: number; every: number | null; call: () => void }>();
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
  };
  readonly #performanceNow = performance.now;
  readonly #dateNow = Date.now;

  /** @param start milliseconds since 1970 at which it begins */
  constructor(start = 1_000_000) {
    const clear = (id: number | undefined) => void this.#timers.delete(id ?? 0);
    Object.assign(globalThis, {
      setTimeout: (call: () => void, ms = 0) => this.#add(call, { ms, every: null }),
      setInterval: (call: () => void, ms = 0) => this.#add(call, { ms, every: ms }),
      clearTimeout: clear,
      clearInterval: clear,
    });
    performance.now = () => this.#now;
    Date.now = () => start + this.#now;
  }

  /** Lets time pass, and everything happen that is due. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (true) {
      await this.#settle();
      const [next] = [...this.#timers].filter(([, { due }]) => due <= end).sort(([, a], [, b]) => a.due - b.due);
      if (next === undefined) break;
      const [id, timer] = next;
      this.#now = timer.due;
      if (timer.every === null) this.#timers.delete(id);
      else timer.due += timer.every;
      timer.call();
    }
    this.#now = end;
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
    performance.now = this.#performanceNow;
    Date.now = this.#dateNow;
  }

  #add(call: () => void, { ms, every }: { ms: number; every: number | null }): number {
    const id = ++this.#count;
    this.#timers.set(id, { due: this.#now + Math.max(0, ms), every, call });
    return id;
  }

  /** Lets promises that wait for nothing else go on. */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}
