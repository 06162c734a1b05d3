/**
 * What moves behind the words. The prompt decides which of four it is and how it moves.
 *
 * @module
 */

import { type Chance, easeOut, mix, pick } from "./chance.ts";
import { mixColor, type Raster, type Rgb } from "./raster.ts";

/** The moment that is drawn. */
export interface Moment {
  /** Seconds since the beginning. */
  time: number;
  /** Beats since the beginning. */
  beat: number;
  accents: readonly [Rgb, Rgb, Rgb];
  /** The colour in which distant things get lost. */
  haze: Rgb;
}

/** Draws a backdrop onto the ground. */
export type Backdrop = (raster: Raster, moment: Moment) => void;

/** Chooses a backdrop. */
export function chooseBackdrop(chance: Chance): Backdrop {
  return pick(chance, [discs, waves, tiles, rays])(chance);
}

/** Large discs and rings that drift and breathe with the beat. */
function discs(chance: Chance): Backdrop {
  const circles = Array.from({ length: 9 }, (_, i) => ({
    size: mix(0.12, 0.52, chance() ** 1.4),
    x: mix(0.06, 0.94, chance()),
    y: mix(0.04, 0.96, chance()),
    drift: mix(0.06, 0.2, chance()),
    speed: mix(0.12, 0.4, chance()) * (chance() < 0.5 ? -1 : 1),
    phase: chance() * 2 * Math.PI,
    hole: chance() < 0.45 ? mix(0.55, 0.86, chance()) : 0,
    color: i % 3,
  })).sort((a, b) => b.size - a.size);
  return function drawDiscs(raster, { time, beat, accents }) {
    const pulse = Math.exp(-4 * (beat % 1));
    for (const [index, circle] of circles.entries()) {
      const turn = circle.phase + circle.speed * time;
      const throb = index % 2 === Math.floor(beat) % 2 ? 1 + 0.07 * pulse : 1;
      const radius = circle.size * raster.height * throb;
      const x = (circle.x + circle.drift * Math.cos(turn)) * raster.width;
      const y = (circle.y + circle.drift * 1.3 * Math.sin(turn * 1.3)) * raster.height;
      const color = accents[circle.color] ?? accents[0];
      raster.ring({ x, y, radius, hole: radius * circle.hole }, { color, alpha: circle.hole > 0 ? 0.85 : 0.72 });
    }
  };
}

/** Bands that flow across the picture one behind the other. */
function waves(chance: Chance): Backdrop {
  const bands = Array.from({ length: 6 }, (_, i) => ({
    base: mix(0.22, 0.98, i / 5),
    swing: [mix(0.05, 0.13, chance()), mix(0.02, 0.06, chance())] as const,
    length: [mix(0.7, 1.5, chance()), mix(1.8, 3.6, chance())] as const,
    speed: [mix(0.2, 0.6, chance()), mix(-0.9, -0.3, chance())] as const,
    phase: chance() * 2 * Math.PI,
    color: i % 3,
  }));
  const upsideDown = chance() < 0.4;
  return function drawWaves(raster, { time, beat, accents, haze }) {
    const { width, height } = raster;
    const lift = 0.02 * Math.exp(-3 * (beat % 1));
    const edges = bands.map((band) =>
      Float32Array.from({ length: width }, (_, x) => {
        const u = x / width * 2 * Math.PI;
        const slow = Math.sin(u * band.length[0] + band.speed[0] * time + band.phase);
        const quick = Math.sin(u * band.length[1] + band.speed[1] * time + band.phase * 2);
        return (band.base - lift + band.swing[0] * slow + band.swing[1] * quick) * height;
      })
    );
    // From the nearest band to the farthest: what a nearer one hides is not painted.
    let hidden = new Float32Array(width).fill(height);
    const seen = bands.map(() => hidden);
    for (const [index, band] of [...bands.entries()].reverse()) {
      const edge = edges[index] ?? hidden;
      fillBand(raster, { edge, hidden, upsideDown }, { color: accents[band.color] ?? accents[0], haze });
      seen[index] = hidden;
      hidden = hidden.map((row, x) => Math.min(row, Math.ceil(edge[x] as number)));
    }
    for (const [index, band] of bands.entries()) {
      const lines = { edge: edges[index] ?? hidden, hidden: seen[index] ?? hidden, upsideDown };
      softenEdge(raster, lines, accents[band.color] ?? accents[0]);
    }
  };
}

interface Band {
  /** Row of the upper edge in every column. */
  edge: Float32Array;
  /** Row at which a nearer band begins. */
  hidden: Float32Array;
  upsideDown: boolean;
}

/** Paints the whole pixels of a band, more hazy the lower they lie. */
function fillBand(
  raster: Raster,
  band: Band,
  { color, haze }: { color: Rgb; haze: Rgb },
): void {
  const { width, height } = raster;
  const { edge, hidden, upsideDown } = band;
  const highest = Math.max(0, Math.ceil(edge.reduce((a, b) => Math.min(a, b))));
  for (let row = highest; row < height; row++) {
    const at = (upsideDown ? height - 1 - row : row) * width;
    const shade = mixColor(color, haze, Math.min(0.75, (row - highest) * 1.5 / height));
    for (let x = 0; x < width; x++) {
      if (row >= (edge[x] as number) && row < (hidden[x] as number)) raster.put(at + x, shade);
    }
  }
}

