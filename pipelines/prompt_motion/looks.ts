/**
 * Colours that go together. In each look the ink can be read on the ground and on all the accents.
 *
 * @module
 */

import { type Chance, clamp, mix, pick } from "./chance.ts";
import { mixColor, Raster, type Rgb } from "./raster.ts";

/** The colours of a stream. */
export interface Look {
  /** The ground's colour above and below. */
  ground: readonly [Rgb, Rgb];
  accents: readonly [Rgb, Rgb, Rgb];
  ink: Rgb;
  /** What lies under the ink to set it off. */
  shadow: Rgb;
}

const LOOKS: readonly [Look, ...Look[]] = [
  look("16123a 34206b", "e0484f e08a34 5b3df0", "fff4e0 0b0822"),
  look("04263f 0a5a78", "0c8792 d9713f 2f66a8", "fdf6e3 021523"),
  look("f8eddb f2d8b5", "f2938a f4c24d 8cc5c0", "1f2041 fffaf0"),
  look("0f2a22 1f4f3d", "a8542c 3f7d53 94762a", "fff8e7 061410"),
  look("ffe0ee ffc4da", "ff9cc4 9bd6fb ffe08a", "3a0f4d ffffff"),
  look("0d0d14 24222f", "8f7217 4a4866 a83a36", "fbf3d5 000000"),
  look("2b0f3f 8a2460", "d1495b 7a3fb0 c7762b", "fff1d6 17051f"),
  look("def5e6 b5e2c6", "84cba5 ffdc85 ffbba9", "123c2f ffffff"),
  look("0a0f3c 2023a0", "e0268a 0089c2 7b2ff7", "ffffff 04061f"),
  look("f1e4d4 e3c7ae", "dd9c82 b0bd98 ebcb74", "2d2a32 fffaf2"),
];

function look(ground: string, accents: string, letters: string): Look {
  const [above, below] = ground.split(" ").map(color);
  const [first, second, third] = accents.split(" ").map(color);
  const [ink, shadow] = letters.split(" ").map(color);
  if (!above || !below || !first || !second || !third || !ink || !shadow) {
    throw new Error("A look needs seven colours.");
  }
  return { ground: [above, below], accents: [first, second, third], ink, shadow };
}

function color(hex: string): Rgb {
  const number = Number.parseInt(hex, 16);
  return [number >> 16, number >> 8 & 255, number & 255];
}

/** Chooses a look. */
export function chooseLook(chance: Chance): Look {
  return pick(chance, LOOKS);
}

/** Paints the ground: a gradient with two soft lights, darker corners and a fine grain that hides its steps. */
export function paintGround(
  size: { width: number; height: number },
  { look, chance }: { look: Look; chance: Chance },
): Raster {
  const { width, height } = size;
  const ground = new Raster(width, height);
  const tilt = mix(-0.5, 0.5, chance());
  const lights = [0, 1].map((i) => ({ x: chance(), y: chance(), color: look.accents[i] ?? look.accents[0] }));
  ground.fill((x, y) => {
    const u = x / width;
    const v = y / height;
    const base = mixColor(look.ground[0], look.ground[1], clamp(v + tilt * (u - 0.5)));
    const grain = ((x * 0.7548777 + y * 0.5698403) % 1 - 0.5) * 3;
    const corner = 1 - 0.35 * Math.max(0, (u - 0.5) ** 2 + (v - 0.5) ** 2 - 0.12);
    let [r, g, b] = base;
    for (const light of lights) {
      const amount = 0.26 * Math.exp(-((u - light.x) ** 2 + (v - light.y) ** 2) * 7);
      r += (light.color[0] - r) * amount;
      g += (light.color[1] - g) * amount;
      b += (light.color[2] - b) * amount;
    }
    return [byte(r * corner + grain), byte(g * corner + grain), byte(b * corner + grain)];
  });
  return ground;
}

function byte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value | 0;
}
