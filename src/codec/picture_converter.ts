import {
  AV_CODEC_ID_MJPEG,
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  type AVPixelFormat,
  SWS_BILINEAR,
} from "node-av/constants";
import { Codec, CodecContext, type Frame, SoftwareScaleContext } from "node-av/lib";
import { StreamError } from "../errors.ts";
import { type JpegPicture, type RawPicture, rawPictureBytes } from "../media/mod.ts";
import { jpegSize } from "./jpeg_size.ts";
import { allocFrame, allocPacket, asBuffer, check, NativeGuard, quietFfmpeg } from "./native.ts";

/** Smallest and largest picture side in pixels. */
export const PICTURE_SIDE = { min: 16, max: 4096 } as const;

/**
 * Turns JPEG or raw pictures into I420, in native threads. The frame it gives belongs to the converter and is good until
 * the next call; its `colorRange` says whether it is limited or, if `keepFullRange` is set and it was a JPEG, full. Odd
 * sizes lose their last column or row, as 4:2:0 coding needs even ones.
 */
export class PictureConverter {
  readonly #guard = new NativeGuard();
  readonly #packet = allocPacket();
  readonly #decoded = allocFrame();
  #jpeg: CodecContext | undefined;
  #input: Frame | undefined;
  #output: Frame | undefined;
  #scaler: { key: string; context: SoftwareScaleContext } | undefined;
  readonly #keepFullRange: boolean;

  constructor(options: { keepFullRange: boolean } = { keepFullRange: false }) {
    quietFfmpeg();
    this.#keepFullRange = options.keepFullRange;
  }

  /**
   * Converts one picture.
   *
   * @throws StreamError `invalid_frame` when it does not decode or its size is out of range
   */
  convert(picture: JpegPicture | RawPicture): Promise<Frame> {
    return this.#guard.run(() => picture.format === "jpeg" ? this.#fromJpeg(picture.data) : this.#fromRaw(picture));
  }

