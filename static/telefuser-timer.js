// @ts-check
/**
 * Waiting, with pages in mind that are hidden or asleep meanwhile.
 *
 * @module
 */

/** A timer that is later than this was held back: the page was hidden or asleep. */
const LATE_MS = 1_500;

/** What shall happen next, unless something else happens before. */
export class Alarm {
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {number} ms
   * @param {() => void} then Replaces what was to happen before. A timer that
   *   was held back begins again, as what it waits for was held back too.
   */
  set(ms, then) {
    this.clear();
    const due = performance.now() + ms;
    this.#timer = setTimeout(() => {
      if (performance.now() - due > LATE_MS) this.set(ms, then);
      else then();
    }, ms);
  }

  clear() {
    clearTimeout(this.#timer);
  }
}

/** A wait that can be ended early. */
export class Pause {
  #isEnded = false;
  #end = () => {};

  /**
   * @param {number} ms
   * @returns {Promise<boolean>} Whether it was ended early. If {@link end} was
   *   called since the last wait, this one is over at once.
   */
  async wait(ms) {
    if (!this.#isEnded) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#end = () => {
          clearTimeout(timer);
          resolve(undefined);
        };
      });
    }
    const wasEnded = this.#isEnded;
    this.#isEnded = false;
    return wasEnded;
  }

  end() {
    this.#isEnded = true;
    this.#end();
  }
}

/** @param {number} ms */
export function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
