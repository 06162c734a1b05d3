import {
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  type AVPixelFormat,
  FF_ENCODER_MJPEG,
} from "node-av/constants";
import { Codec, CodecContext, type Frame, Rational, SoftwareScaleContext } from "node-av/lib";
import { StreamError } from "../errors.ts";
import type { JpegPicture, RawPicture, VideoFileOptions } from "../media/mod.ts";
import { allocFrame, allocPacket, check } from "./native.ts";
import { opened } from "./open_codec.ts";

/** Pixels. */
const LARGEST_SIDE = 4096;

/**
 * Scales decoded pictures and hands them out in the format that was asked for. The scaler is not set up for one shape: it
 * goes by what each frame says of its size, format and colour space. YUV comes out as BT.601, as pictures are encoded.
 */
export class PictureOutput {
  readonly #size: { width: number; height: number };
  readonly #options: VideoFileOptions;
  readonly #scaler = new SoftwareScaleContext();
  readonly #scaled = allocFrame();
  readonly #packet = allocPacket();
  #jpeg: CodecContext | undefined;

  constructor(size: { width: number; height: number }, options: VideoFileOptions) {
    this.#size = size;
    this.#options = options;
    const format = this.#pixelFormat();
    this.#scaled.format = format;
    this.#scaled.width = size.width;
    this.#scaled.height = size.height;
    if (options.format !== "rgba") {
      this.#scaled.colorSpace = AVCOL_SPC_SMPTE170M;
      this.#scaled.colorRange = options.format === "jpeg" ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    }
    this.#scaler.allocContext();
    try {
      check(this.#scaled.getBuffer(1), "no memory for the picture");
      if (options.format === "jpeg") this.#jpeg = openJpegEncoder(size, options.quality);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The picture of a decoded frame. */
  async make(frame: Frame): Promise<JpegPicture | RawPicture> {
    const { width, height } = this.#size;
    check(await this.#scaler.scaleFrame(this.#scaled, frame), "the picture does not convert");
    if (this.#options.format !== "jpeg") {
      return { format: this.#options.format, data: new Uint8Array(this.#scaled.toBuffer()), width, height } as const;
    }
    return { format: "jpeg", data: await this.#encodeJpeg() } as const;
  }

  /** Frees the codecs. */
  close(): void {
    this.#scaler.freeContext();
    this.#jpeg?.freeContext();
    this.#scaled.free();
    this.#packet.free();
  }

  async #encodeJpeg(): Promise<Uint8Array> {
    const encoder = this.#jpeg;
    if (encoder === undefined) throw new StreamError("invalid_frame", "the JPEG encoder is not open");
    this.#scaled.quality = jpegScale(this.#options.quality) * FF_QP2LAMBDA;
    check(await encoder.sendFrame(this.#scaled), "the picture does not encode as JPEG");
    check(encoder.receivePacketSync(this.#packet), "the picture does not encode as JPEG");
    const data = this.#packet.data;
    this.#packet.unref();
    if (data === null) throw new StreamError("invalid_frame", "the JPEG encoder gave nothing");
    return new Uint8Array(data);
  }

  #pixelFormat(): AVPixelFormat {
    if (this.#options.format === "rgba") return AV_PIX_FMT_RGBA;
    return this.#options.format === "jpeg" ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  }
}

/** FFmpeg's unit of quality (libavutil/avutil.h). */
const FF_QP2LAMBDA = 118;

/** Quality 1–100 to FFmpeg's quantizer scale, 31–2. */
function jpegScale(quality: number): number {
  return Math.round(2 + (100 - quality) * 29 / 99);
}

function openJpegEncoder(size: { width: number; height: number }, quality: number): CodecContext {
  const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG);
  if (codec === null) throw new StreamError("invalid_frame", "this FFmpeg has no JPEG encoder");
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = size.width;
  context.height = size.height;
  context.pixelFormat = AV_PIX_FMT_YUVJ420P;
  context.colorRange = AVCOL_RANGE_JPEG;
  context.timeBase = new Rational(1, 1000);
  context.threadCount = 1;
  check(context.setOption("flags", "+qscale"), "JPEG quality");
  context.globalQuality = jpegScale(quality) * FF_QP2LAMBDA;
  return opened(context, codec, "cannot open the JPEG encoder");
}

/** The size that pictures of a file are handed out in; even numbers, the aspect ratio kept. */
export function targetSize(
  source: { width: number; height: number },
  options: VideoFileOptions,
): { width: number; height: number } {
  const ratio = source.width / source.height;
  const width = options.width ?? (options.height === undefined ? source.width : options.height * ratio);
  const height = options.height ?? (options.width === undefined ? source.height : options.width / ratio);
  const size = { width: Math.max(2, Math.round(width / 2) * 2), height: Math.max(2, Math.round(height / 2) * 2) };
  if (size.width <= LARGEST_SIDE && size.height <= LARGEST_SIDE) return size;
  const asked = `${size.width}x${size.height}`;
  throw new StreamError("invalid_frame", `pictures of ${asked} are too large; a side takes ${LARGEST_SIDE} pixels`);
}
