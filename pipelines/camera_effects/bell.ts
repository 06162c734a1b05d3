/**
 * How a generator waits for input.
 *
 * @module
 */

/**
 * Wakes the one who waits. A ring that comes while nobody waits is kept: the next wait is over at once. So no input is
 * slept through, wherever the waiting one was when it came.
 */
export class Bell {
  #rung = false;
  #wake: (() => void) | null = null;

  /** Wakes whoever waits, or else the next one. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Waits until the bell rings, or for so many milliseconds. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
    this.#rung = false;
  }
}
