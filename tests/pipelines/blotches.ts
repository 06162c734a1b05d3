/** How large a picture is, and how much noise is in it. */
export interface BlotchesOptions {
  readonly width: number;
  readonly height: number;
  /** Of the noise; 1 uses up any bitrate. */
  readonly contrast?: number;
  /** From the top, that have noise; all unless given. */
  readonly rows?: number;
}

/** A limited-range I420 picture of noise, with a bar that moves on from picture to picture. */
export function blotches(index: number, options: BlotchesOptions): Uint8Array {
  const { width, height, contrast = 1, rows = height } = options;
  const data = new Uint8Array(width * height * 1.5).fill(128);
  let state = index + 1;
  for (let at = 0; at < width * height; at++) {
    state = (state * 1_103_515_245 + 12_345) >>> 0;
    const x = at % width;
    const noise = at < rows * width ? contrast * (state >>> 26) : 0;
    data[at] = Math.abs(x - index * 20) < 20 ? 230 : 60 + noise;
  }
  return data;
}
