/**
 * Seeded randomness and smooth noise that repeats in time, so that a film made of it loops.
 *
 * @module
 */

/** A function that gives numbers from 0 up to 1, always the same ones for a seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const PERMUTATION = shuffledBytes(seededRandom(20_240));
const GRADIENTS_X = new Float32Array([1, -1, 1, -1, 1, -1, 1, -1, 0, 0, 0, 0, 1, -1, 0, 0]);
const GRADIENTS_Y = new Float32Array([1, 1, -1, -1, 0, 0, 0, 0, 1, -1, 1, -1, 1, 1, -1, -1]);
const GRADIENTS_Z = new Float32Array([0, 0, 0, 0, 1, 1, -1, -1, 1, 1, -1, -1, 0, 0, 1, -1]);

function shuffledBytes(random: () => number): Uint8Array {
  const bytes = new Uint8Array(512);
  for (let i = 0; i < 256; i++) bytes[i] = i;
  for (let i = 255; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const swap = bytes[i] as number;
    bytes[i] = bytes[j] as number;
    bytes[j] = swap;
  }
  bytes.copyWithin(256, 0, 256);
  return bytes;
}

/** Where in space and time noise is read. */
export interface NoisePoint {
  x: number;
  y: number;
  /** Time; the noise repeats after `period`. */
  z: number;
  /** A whole number. */
  period: number;
}

/** Gradient noise, about -1 to 1, that repeats along `z` after `period`. */
export function loopNoise({ x, y, z, period }: NoisePoint): number {
  const xf = Math.floor(x);
  const yf = Math.floor(y);
  const zf = Math.floor(z);
  const dx = x - xf;
  const dy = y - yf;
  const dz = z - zf;
  const u = fade(dx);
  const v = fade(dy);
  const w = fade(dz);
  const z0 = ((zf % period) + period) % period;
  const z1 = (z0 + 1) % period;
  const near = plane(xf & 255, yf & 255, z0, dx, dy, dz, u, v);
  const far = plane(xf & 255, yf & 255, z1, dx, dy, dz - 1, u, v);
  return near + (far - near) * w;
}

// Called tens of millions of times per film, hence the bare numbers.
function plane(x: number, y: number, z: number, dx: number, dy: number, dz: number, u: number, v: number): number {
  const x1 = (x + 1) & 255;
  const y1 = (y + 1) & 255;
  const p = PERMUTATION;
  const pz = p[z & 255] as number;
  const a = gradient(p[(p[(pz + y) & 255] as number) + x] as number, dx, dy, dz);
  const b = gradient(p[(p[(pz + y) & 255] as number) + x1] as number, dx - 1, dy, dz);
  const c = gradient(p[(p[(pz + y1) & 255] as number) + x] as number, dx, dy - 1, dz);
  const d = gradient(p[(p[(pz + y1) & 255] as number) + x1] as number, dx - 1, dy - 1, dz);
  const top = a + (b - a) * u;
  return top + (c + (d - c) * u - top) * v;
}

function gradient(hash: number, x: number, y: number, z: number): number {
  const i = hash & 15;
  return (GRADIENTS_X[i] as number) * x + (GRADIENTS_Y[i] as number) * y + (GRADIENTS_Z[i] as number) * z;
}

function fade(t: number): number {
  return t * t * t * (t * (t * 6 - 15) + 10);
}

/** Several octaves of {@linkcode loopNoise}; each doubles the frequency in space and halves the strength. */
export function loopFractal(point: NoisePoint, octaves: number): number {
  let sum = 0;
  let strength = 1;
  let total = 0;
  let { x, y } = point;
  for (let i = 0; i < octaves; i++) {
    sum += strength * loopNoise({ x, y, z: point.z, period: point.period });
    total += strength;
    strength *= 0.5;
    x = x * 2 + 17.3;
    y = y * 2 + 9.1;
  }
  return sum / total;
}

/** 0 below `from`, 1 above `to`, an S-curve between. */
export function smoothstep(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/** `a` at 0, `b` at 1. */
export function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}
