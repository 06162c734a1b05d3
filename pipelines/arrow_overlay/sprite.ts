/**
 * A small square picture with transparency that is laid onto i420 pictures, always in the same place.
 *
 * @module
 */

/** Y, U and V of red, green, blue and opacity (BT.601, limited range); all from 0 to 255. */
const TO_YUV = [
  [0.257, 0.504, 0.098, 16 / 255],
  [-0.148, -0.291, 0.439, 128 / 255],
  [0.439, -0.368, -0.071, 128 / 255],
] as const;

/** Where the sprite lies. All numbers are even and in pixels. */
export interface Placement {
  side: number;
  place: { x: number; y: number };
  /** Size of the pictures that it is laid onto. */
  picture: { width: number; height: number };
}

/** A sprite's part in one plane of the picture. */
interface Layer {
  side: number;
  /** Index of its first byte in the picture, and bytes from one row to the next. */
  start: number;
  stride: number;
  /** What is added in each place, and how much of the picture stays there: 0 to 255. */
  color: Uint8ClampedArray;
  keep: Uint8ClampedArray;
}

/** A sprite, ready to be laid onto pictures. */
export class Sprite {
  readonly #layers: readonly Layer[];

  /** Takes pixels of RGBA whose colours are already multiplied by their opacity, as SVG renderers give them. */
  constructor(rgba: Uint8ClampedArray, { side, place, picture }: Placement) {
    const { width, height } = picture;
    const half = { side: side / 2, stride: width / 2 };
    const halfStart = (place.y / 2) * half.stride + place.x / 2;
    const coarse = shrink(rgba, side);
    const layers = [
      { side, stride: width, start: place.y * width + place.x, from: rgba },
      { ...half, start: width * height + halfStart, from: coarse },
      { ...half, start: width * height * 1.25 + halfStart, from: coarse },
    ];
    this.#layers = TO_YUV.map((factors, plane) => toLayer(layers[plane] as typeof layers[number], factors));
  }

  /** Lays the sprite onto a picture. */
  lay(picture: Uint8Array): void {
    for (const { side, start, stride, color, keep } of this.#layers) {
      for (let row = 0, from = 0; row < side; row++) {
        for (let at = start + row * stride, end = at + side; at < end; at++, from++) {
          const rest = keep[from] as number;
          if (rest < 255) picture[at] = (color[from] as number) + ((picture[at] as number) * rest + 127) / 255;
        }
      }
    }
  }
}

function toLayer(
  { from, ...place }: { side: number; start: number; stride: number; from: Uint8ClampedArray },
  [red, green, blue, opacity]: readonly [number, number, number, number],
): Layer {
  const color = new Uint8ClampedArray(place.side ** 2);
  const keep = new Uint8ClampedArray(place.side ** 2);
  for (let pixel = 0; pixel < color.length; pixel++) {
    const [r = 0, g = 0, b = 0, a = 0] = from.subarray(4 * pixel, 4 * pixel + 4);
    color[pixel] = red * r + green * g + blue * b + opacity * a;
    keep[pixel] = 255 - a;
  }
  return { ...place, color, keep };
}

/** The picture with half the pixels in each direction, each the mean of four. */
function shrink(rgba: Uint8ClampedArray, side: number): Uint8ClampedArray {
  const half = side / 2;
  const small = new Uint8ClampedArray(half * half * 4);
  for (let at = 0; at < small.length; at++) {
    const pixel = at >> 2;
    const first = (Math.floor(pixel / half) * 2 * side + pixel % half * 2) * 4 + at % 4;
    const below = first + side * 4;
    const sum = [first, first + 4, below, below + 4].reduce((sum, place) => sum + (rgba[place] ?? 0), 0);
    small[at] = sum / 4;
  }
  return small;
}
