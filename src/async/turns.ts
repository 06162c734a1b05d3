/** Runs jobs one after the other, in the order in which they are given. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Runs a job after those before it, however they ended. Who gives it has its outcome; nothing of that is kept here. */
  take<T>(job: () => T | Promise<T>): Promise<T> {
    const outcome = this.#last.then(job);
    this.#last = outcome.then(() => undefined, () => undefined);
    return outcome;
  }

  /** Resolves when all that were given so far have ended. */
  get ended(): Promise<void> {
    return this.#last;
  }
}
