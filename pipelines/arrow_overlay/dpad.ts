/**
 * Draws a D-pad of four arrows; those that are pressed are green.
 *
 * @module
 */

import { Image } from "imagescript";
import { ARROWS } from "./controls.ts";
import { Sprite } from "./sprite.ts";

/** The arrow that points up, in a square of 144 units around (72, 72). */
const ARROW = "M72 7 L102 37 H87 V54 H57 V37 H42 Z";
const PRESSED = `fill="#00e64d" stroke="#ffffff"`;
const IDLE = `fill="#ffffff" fill-opacity="0.3" stroke="#000000" stroke-opacity="0.3"`;

/** The D-pads for all sets of pressed keys, for pictures of one size. */
export class Dpad {
  readonly #sprites: readonly Sprite[];

  private constructor(sprites: readonly Sprite[]) {
    this.#sprites = sprites;
  }

  /** Draws all 16; they take 1 MB for pictures of 640x360. */
  static async for(picture: { width: number; height: number }): Promise<Dpad> {
    const side = even(0.4 * Math.min(picture.width, picture.height));
    const margin = even(0.045 * Math.min(picture.width, picture.height));
    const place = { x: even(picture.width - margin - side), y: even(picture.height - margin - side) };
    const sprites: Sprite[] = [];
    for (let arrows = 0; arrows < 2 ** ARROWS.length; arrows++) {
      const { bitmap } = await Image.renderSVG(svgOf(arrows), side, Image.SVG_MODE_WIDTH);
      sprites.push(new Sprite(bitmap, { side, place, picture }));
    }
    return new Dpad(sprites);
  }

  /** Lays the D-pad for a set of pressed keys onto the bottom right of an i420 picture. */
  lay(picture: Uint8Array, arrows: number): void {
    this.#sprites[arrows]?.lay(picture);
  }
}

function svgOf(arrows: number): string {
  const paths = ARROWS.map((_, place) => {
    const look = (arrows >> place & 1) === 1 ? PRESSED : IDLE;
    return `<path d="${ARROW}" transform="rotate(${90 * place} 72 72)" ${look}/>`;
  });
  const style = `stroke-width="3" stroke-linejoin="round"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 144 144"><g ${style}>${paths.join("")}</g></svg>`;
}

/** Planes of colour have half as many pixels in each direction, so everything lies on even ones. */
function even(pixels: number): number {
  return Math.floor(pixels / 2) * 2;
}
