import { AV_CHANNEL_LAYOUT_MONO, AV_CHANNEL_LAYOUT_STEREO, AV_SAMPLE_FMT_S16 } from "node-av/constants";
import { SoftwareResampleContext } from "node-av/lib";
import type { PcmBlock } from "../media/mod.ts";
import { check, quietFfmpeg } from "./native.ts";

/** The shape of interleaved PCM16. */
export interface PcmShape {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
}

/** Brings PCM16 of one shape to another, without a seam between blocks. */
export class Resampler {
  readonly input: PcmShape;
  readonly output: PcmShape;
  readonly #context: SoftwareResampleContext | undefined;

  constructor(input: PcmShape, output: PcmShape) {
    this.input = input;
    this.output = output;
    if (input.sampleRate === output.sampleRate && input.channels === output.channels) return;
    quietFfmpeg();
    const context = this.#context = new SoftwareResampleContext();
    const result = context.allocSetOpts2(
      layout(output.channels),
      AV_SAMPLE_FMT_S16,
      output.sampleRate,
      layout(input.channels),
      AV_SAMPLE_FMT_S16,
      input.sampleRate,
    );
    check(result, `cannot resample ${input.sampleRate} Hz`);
    check(context.init(), `cannot resample ${input.sampleRate} Hz`);
  }

  /** Whether blocks of this shape may be given to it. */
  accepts(shape: PcmShape): boolean {
    return shape.sampleRate === this.input.sampleRate && shape.channels === this.input.channels;
  }

  /** Converts one block; a few samples may stay inside until the next one. */
  convert(block: PcmBlock): Int16Array {
    const context = this.#context;
    if (context === undefined) return block.samples;
    const count = block.samples.length / block.channels;
    const room = context.getOutSamples(count);
    const out = Buffer.alloc(room * this.output.channels * 2);
    const input = Buffer.from(block.samples.buffer, block.samples.byteOffset, block.samples.byteLength);
    const written = context.convertSync([out], room, [input], count);
    check(written, "the sound does not resample");
    return new Int16Array(out.buffer, out.byteOffset, written * this.output.channels);
  }

  /** Frees the native part. */
  close(): void {
    this.#context?.free();
  }
}

function layout(channels: 1 | 2) {
  return channels === 2 ? AV_CHANNEL_LAYOUT_STEREO : AV_CHANNEL_LAYOUT_MONO;
}
