import type { EncoderEffort, VideoCodec } from "../media/mod.ts";
import { x264Assembly } from "./x264_assembly.ts";

/** What an encoder is opened for; size and rate stay as they are until it is closed. */
export interface VideoEncoderSettings {
  readonly codec: VideoCodec;
  /** Even number of pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames per second, for rate control. */
  readonly fps: number;
  /** Bit per second. */
  readonly bitrate: number;
  readonly effort: EncoderEffort;
  /**
   * What is held: the bitrate (default), or `LEAST_QUANTIZER` for every picture, whatever it takes; libvpx knows only the
   * former.
   */
  readonly holds?: "bitrate" | "quantizer";
  /** Whether luma uses 0–255 instead of 16–235; H.264 says so in its parameter sets, VP8 cannot. Default false. */
  readonly fullRange?: boolean;
}

/** Bounds of rate control: bit/s, and the bits that it may borrow. */
export interface RateControl {
  readonly maxRate: number;
  readonly bufferBits: number;
}

/** Private options and rate control of an encoder. */
export interface EncoderOptions {
  readonly gopSize: number;
  /** Null: there is none. */
  readonly rateControl: RateControl | null;
  readonly options: Readonly<Record<string, string>>;
}

/** Key frames come on request; this is only the longest a stream goes without one. */
const LONGEST_GOP_SECONDS = 600;

/** The share of a second of bits that rate control may borrow. */
const BUFFER_SECONDS = 0.5;
/** The same on a network that carries less than was wanted: a large key frame would stand in its own way there. */
const NARROW_BUFFER_SECONDS = 0.25;

/** The quantizer below which hardly anyone sees more bits (about 41 dB); `fast` does not go there. */
export const LEAST_QUANTIZER = 24;

/** One quantizer for every picture, key frames included. */
const X264_STEADY = `scenecut=0:qp=${LEAST_QUANTIZER}:ipratio=1`;

/**
 * What x264 is told beyond `ultrafast`, `zerolatency` and constrained baseline. The loop filter and sub-pixel search
 * (`subme=1`) of the others are worth 1 to 3 dB. Adaptive quantization costs measured quality at these rates.
 */
const X264: Record<EncoderEffort, string> = {
  fast: `scenecut=0:qpmin=${LEAST_QUANTIZER}`,
  balanced: "scenecut=0:no-deblock=0:deblock=0,0:subme=1",
  quality: "scenecut=0:no-deblock=0:deblock=0,0:subme=1:analyse=i4x4",
};

/** Negative values are fixed speeds; positive ones follow the machine's clock. */
const VPX_CPU_USED: Record<EncoderEffort, number> = { fast: -12, balanced: -10, quality: -6 };

/**
 * Rate control of an encoder that was opened for one bitrate and has another one now.
 *
 * @param bitrates bit/s
 */
export function rateControlAt({ wanted, present }: { wanted: number; present: number }): RateControl {
  const seconds = present < wanted ? NARROW_BUFFER_SECONDS : BUFFER_SECONDS;
  return { maxRate: present, bufferBits: Math.round(present * seconds) };
}

/** The table of efforts: what each codec is told. `deno task bench:quality` shows what each is worth. */
export function encoderOptions(settings: VideoEncoderSettings): EncoderOptions {
  const gopSize = Math.round(LONGEST_GOP_SECONDS * settings.fps);
  const isSteady = settings.holds === "quantizer";
  const rateControl = isSteady ? null : rateControlAt({ wanted: settings.bitrate, present: settings.bitrate });
  if (settings.codec === "VP8") {
    return {
      gopSize,
      rateControl,
      options: {
        deadline: "realtime",
        "cpu-used": String(VPX_CPU_USED[settings.effort]),
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
      },
    };
  }
  const assembly = x264Assembly();
  const params = isSteady ? X264_STEADY : X264[settings.effort];
  return {
    gopSize,
    rateControl,
    options: {
      preset: "ultrafast",
      tune: "zerolatency",
      profile: "baseline",
      "forced-idr": "1",
      "x264-params": assembly === null ? params : `${params}:asm=${assembly}`,
    },
  };
}