/** Paints the pixel that a band's edge crosses in each column. */
function softenEdge(raster: Raster, { edge, hidden, upsideDown }: Band, color: Rgb): void {
  const { width, height } = raster;
  for (let x = 0; x < width; x++) {
    const row = Math.ceil(edge[x] as number) - 1;
    if (row < 0 || row >= (hidden[x] as number)) continue;
    raster.blend((upsideDown ? height - 1 - row : row) * width + x, color, (row + 1 - (edge[x] as number)) * 256 | 0);
  }
}

/** Quarter rings on a grid; on every beat some of them turn and the paths join anew. */
function tiles(chance: Chance): Backdrop {
  const order = chance() * 100;
  const size = pick(chance, [0.222, 0.25, 0.334]);
  const width = mix(0.2, 0.34, chance());
  return function drawTiles(raster, { beat, accents }) {
    const side = Math.ceil(size * raster.height);
    const whole = Math.floor(beat);
    const left = 1 - easeOut((beat - whole) * 1.6);
    // A tile looks the same after half a turn, so there are four pictures of it: two at rest, two turning.
    const pictures = [0, 1, -left, 1 - left].map((turns) => drawTile({ side, width: width * side, turns }));
    for (let row = 0; row * side < raster.height; row++) {
      for (let column = 0; column * side < raster.width; column++) {
        const mood = Math.sin(row * 12.9898 + column * 78.233 + order) * 43758.5453;
        const own = Math.floor((mood - Math.floor(mood)) * 6);
        const turns = Math.floor((whole + own) / 3) + own;
        const turning = (whole + own) % 3 === 0 ? 2 : 0;
        const cover = pictures[turning + turns % 2];
        const color = accents[(row + column + own) % 3] ?? accents[0];
        if (cover !== undefined) layTile(raster, { x: column * side, y: row * side, side, cover }, color);
      }
    }
  };
}

/** Two quarter rings around opposite corners of a square that is turned about its middle by quarters of a circle. */
function drawTile({ side, width, turns }: { side: number; width: number; turns: number }): Uint8Array {
  const cover = new Uint8Array(side * side);
  const cos = Math.cos(turns * Math.PI / 2);
  const sin = Math.sin(turns * Math.PI / 2);
  const half = side / 2;
  for (let row = 0; row < side; row++) {
    const dy = row + 0.5 - half;
    for (let column = 0; column < side; column++) {
      const dx = column + 0.5 - half;
      const u = dx * cos + dy * sin;
      const v = dy * cos - dx * sin;
      const along = u + v > 0 ? half - u : half + u;
      const down = u + v > 0 ? half - v : half + v;
      const inside = width / 2 + 0.5 - Math.abs(Math.sqrt(along * along + down * down) - half);
      if (inside > 0) cover[row * side + column] = Math.min(1, inside) * 200;
    }
  }
  return cover;
}

function layTile(raster: Raster, tile: { x: number; y: number; side: number; cover: Uint8Array }, color: Rgb): void {
  const { x, y, side, cover } = tile;
  const wide = Math.min(side, raster.width - x);
  const high = Math.min(side, raster.height - y);
  for (let row = 0; row < high; row++) {
    const at = (y + row) * raster.width + x;
    for (let column = 0; column < wide; column++) {
      const amount = cover[row * side + column] as number;
      if (amount > 0) raster.blend(at + column, color, amount);
    }
  }
}

/** Rays from a point, straight or bent into a spiral, that turn and open with the beat. */
function rays(chance: Chance): Backdrop {
  const count = 10 + Math.floor(chance() * 6) * 2;
  const bend = chance() < 0.5 ? 0 : mix(-2.4, 2.4, chance());
  const speed = mix(0.1, 0.22, chance()) * (chance() < 0.5 ? -1 : 1);
  const middle = { x: mix(0.3, 0.7, chance()), y: mix(0.35, 1.05, chance()) };
  let field: Field | null = null;
  return function drawRays(raster, { time, beat, accents }) {
    const { length, angles, widths, shades } = field ??= rayField(raster, { count, bend, middle });
    const kick = easeOut((beat % 1) * 1.5) + Math.floor(beat);
    const turn = (time * speed + kick * 0.09 * Math.sign(speed)) * count / (2 * Math.PI);
    for (let at = 0; at < length; at++) {
      const place = (angles[at] as number) + turn;
      const ray = Math.floor(place);
      if ((ray & 1) !== 0) continue;
      const part = place - ray;
      const edge = Math.min(part, 1 - part) * (widths[at] as number);
      const shade = shades[at] as number;
      raster.blend(at, accents[((ray >> 1) % 3 + 3) % 3] ?? accents[0], edge < 1 ? edge * shade | 0 : shade);
    }
  };
}

/** What does not change about rays, for every pixel. */
interface Field {
  length: number;
  /** Direction from the rays' origin, counted in rays. */
  angles: Float32Array;
  /** How wide a ray is here, in pixels. */
  widths: Float32Array;
  shades: Uint8Array;
}

interface RayShape {
  count: number;
  bend: number;
  middle: { x: number; y: number };
}

function rayField({ width, height }: Raster, { count, bend, middle }: RayShape): Field {
  const length = width * height;
  const angles = new Float32Array(length);
  const widths = new Float32Array(length);
  const shades = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    const dx = at % width - middle.x * width;
    const dy = Math.floor(at / width) - middle.y * height;
    const distance = Math.hypot(dx, dy);
    angles[at] = (Math.atan2(dy, dx) + bend * distance / height) * count / (2 * Math.PI);
    widths[at] = distance * 2 * Math.PI / count;
    shades[at] = 40 + 150 * Math.min(1, distance / height);
  }
  return { length, angles, widths, shades };
}
