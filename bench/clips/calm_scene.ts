import { fractalTexture, sample, seededRandom, type Texture } from "./texture.ts";
import { HEIGHT, type Scene, WIDTH } from "./picture.ts";

interface Landscape {
  readonly clouds: Texture;
  readonly rock: Texture;
  readonly grass: Texture;
  readonly grain: Float32Array;
}

interface Spot {
  readonly x: number;
  readonly y: number;
  readonly index: number;
}

interface Colour {
  readonly luma: number;
  readonly u: number;
  readonly v: number;
}

const GRAIN = 1 << 16;
const RADIUS = 62;

/**
 * A calm, natural scene: drifting clouds, a mountain and a meadow in a slow camera pan, a lit ball that sways in front,
 * and the faint grain of a camera.
 */
export function calmScene(): Scene {
  const land: Landscape = {
    clouds: fractalTexture(512, { seed: 21, coarsest: 4, persistence: 0.5 }),
    rock: fractalTexture(1024, { seed: 22, coarsest: 8, persistence: 0.62 }),
    grass: fractalTexture(1024, { seed: 23, coarsest: 32, persistence: 0.75 }),
    grain: gaussian(24),
  };
  return (picture, index) => {
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const spot = { x, y, index };
        const colour = ballColour(spot) ?? landColour(land, spot);
        const speck = land.grain[(y * 977 + x + index * 7919) & (GRAIN - 1)]!;
        picture.luma[y * WIDTH + x] = colour.luma + speck;
        if (((x | y) & 1) !== 0) continue;
        const at = (y >> 1) * (WIDTH / 2) + (x >> 1);
        picture.u[at] = colour.u;
        picture.v[at] = colour.v;
      }
    }
  };
}

function landColour(land: Landscape, { x, y, index }: Spot): Colour {
  const meadowX = x + index * 1.3;
  const meadowTop = 255 + 18 * Math.sin(meadowX * 0.011) + 6 * Math.sin(meadowX * 0.037);
  if (y > meadowTop) {
    const near = (y - meadowTop) / (HEIGHT - meadowTop);
    const blade = sample(land.grass, meadowX * (1.6 - 0.6 * near), y * (2.2 - near)) - 128;
    return { luma: 88 + 30 * near + blade * (0.25 + 0.25 * near), u: 104 + blade * 0.03, v: 116 - 8 * near };
  }
  const rockX = x + index * 0.45;
  const rockTop = 165 + 46 * Math.sin(rockX * 0.0071 + 1) + 20 * Math.sin(rockX * 0.021) +
    9 * Math.sin(rockX * 0.083);
  if (y > rockTop) {
    const stone = sample(land.rock, rockX, y) - 128;
    return { luma: 112 + stone * 0.45 + (y - rockTop) * 0.12, u: 132 + stone * 0.04, v: 126 - stone * 0.03 };
  }
  const cloud = sample(land.clouds, x * 0.7 + index * 0.3, y * 1.1 + index * 0.04);
  const cover = Math.max(0, cloud - 120) / 135;
  return { luma: 150 + y * 0.16 + cover * 85, u: 150 - cover * 20, v: 112 + cover * 14 };
}

function ballColour({ x, y, index }: Spot): Colour | undefined {
  if (y < 120 || y > 290) return undefined;
  const dx = (x - 330 - 60 * Math.sin(index * 0.045)) / RADIUS;
  const dy = (y - 205 - 12 * Math.sin(index * 0.09)) / RADIUS;
  const distance = dx * dx + dy * dy;
  if (distance > 1) return undefined;
  const height = Math.sqrt(1 - distance);
  const light = Math.max(0, height * 0.7 - dx * 0.45 - dy * 0.55);
  const turn = Math.atan2(dx, height) + index * 0.03;
  const band = Math.sin(turn * 6) > 0 ? 1 : 0;
  return { luma: 40 + 150 * light + 20 * band, u: 108 + 16 * band, v: 170 - 30 * band };
}

function gaussian(seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: GRAIN }, () => (random() + random() + random() + random() - 2) * 2.2);
}
