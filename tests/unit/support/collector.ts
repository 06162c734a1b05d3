/** Keeps what is given to it and lets a test wait until there is enough: no clock, no polling. */
export class Collector<T> {
  readonly items: T[] = [];
  #waiting: { count: number; resolve: () => void }[] = [];

  /** Takes one more; bound, so that it can be handed over as a callback. */
  readonly add = (item: T): void => {
    this.items.push(item);
    const done = this.#waiting.filter(({ count }) => count <= this.items.length);
    this.#waiting = this.#waiting.filter(({ count }) => count > this.items.length);
    for (const { resolve } of done) resolve();
  };

  /** Resolves with everything so far once there are at least that many. */
  async until(count: number): Promise<readonly T[]> {
    if (this.items.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push({ count, resolve });
      await promise;
    }
    return this.items;
  }

  /** The item at that place; a test that asks for one that is not there fails. */
  at(index: number): T {
    if (index < -this.items.length || index >= this.items.length) {
      throw new Error(`there is no item ${index}, only ${this.items.length}`);
    }
    return this.items.at(index) as T;
  }
}
