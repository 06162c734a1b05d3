import type { RateControl } from "./encoder_options.ts";

/**
 * What a bitrate allows, picture by picture: a bucket that each picture fills with its bits and that leaks at the rate
 * (ITU-T H.264, annex C.1).
 */
export class BitBudget {
  readonly #fps: number;
  #level = 0;

  /** @param fps pictures per second */
  constructor(fps: number) {
    this.#fps = fps;
  }

  /**
   * The next picture has so many bits.
   *
   * @returns false when the bucket would run over: the picture should not go out, and is not counted
   */
  spend(bits: number, { maxRate, bufferBits }: RateControl): boolean {
    const level = Math.max(0, this.#level - maxRate / this.#fps) + bits;
    if (level > bufferBits) return false;
    this.#level = level;
    return true;
  }
}
