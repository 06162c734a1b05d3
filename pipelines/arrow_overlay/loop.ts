/**
 * The beginning of a clip in memory, as raw pictures that all viewers share.
 *
 * @module
 */

import type { PipelineContext } from "telefuser";

const WIDTH = 640;
/** Seconds of the clip, and bytes, that are kept. A picture of 640x360 takes 346 kB, 5 s of 24 a second take 41 MB. */
const LENGTH_S = 5;
const MEMORY_LIMIT = 64 * 1024 * 1024;

/** A clip in memory. */
export class Loop {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly pictures: readonly Uint8Array[];

  constructor(pictures: readonly Uint8Array[], shape: { width: number; height: number; fps: number }) {
    this.pictures = pictures;
    this.width = shape.width;
    this.height = shape.height;
    this.fps = shape.fps;
  }

  /** The i420 picture at a time of the endless loop. It is shared: copy it before you draw on it. */
  pictureAt(seconds: number): Uint8Array {
    // The small number keeps a rounding error from showing the picture before.
    const picture = this.pictures[Math.floor(seconds * this.fps + 1e-6) % this.pictures.length];
    if (picture === undefined) throw new RangeError(`No picture at ${seconds} s.`);
    return picture;
  }
}

/** Decodes the clip named by `--media`, or the one that comes with the server. */
export async function loadLoop(context: PipelineContext): Promise<Loop> {
  const path = context.media[0] ?? "telefuser:clip";
  const file = await context.openVideo(path, { format: "i420", width: WIDTH });
  try {
    const pictures: Uint8Array[] = [];
    let bytes = 0;
    for await (const { data, timestamp } of file.frames()) {
      context.signal.throwIfAborted();
      bytes += data.byteLength;
      if (pictures.length > 0 && (timestamp >= LENGTH_S || bytes > MEMORY_LIMIT)) break;
      pictures.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    if (pictures.length === 0) throw new Error(`${path} has no pictures. Name another video with --media.`);
    return new Loop(pictures, file);
  } finally {
    await file.close();
  }
}
