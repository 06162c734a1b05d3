/**
 * The card that is shown while there is no camera.
 *
 * @module
 */

import { Image } from "imagescript";
import type { RawFrame } from "telefuser";
import font from "../assets/bricolage_grotesque.ttf" with { type: "bytes" };

/** A camera in an area of 64 by 36 units. */
const CAMERA = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 36">
  <rect width="64" height="36" fill="#16202c"/>
  <g fill="#8fa6bd">
    <rect x="23" y="8" width="13" height="11" rx="2"/>
    <path d="M37.5 12.2 L43 9.2 V17.8 L37.5 14.8 Z" stroke="#8fa6bd" stroke-linejoin="round"/>
  </g>
</svg>`;

/** Draws a camera and a line of words below it. */
export async function drawCard(words: string, { width, height }: { width: number; height: number }): Promise<RawFrame> {
  const card = await Image.renderSVG(CAMERA, width, Image.SVG_MODE_WIDTH);
  const text = await Image.renderText(font, height / 11, words, 0xe6edf4ff);
  card.composite(text, Math.round((width - text.width) / 2), Math.round(height * 0.64));
  return { format: "rgba", data: card.bitmap, width: card.width, height: card.height };
}
