/** Samples by absolute position. What was never written reads as silence; what has been read is forgotten. */
export class SampleBuffer {
  readonly channels: 1 | 2;
  #blocks: { start: number; end: number; samples: Int16Array }[] = [];

  constructor(channels: 1 | 2) {
    this.channels = channels;
  }

  /** Puts interleaved samples at a position; blocks must come in order. */
  write(position: number, samples: Int16Array): void {
    if (samples.length === 0) return;
    this.#blocks.push({ start: position, end: position + samples.length / this.channels, samples });
  }

  /** The same sound with two channels. */
  toStereo(): SampleBuffer {
    const stereo = new SampleBuffer(2);
    stereo.#blocks = this.#blocks.map((block) => ({ ...block, samples: monoToStereo(block.samples) }));
    return stereo;
  }

  /** Takes `count` samples per channel from a position on; what lies before its end is dropped. */
  read(position: number, count: number): Int16Array {
    const out = new Int16Array(count * this.channels);
    const end = position + count;
    for (const { start, end: blockEnd, samples } of this.#blocks) {
      const from = Math.max(start, position);
      const to = Math.min(blockEnd, end);
      if (from >= to) continue;
      const piece = samples.subarray((from - start) * this.channels, (to - start) * this.channels);
      out.set(piece, (from - position) * this.channels);
    }
    this.#blocks = this.#blocks.filter((block) => block.end > end);
    return out;
  }
}

/** The same samples on both channels, as loud as they were. */
export function monoToStereo(samples: Int16Array): Int16Array {
  const both = new Int16Array(samples.length * 2);
  for (const [at, sample] of samples.entries()) both[2 * at] = both[2 * at + 1] = sample;
  return both;
}
