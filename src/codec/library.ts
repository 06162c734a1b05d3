import { FF_ENCODER_LIBOPUS, FF_ENCODER_LIBVPX_VP8, FF_ENCODER_LIBX264 } from "node-av/constants";
import { Codec, getFFmpegInfo } from "node-av/lib";

/** What the native library holds. */
export interface CodecLibrary {
  /** Version of FFmpeg, for example `8.0`. */
  readonly ffmpeg: string;
  /** Codecs that viewers get, by the library that encodes each; null when it is missing. */
  readonly encoders: ReadonlyMap<string, string | null>;
}

const ENCODERS = [["H264", FF_ENCODER_LIBX264], ["VP8", FF_ENCODER_LIBVPX_VP8], ["Opus", FF_ENCODER_LIBOPUS]] as const;

/** Asks the native library what it is. */
export function codecLibrary(): CodecLibrary {
  const encoders = ENCODERS.map(([codec, name]) =>
    [codec, Codec.findEncoderByName(name) === null ? null : name] as const
  );
  return { ffmpeg: getFFmpegInfo().version, encoders: new Map(encoders) };
}
