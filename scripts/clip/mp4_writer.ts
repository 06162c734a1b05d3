/**
 * Writes pictures and sound into an MP4 file: H.264 and AAC, encoded with node-av.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  AV_CHANNEL_LAYOUT_STEREO,
  AV_PIX_FMT_YUV420P,
  AV_SAMPLE_FMT_FLTP,
  AVCOL_PRI_SMPTE170M,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_SMPTE170M,
  Encoder,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBX264,
  Frame,
  Muxer,
} from "node-av";
import type { Stereo } from "./reverb.ts";

/** Shape of the file. */
export interface Mp4Options {
  width: number;
  height: number;
  fps: number;
  /** Frames between two key frames. */
  keyInterval: number;
  /** x264's quality; lower is better and larger. */
  crf: number;
  audioRate: number;
  /** Bits per second of the sound. */
  audioBitrate: number;
}

/** An MP4 file that is being written. Close it to complete the file. */
export class Mp4Writer implements AsyncDisposable {
  readonly #options: Mp4Options;
  readonly #muxer: Muxer;
  readonly #video: { encoder: Encoder; stream: number };
  readonly #audio: { encoder: Encoder; stream: number };
  readonly #yuv: Buffer;
  #frames = 0;
  #samples = 0;

  private constructor(options: Mp4Options, parts: { muxer: Muxer; video: Encoder; audio: Encoder }) {
    this.#options = options;
    this.#muxer = parts.muxer;
    this.#video = { encoder: parts.video, stream: parts.muxer.addStream(parts.video) };
    this.#audio = { encoder: parts.audio, stream: parts.muxer.addStream(parts.audio) };
    this.#yuv = Buffer.alloc(options.width * options.height * 3 / 2);
  }

  /** Creates the file at `path`. */
  static async open(path: string, options: Mp4Options): Promise<Mp4Writer> {
    const video = await Encoder.create(FF_ENCODER_LIBX264, {
      gopSize: options.keyInterval,
      maxBFrames: 0,
      threadCount: 2,
      options: { preset: "veryslow", crf: options.crf, "x264-params": "scenecut=0:aq-mode=3:deblock=1,1:psy-rd=0.2,0" },
      configure(context) {
        context.colorRange = AVCOL_RANGE_MPEG;
        context.colorSpace = AVCOL_SPC_SMPTE170M;
        context.colorPrimaries = AVCOL_PRI_SMPTE170M;
        context.colorTrc = AVCOL_TRC_SMPTE170M;
      },
    });
    // At this bitrate FFmpeg's default search spoils single blocks of sustained chords; the quick one does not.
    const audio = await Encoder.create(FF_ENCODER_AAC, {
      bitrate: options.audioBitrate,
      options: { aac_coder: "fast" },
    });
    const muxer = await Muxer.open(path, { format: "mp4", options: { movflags: "+faststart" } });
    return new Mp4Writer(options, { muxer, video, audio });
  }

  /** Adds the next picture, RGBA. */
  async writeFrame(rgba: Uint8ClampedArray): Promise<void> {
    const { width, height, fps } = this.#options;
    convertToI420(rgba, { width, height, into: this.#yuv });
    using frame = Frame.fromVideoBuffer(this.#yuv, {
      width,
      height,
      format: AV_PIX_FMT_YUV420P,
      timeBase: { num: 1, den: fps },
      pts: BigInt(this.#frames++),
    });
    await this.#encode(this.#video, frame);
  }

  /** Adds the next piece of sound, of any length. */
  async writeSound({ left, right }: Stereo): Promise<void> {
    const { audioRate } = this.#options;
    const planes = new Float32Array(2 * left.length);
    planes.set(left, 0);
    planes.set(right, left.length);
    using frame = Frame.fromAudioBuffer(Buffer.from(planes.buffer), {
      nbSamples: left.length,
      format: AV_SAMPLE_FMT_FLTP,
      sampleRate: audioRate,
      channelLayout: AV_CHANNEL_LAYOUT_STEREO,
      timeBase: { num: 1, den: audioRate },
      pts: BigInt(this.#samples),
    });
    this.#samples += left.length;
    await this.#encode(this.#audio, frame);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#encode(this.#video, null);
    await this.#encode(this.#audio, null);
    await this.#muxer.close();
    this.#video.encoder.close();
    this.#audio.encoder.close();
  }

  async #encode({ encoder, stream }: { encoder: Encoder; stream: number }, frame: Frame | null): Promise<void> {
    for (const packet of await encoder.encodeAll(frame)) {
      using owned = packet;
      await this.#muxer.writePacket(owned, stream);
    }
  }
}

/** RGBA to planar YUV 4:2:0, BT.601, limited range. Chroma is the mean of four pixels. */
function convertToI420(
  rgba: Uint8ClampedArray,
  { width, height, into }: { width: number; height: number; into: Uint8Array },
): void {
  const half = width / 2;
  const uAt = width * height;
  const vAt = uAt + uAt / 4;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let corner = 0; corner < 4; corner++) {
        const pixel = (y + (corner >> 1)) * width + x + (corner & 1);
        const r = rgba[pixel * 4] as number;
        const g = rgba[pixel * 4 + 1] as number;
        const b = rgba[pixel * 4 + 2] as number;
        into[pixel] = Math.round(16 + 0.256788 * r + 0.504129 * g + 0.097906 * b);
        red += r;
        green += g;
        blue += b;
      }
      const chroma = (y / 2) * half + x / 2;
      into[uAt + chroma] = Math.round(128 + (-0.148223 * red - 0.290993 * green + 0.439216 * blue) / 4);
      into[vAt + chroma] = Math.round(128 + (0.439216 * red - 0.367788 * green - 0.071427 * blue) / 4);
    }
  }
}
