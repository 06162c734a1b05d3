import { HEIGHT, WIDTH } from "../clips/picture.ts";

const LUMA = WIDTH * HEIGHT;
const CHROMA = LUMA / 4;

/** Peak signal-to-noise ratios in dB, from the mean squared error over all frames, as FFmpeg's psnr filter does. */
export interface Psnr {
  readonly luma: number;
  /** All three planes, each weighted with its number of samples. */
  readonly overall: number;
}

/** Adds up the error between source and decoded I420 pictures. */
export class PsnrMeter {
  #frames = 0;
  #lumaError = 0;
  #chromaError = 0;

  /** Pictures that were compared so far. */
  get frames(): number {
    return this.#frames;
  }

  add(source: Uint8Array, decoded: Uint8Array): void {
    if (source.length !== decoded.length) {
      throw new RangeError(`cannot compare ${source.length} with ${decoded.length} bytes`);
    }
    this.#lumaError += squaredError(source, decoded, 0, LUMA);
    this.#chromaError += squaredError(source, decoded, LUMA, LUMA + 2 * CHROMA);
    this.#frames++;
  }

  result(): Psnr {
    return {
      luma: decibel(this.#lumaError / (this.#frames * LUMA)),
      overall: decibel((this.#lumaError + this.#chromaError) / (this.#frames * (LUMA + 2 * CHROMA))),
    };
  }
}

function squaredError(a: Uint8Array, b: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) {
    const difference = a[at]! - b[at]!;
    sum += difference * difference;
  }
  return sum;
}

function decibel(meanSquaredError: number): number {
  return 10 * Math.log10(255 * 255 / meanSquaredError);
}
