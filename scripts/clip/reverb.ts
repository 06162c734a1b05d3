/**
 * A hall: eight delay lines that feed each other through a Hadamard matrix and lose their treble on every round.
 *
 * @module
 */

const LINES_MS = [41.3, 47.9, 53.7, 61.1, 68.9, 77.3, 86.3, 97.1];
const SECONDS = 3.4;
const TREBLE_HZ = 3600;
const PRE_DELAY_MS = 24;

/** Stereo samples, about -1 to 1. */
export interface Stereo {
  left: Float32Array;
  right: Float32Array;
}

/** The reverberation of a loop. It is played twice and the second round is kept, so its tail wraps around. */
export function reverberate(input: Stereo, rate: number): Stereo {
  const samples = input.left.length;
  const out: Stereo = { left: new Float32Array(samples), right: new Float32Array(samples) };
  const lines = LINES_MS.map((ms) => new Float32Array(Math.round(ms * rate / 1000)));
  const gains = lines.map((line) => 10 ** (-3 * line.length / (SECONDS * rate)));
  const heads = new Int32Array(lines.length);
  const damped = new Float64Array(lines.length);
  const taps = new Float64Array(lines.length);
  const treble = 1 - Math.exp(-2 * Math.PI * TREBLE_HZ / rate);
  const late = Math.round(PRE_DELAY_MS * rate / 1000);
  for (let i = 0; i < 2 * samples; i++) {
    const at = (i - late + samples) % samples;
    for (let n = 0; n < lines.length; n++) {
      const old = (lines[n] as Float32Array)[heads[n] as number] as number;
      damped[n] = (damped[n] as number) + treble * (old - (damped[n] as number));
      taps[n] = (damped[n] as number) * (gains[n] as number);
    }
    if (i >= samples) {
      out.left[i - samples] = 0.5 * (tap(taps, 0) - tap(taps, 2) + tap(taps, 4) - tap(taps, 6));
      out.right[i - samples] = 0.5 * (tap(taps, 1) - tap(taps, 3) + tap(taps, 5) - tap(taps, 7));
    }
    scatter(taps);
    for (let n = 0; n < lines.length; n++) {
      const line = lines[n] as Float32Array;
      const head = heads[n] as number;
      line[head] = tap(taps, n) + ((n % 2 === 0 ? input.left : input.right)[at] as number) * 0.4;
      heads[n] = head + 1 === line.length ? 0 : head + 1;
    }
  }
  return out;
}

function tap(taps: Float64Array, index: number): number {
  return taps[index] as number;
}

/** Multiplies eight numbers by the normalized Hadamard matrix. */
function scatter(values: Float64Array): void {
  for (let half = 1; half < 8; half *= 2) {
    for (let i = 0; i < 8; i += half * 2) {
      for (let j = i; j < i + half; j++) {
        const a = tap(values, j);
        const b = tap(values, j + half);
        values[j] = a + b;
        values[j + half] = a - b;
      }
    }
  }
  for (let i = 0; i < 8; i++) values[i] = tap(values, i) / Math.sqrt(8);
}
