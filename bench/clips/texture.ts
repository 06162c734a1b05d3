/** A square, tileable grey texture whose side is a power of two. */
export interface Texture {
  readonly size: number;
  readonly data: Uint8Array;
}

/** A repeatable random number source in [0, 1), mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Fractal value noise. `persistence` is the weight of each octave against the coarser one before it: 0.5 looks like
 * clouds, values near 1 like gravel.
 */
export function fractalTexture(
  size: number,
  options: { readonly seed: number; readonly coarsest: number; readonly persistence: number },
): Texture {
  const random = seededRandom(options.seed);
  const sum = new Float32Array(size * size);
  let weight = 1;
  for (let cells = options.coarsest; cells <= size; cells *= 2) {
    addOctave(sum, { size, cells, weight, random });
    weight *= options.persistence;
  }
  return { size, data: stretched(sum) };
}

/** Bilinear sample at a position in texture pixels; wraps around at the edges. */
export function sample(texture: Texture, x: number, y: number): number {
  const mask = texture.size - 1;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const fx = x - left;
  const fy = y - top;
  const x0 = left & mask;
  const x1 = (left + 1) & mask;
  const row0 = (top & mask) * texture.size;
  const row1 = ((top + 1) & mask) * texture.size;
  const data = texture.data;
  const upper = data[row0 + x0]! * (1 - fx) + data[row0 + x1]! * fx;
  const lower = data[row1 + x0]! * (1 - fx) + data[row1 + x1]! * fx;
  return upper * (1 - fy) + lower * fy;
}

interface Octave {
  readonly size: number;
  readonly cells: number;
  readonly weight: number;
  readonly random: () => number;
}

function addOctave(sum: Float32Array, octave: Octave): void {
  const { size, cells, weight, random } = octave;
  const lattice = Float32Array.from({ length: cells * cells }, () => random() * 2 - 1);
  const step = cells / size;
  for (let y = 0; y < size; y++) {
    const gy = y * step;
    const top = Math.floor(gy);
    const fy = smooth(gy - top);
    const row0 = top * cells;
    const row1 = ((top + 1) % cells) * cells;
    for (let x = 0; x < size; x++) {
      const gx = x * step;
      const left = Math.floor(gx);
      const fx = smooth(gx - left);
      const right = (left + 1) % cells;
      const upper = lattice[row0 + left]! * (1 - fx) + lattice[row0 + right]! * fx;
      const lower = lattice[row1 + left]! * (1 - fx) + lattice[row1 + right]! * fx;
      sum[y * size + x]! += weight * (upper * (1 - fy) + lower * fy);
    }
  }
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

function stretched(sum: Float32Array): Uint8Array {
  let least = Infinity;
  let most = -Infinity;
  for (const value of sum) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const scale = 255 / (most - least);
  return Uint8Array.from(sum, (value) => Math.round((value - least) * scale));
}
