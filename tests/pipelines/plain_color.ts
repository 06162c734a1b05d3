import type { Chunk, Frame, ServerPushService, StreamRequest } from "telefuser";

/** One plain colour for ever, as rgba or as i420. */
class PlainColor implements ServerPushService {
  async *serve(request: StreamRequest): AsyncGenerator<Chunk> {
    const rgb = request.rgb as [number, number, number];
    const [width, height] = [320, 192];
    for (let index = 0;; index++) {
      const make = request.format === "i420" ? i420 : rgba;
      yield { index, fps: 24, frames: Array.from({ length: 6 }, () => make(rgb, width, height)), transfer: true };
    }
  }
}

function rgba([r, g, b]: [number, number, number], width: number, height: number): Frame {
  const data = new Uint8Array(width * height * 4);
  for (let at = 0; at < data.length; at += 4) data.set([r, g, b, 255], at);
  return { format: "rgba", data, width, height };
}

/** BT.601, limited range. */
function i420([r, g, b]: [number, number, number], width: number, height: number): Frame {
  const y = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
  const u = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
  const v = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
  const luma = width * height;
  const data = new Uint8Array(luma * 1.5);
  data.fill(Math.round(y), 0, luma).fill(Math.round(u), luma, luma * 1.25).fill(Math.round(v), luma * 1.25);
  return { format: "i420", data, width, height };
}

export function getService(): ServerPushService {
  return new PlainColor();
}
