import { Image } from "imagescript";
import type { RawFrame } from "telefuser";

/** 320 by 180 pixels of rgb(200, 40, 64). */
export async function drawCard(index: number): Promise<RawFrame> {
  const card = await Image.renderSVG(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 36">
      <rect width="64" height="36" fill="#c82840"/>
      <circle cx="${index % 64}" cy="6" r="3" fill="#fff"/>
    </svg>`,
    320,
    Image.SVG_MODE_WIDTH,
  );
  return { format: "rgba", data: card.bitmap, width: card.width, height: card.height };
}
