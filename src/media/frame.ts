/** Video codecs the server can send. The names are those of SDP's `rtpmap`. */
export type VideoCodec = "H264" | "VP8";

/** How much CPU an encoder may spend for the same bitrate: `fast` least, `quality` most. */
export type EncoderEffort = "fast" | "balanced" | "quality";

/** A JPEG picture as it came from a pipeline. */
export interface JpegPicture {
  readonly format: "jpeg";
  readonly data: Uint8Array;
}

/** Raw pixels as they came from a pipeline; see `RawFrame` in the pipeline contract for the layout. */
export interface RawPicture {
  readonly format: "rgba" | "i420";
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** An access unit that goes out as it is. */
export interface EncodedPicture {
  readonly format: "h264" | "vp8";
  readonly data: Uint8Array;
  readonly key: boolean;
}

/** A picture before the encoder. */
export type SourcePicture = JpegPicture | RawPicture | EncodedPicture;

/** A picture behind the encoder: one access unit on the media timeline. */
export interface EncodedFrame {
  readonly codec: VideoCodec;
  /** Annex B for H.264, a frame as in RFC 6386 for VP8. */
  readonly data: Uint8Array;
  /** Whether a decoder can start here. */
  readonly key: boolean;
  /** Seconds on the media timeline. */
  readonly mediaTime: number;
  /** Pixels, 0 when not known (frames that arrived encoded). */
  readonly width: number;
  readonly height: number;
}

/** Interleaved signed 16-bit samples. */
export interface PcmBlock {
  readonly samples: Int16Array;
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
}

/** One Opus packet on the media timeline. */
export interface EncodedAudio {
  readonly data: Uint8Array;
  /** Seconds on the media timeline at which its first sample plays. */
  readonly mediaTime: number;
  /** Seconds. */
  readonly duration: number;
}

/** Whether raw data has the length that its size says. */
export function rawPictureBytes(format: "rgba" | "i420", width: number, height: number): number {
  if (format === "rgba") return width * height * 4;
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}
