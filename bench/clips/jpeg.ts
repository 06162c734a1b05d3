import { Buffer } from "node:buffer";
import {
  AV_CODEC_ID_MJPEG,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  Codec,
  CodecContext,
  FF_ENCODER_MJPEG,
  Frame,
  Packet,
  Rational,
  SoftwareScaleContext,
  SWS_ACCURATE_RND,
  SWS_BILINEAR,
} from "node-av";
import { checked } from "./checked.ts";
import { FPS, HEIGHT, WIDTH } from "./picture.ts";

// FFmpeg's quantizer scale 1–31; 3 gives files like JPEG quality 88–90 of other writers.
const QUANTIZER = 3;
const FF_QP2LAMBDA = 118;

/** Writes full-range I420 pictures of the bench size as JPEG files in memory. */
export class JpegEncoder implements Disposable {
  readonly #context = new CodecContext();
  readonly #frame = new Frame();
  readonly #packet = new Packet();
  #next = 0n;

  constructor() {
    const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG);
    if (codec === null) throw new Error("this FFmpeg build has no MJPEG encoder");
    const context = this.#context;
    context.allocContext3(codec);
    context.width = WIDTH;
    context.height = HEIGHT;
    context.pixelFormat = AV_PIX_FMT_YUVJ420P;
    context.colorRange = AVCOL_RANGE_JPEG;
    context.timeBase = new Rational(1, FPS);
    context.threadCount = 1;
    context.setOption("flags", "+qscale+bitexact");
    context.globalQuality = QUANTIZER * FF_QP2LAMBDA;
    checked(context.open2Sync(codec, null), "open the MJPEG encoder");
    this.#packet.alloc();
    allocatePicture(this.#frame, AV_PIX_FMT_YUVJ420P);
    this.#frame.colorRange = AVCOL_RANGE_JPEG;
  }

  encode(i420: Uint8Array): Uint8Array {
    checked(this.#frame.makeWritable(), "make the JPEG source writable");
    checked(this.#frame.fromBuffer(asBuffer(i420)), "fill the JPEG source");
    this.#frame.pts = this.#next++;
    this.#frame.quality = QUANTIZER * FF_QP2LAMBDA;
    checked(this.#context.sendFrameSync(this.#frame), "send to the MJPEG encoder");
    checked(this.#context.receivePacketSync(this.#packet), "receive from the MJPEG encoder");
    const data = this.#packet.data;
    this.#packet.unref();
    if (data === null) throw new Error("the MJPEG encoder gave an empty packet");
    return new Uint8Array(data);
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#frame.free();
    this.#context.freeContext();
  }
}

/** Reads JPEG files of the bench size as limited-range I420, which is what video encoders expect. */
export class JpegDecoder implements Disposable {
  readonly #context = new CodecContext();
  readonly #scaler = new SoftwareScaleContext();
  readonly #full = new Frame();
  readonly #limited = new Frame();
  readonly #packet = new Packet();

  constructor() {
    const codec = Codec.findDecoder(AV_CODEC_ID_MJPEG);
    if (codec === null) throw new Error("this FFmpeg build has no MJPEG decoder");
    this.#context.allocContext3(codec);
    this.#context.threadCount = 1;
    checked(this.#context.open2Sync(codec, null), "open the MJPEG decoder");
    this.#packet.alloc();
    this.#full.alloc();
    allocatePicture(this.#limited, AV_PIX_FMT_YUV420P);
    this.#limited.colorRange = AVCOL_RANGE_MPEG;
    this.#scaler.allocContext();
    this.#scaler.setOption("sws_flags", SWS_BILINEAR | SWS_ACCURATE_RND);
  }

  /** The packed planes (luma, u, v) of one JPEG file. */
  decode(jpeg: Uint8Array): Uint8Array {
    this.#packet.data = asBuffer(jpeg);
    checked(this.#context.sendPacketSync(this.#packet), "send to the MJPEG decoder");
    this.#packet.unref();
    checked(this.#context.receiveFrameSync(this.#full), "receive from the MJPEG decoder");
    if (this.#full.width !== WIDTH || this.#full.height !== HEIGHT) {
      throw new RangeError(`expected ${WIDTH}x${HEIGHT}, got ${this.#full.width}x${this.#full.height}`);
    }
    checked(this.#scaler.scaleFrameSync(this.#limited, this.#full), "convert to limited range");
    this.#full.unref();
    return new Uint8Array(this.#limited.toBuffer());
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#full.free();
    this.#limited.free();
    this.#scaler.freeContext();
    this.#context.freeContext();
  }
}

/** Gives `frame` a buffer for one picture of the bench size. */
export function allocatePicture(
  frame: Frame,
  format: typeof AV_PIX_FMT_YUV420P | typeof AV_PIX_FMT_YUVJ420P,
): void {
  frame.alloc();
  frame.format = format;
  frame.width = WIDTH;
  frame.height = HEIGHT;
  checked(frame.getBuffer(), "allocate a picture");
}

/** The same memory as a node Buffer, which is what node-av takes. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** True when a receive call has nothing now: feed more, or the stream has ended. */
export function hasNothing(result: number): boolean {
  return result === AVERROR_EAGAIN || result === AVERROR_EOF;
}