  /** Frees everything; waits for a conversion that runs. */
  async close(): Promise<void> {
    await this.#guard.close(() => {
      this.#jpeg?.freeContext();
      this.#scaler?.context.freeContext();
      this.#input?.free();
      this.#output?.free();
      this.#decoded.free();
      this.#packet.free();
    });
  }

  async #fromJpeg(data: Uint8Array): Promise<Frame> {
    const size = jpegSize(data);
    checkSize(size.width, size.height);
    const decoder = this.#jpeg ??= openJpegDecoder();
    this.#packet.data = asBuffer(data);
    try {
      check(await decoder.sendPacket(this.#packet), "the JPEG does not decode");
    } finally {
      this.#packet.unref();
    }
    this.#decoded.unref();
    check(decoder.receiveFrameSync(this.#decoded), "the JPEG does not decode");
    if (this.#decoded.decodeErrorFlags !== 0) {
      throw new StreamError("invalid_frame", "the JPEG is damaged");
    }
    const isI420 = this.#decoded.format === AV_PIX_FMT_YUVJ420P && size.width % 2 === 0 && size.height % 2 === 0;
    if (!this.#keepFullRange || !isI420) return await this.#scale(this.#decoded);
    this.#decoded.format = AV_PIX_FMT_YUV420P;
    this.#decoded.colorRange = AVCOL_RANGE_JPEG;
    return this.#decoded;
  }

  async #fromRaw(picture: RawPicture): Promise<Frame> {
    const { format, width, height, data } = picture;
    checkSize(width, height);
    const bytes = rawPictureBytes(format, width, height);
    if (data.length !== bytes) {
      throw new StreamError("invalid_frame", `${format} ${width}x${height} takes ${bytes} bytes, got ${data.length}`);
    }
    const pixelFormat = format === "rgba" ? AV_PIX_FMT_RGBA : AV_PIX_FMT_YUV420P;
    const frame = this.#input = reuse(this.#input, pixelFormat, width, height);
    const rowBytes = format === "rgba"
      ? [{ bytes: width * 4, rows: height }]
      : [{ bytes: width, rows: height }, chroma(width, height), chroma(width, height)];
    copyPlanes(frame, data, rowBytes);
    if (format === "i420" && width % 2 === 0 && height % 2 === 0) return frame;
    return await this.#scale(frame);
  }

  async #scale(source: Frame): Promise<Frame> {
    const width = source.width & ~1;
    const height = source.height & ~1;
    const format = source.format as AVPixelFormat;
    const key = `${source.width}x${source.height}:${format}`;
    if (this.#scaler?.key !== key) {
      this.#scaler?.context.freeContext();
      const context = new SoftwareScaleContext();
      context.getContext(width, height, format, width, height, AV_PIX_FMT_YUV420P, SWS_BILINEAR);
      this.#scaler = { key, context };
    }
    this.#output = reuse(this.#output, AV_PIX_FMT_YUV420P, width, height);
    const full = { width: source.width, height: source.height };
    source.width = width;
    source.height = height;
    const result = await this.#scaler.context.scaleFrame(this.#output, source);
    source.width = full.width;
    source.height = full.height;
    check(result, "the picture does not convert");
    this.#output.colorRange = AVCOL_RANGE_MPEG;
    return this.#output;
  }
}

/** Whether a frame's luma uses 0–255. */
export function isFullRange(frame: Frame): boolean {
  return frame.colorRange === AVCOL_RANGE_JPEG;
}

function openJpegDecoder(): CodecContext {
  const codec = Codec.findDecoder(AV_CODEC_ID_MJPEG);
  if (codec === null) throw new StreamError("invalid_frame", "this FFmpeg has no MJPEG decoder");
  const context = new CodecContext();
  context.allocContext3(codec);
  context.threadCount = 1;
  check(context.setOption("err_detect", "explode"), "JPEG error detection");
  // A tenth to a fifth of the time less than FFmpeg's usual one; no pixel differs by more than one step.
  check(context.setOption("idct", "xvid"), "the JPEG decoder's transform");
  check(context.open2Sync(codec, null), "cannot open the JPEG decoder");
  return context;
}

/** A frame with buffers of that shape: the same one again when nothing changed. */
function reuse(frame: Frame | undefined, format: AVPixelFormat, width: number, height: number): Frame {
  if (frame !== undefined && frame.format === format && frame.width === width && frame.height === height) return frame;
  frame?.free();
  const fresh = allocFrame();
  fresh.format = format;
  fresh.width = width;
  fresh.height = height;
  check(fresh.getBuffer(0), "no memory for the picture");
  fresh.colorRange = AVCOL_RANGE_MPEG;
  return fresh;
}

function chroma(width: number, height: number): { bytes: number; rows: number } {
  return { bytes: Math.ceil(width / 2), rows: Math.ceil(height / 2) };
}

/** Copies packed planes into a frame whose rows may be padded. */
function copyPlanes(frame: Frame, data: Uint8Array, planes: readonly { bytes: number; rows: number }[]): void {
  const targets = frame.data ?? [];
  const strides = frame.linesize;
  let offset = 0;
  for (const [index, { bytes, rows }] of planes.entries()) {
    const target = targets[index];
    const stride = strides[index];
    if (target === undefined || stride === undefined) throw new StreamError("invalid_frame", "the frame has no planes");
    if (stride === bytes) {
      target.set(data.subarray(offset, offset + bytes * rows));
    } else {
      for (let row = 0; row < rows; row++) {
        target.set(data.subarray(offset + row * bytes, offset + (row + 1) * bytes), row * stride);
      }
    }
    offset += bytes * rows;
  }
}

function checkSize(width: number, height: number): void {
  const { min, max } = PICTURE_SIDE;
  if (width < min || height < min || width > max || height > max) {
    throw new StreamError(
      "invalid_frame",
      `${width}x${height} is out of range: each side takes ${min} to ${max} pixels`,
    );
  }
}
