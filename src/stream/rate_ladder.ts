/** Bits for each pixel below which only every second picture is sent, and below which every third one. */
const STEPS = [0.02, 0.01] as const;
/** How much more there must be until more pictures are sent again. */
const HYSTERESIS = 1.4;
/** Share of the configured bitrate above which all pictures are sent, however few bits that is for each. */
const SPARED = 0.8;

/** A picture track's size and rate. */
export interface TrackShape {
  readonly width: number;
  readonly height: number;
  /** Pictures per second. */
  readonly fps: number;
}

/** Sends fewer pictures when the network carries too few bits for all of them: fewer good ones beat many bad ones. */
export class RateLadder {
  readonly #configured: number;
  #divisor = 1;
  #count = 0;

  /** @param configured bit/s that the track would have on a good network */
  constructor(configured: number) {
    this.#configured = configured;
  }

  /** Of how many pictures one is sent. */
  get divisor(): number {
    return this.#divisor;
  }

  /** Settles how many pictures are sent at that bitrate. */
  update(bitrate: number, { width, height, fps }: TrackShape): void {
    const perPixel = bitrate / (width * height * fps);
    const wanted = (factor: number) => STEPS.filter((step) => perPixel < step * factor).length + 1;
    if (bitrate >= this.#configured * SPARED) this.#divisor = 1;
    else this.#divisor = Math.max(wanted(1), Math.min(this.#divisor, wanted(HYSTERESIS)));
  }

  /** Whether the next picture is one of those that are sent. */
  takes(): boolean {
    this.#count = (this.#count + 1) % this.#divisor;
    return this.#count === 0;
  }
}
