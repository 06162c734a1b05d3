import { StreamError } from "../errors.ts";

/**
 * Reads the size from a JPEG's frame header (ITU-T T.81, B.2.2) without decoding it.
 *
 * @throws StreamError `invalid_frame` when this is not a JPEG
 */
export function jpegSize(data: Uint8Array): { width: number; height: number } {
  if (data[0] !== 0xff || data[1] !== 0xd8) throw new StreamError("invalid_frame", "the picture is not a JPEG");
  let at = 2;
  while (at + 9 < data.length) {
    if (data[at] !== 0xff) break;
    const marker = byteAt(data, at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (isFrameHeader(marker)) {
      return { height: uint16At(data, at + 5), width: uint16At(data, at + 7) };
    }
    const standalone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    at += standalone ? 2 : 2 + uint16At(data, at + 2);
  }
  throw new StreamError("invalid_frame", "the JPEG has no frame header");
}

/** SOF0–SOF15 without DHT, JPG and DAC, which share the range. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function byteAt(data: Uint8Array, at: number): number {
  return data[at] ?? 0;
}

function uint16At(data: Uint8Array, at: number): number {
  return (byteAt(data, at) << 8) | byteAt(data, at + 1);
}
