import { FfmpegEncoder, type FfmpegSetting } from "../clips/ffmpeg_encoder.ts";
import { StreamEncoder } from "./stream_encoder.ts";
import type { TrialSubject } from "./trial.ts";

/** A named row of the quality table. */
export interface QualityRow extends TrialSubject {
  readonly name: string;
}

/** The row that the others are compared with. */
export const REFERENCE = "libvpx VP8 realtime, cpu-used 8";

// Positive cpu-used values adapt to the speed of the machine, negative ones are fixed speeds.
const VP8_REALTIME: FfmpegSetting = {
  codec: "libvpx",
  options: { deadline: "realtime", "cpu-used": "8", "lag-in-frames": "0" },
  gop: 3000,
  bufferSeconds: 1,
  constantRate: true,
  quantizer: [2, 56],
  threads: 1,
};

// What aiortc 1.16 gives its encoders (aiortc/codecs/vpx.py and h264.py), apart from the bitrate.
const VP8_AIORTC: FfmpegSetting = {
  ...VP8_REALTIME,
  options: {
    deadline: "realtime",
    "cpu-used": "-6",
    "lag-in-frames": "0",
    "noise-sensitivity": "4",
    "static-thresh": "1",
    "undershoot-pct": "100",
    "overshoot-pct": "15",
  },
};
const H264_AIORTC: FfmpegSetting = {
  codec: "libx264",
  options: { level: "31", tune: "zerolatency", profile: "baseline" },
  gop: 250,
  threads: 0,
  framerate: 30,
};

const EFFORTS = ["fast", "balanced", "quality"] as const;

/** Every row: the reference, what aiortc does, then the server's own encoder with each effort. */
export function qualityRows(bitrate: number): QualityRow[] {
  const peers: [string, "H264" | "VP8", FfmpegSetting][] = [
    [REFERENCE, "VP8", VP8_REALTIME],
    ["aiortc VP8", "VP8", VP8_AIORTC],
    ["aiortc H264", "H264", H264_AIORTC],
  ];
  return [
    ...peers.map(([name, codec, setting]) => ({ name, codec, open: () => new FfmpegEncoder(setting, bitrate) })),
    ...(["H264", "VP8"] as const).flatMap((codec) =>
      EFFORTS.map((effort) => ({
        name: `stream ${codec} ${effort}`,
        codec,
        open: () => new StreamEncoder({ codec, bitrate, effort }),
      }))
    ),
  ];
}
