import type { JpegPicture, RawPicture } from "./frame.ts";

/** How pictures of a file are handed out. */
export interface VideoFileOptions {
  readonly format: "jpeg" | "i420" | "rgba";
  /** 1–100, for JPEG. */
  readonly quality: number;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** A decoded picture and its place in the file. */
export type FilePicture = (JpegPicture | RawPicture) & { readonly timestamp: number };

/** A video file that is being decoded from its beginning. */
export interface VideoFileReader {
  readonly width: number;
  readonly height: number;
  /** Average frames per second. */
  readonly fps: number;
  /** Seconds; 0 when unknown. */
  readonly duration: number;
  readonly audio: { readonly sampleRate: number; readonly channels: 1 | 2 } | null;
  /** The next picture in display order, or null at the end. */
  nextPicture(): Promise<FilePicture | null>;
  /** The whole sound track, interleaved. */
  readAudio(): Promise<Int16Array>;
  close(): Promise<void>;
}

/** Opens a file whose path has been allowed already. */
export type OpenVideoFile = (path: string, options: VideoFileOptions) => Promise<VideoFileReader>;
