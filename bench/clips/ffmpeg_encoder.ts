import {
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_MPEG,
  Codec,
  CodecContext,
  type FFEncoderCodec,
  Frame,
  Packet,
  Rational,
} from "node-av";
import { checked } from "./checked.ts";
import { allocatePicture, asBuffer, hasNothing } from "./jpeg.ts";
import { FPS, HEIGHT, WIDTH } from "./picture.ts";

/** One coded picture and the number of the source frame it shows. */
export interface CodedPicture {
  readonly index: number;
  readonly data: Uint8Array;
  readonly key: boolean;
}

/** What the quality trial needs of an encoder. Input: limited-range I420 of the bench size. */
export interface PictureEncoder extends AsyncDisposable {
  encode(i420: Uint8Array, index: number): MaybePromise<CodedPicture[]>;
  /** The pictures that were held back. */
  flush(): MaybePromise<CodedPicture[]>;
}

type MaybePromise<T> = T | Promise<T>;

/** How FFmpeg's encoder is set up. */
export interface FfmpegSetting {
  readonly codec: "libx264" | "libvpx";
  /** FFmpeg option names and values, set before the codec is opened. */
  readonly options: Readonly<Record<string, string>>;
  /** Most frames from one key frame to the next. */
  readonly gop: number;
  /** Rate control buffer in seconds of the bitrate; none means no VBV. */
  readonly bufferSeconds?: number;
  /** Holds the lower limit at the bitrate too, which libvpx takes as constant bitrate. */
  readonly constantRate?: boolean;
  readonly quantizer?: readonly [least: number, most: number];
  /** 0 lets the encoder choose. */
  readonly threads: number;
  /** What the encoder is told; {@link FPS} unless given. */
  readonly framerate?: number;
}

/** Drives FFmpeg's encoder through node-av, synchronously, in this thread. */
export class FfmpegEncoder implements PictureEncoder, Disposable {
  readonly #context = new CodecContext();
  readonly #frame = new Frame();
  readonly #packet = new Packet();

  constructor(setting: FfmpegSetting, bitrate: number) {
    const codec = Codec.findEncoderByName(setting.codec as FFEncoderCodec);
    if (codec === null) throw new Error(`this FFmpeg build has no ${setting.codec}`);
    const context = this.#context;
    context.allocContext3(codec);
    context.width = WIDTH;
    context.height = HEIGHT;
    context.pixelFormat = AV_PIX_FMT_YUV420P;
    context.colorRange = AVCOL_RANGE_MPEG;
    const rate = setting.framerate ?? FPS;
    context.timeBase = new Rational(1, rate);
    context.framerate = new Rational(rate, 1);
    context.gopSize = setting.gop;
    context.maxBFrames = 0;
    context.threadCount = setting.threads;
    context.bitRate = BigInt(bitrate);
    if (setting.bufferSeconds !== undefined) {
      context.rcMaxRate = BigInt(bitrate);
      context.rcBufferSize = Math.round(bitrate * setting.bufferSeconds);
    }
    if (setting.constantRate === true) context.rcMinRate = BigInt(bitrate);
    if (setting.quantizer !== undefined) [context.qMin, context.qMax] = setting.quantizer;
    for (const [name, value] of Object.entries(setting.options)) {
      checked(context.setOption(name, value), `set ${name}=${value}`);
    }
    checked(context.open2Sync(codec, null), `open ${setting.codec}`);
    this.#packet.alloc();
    allocatePicture(this.#frame, AV_PIX_FMT_YUV420P);
    this.#frame.colorRange = AVCOL_RANGE_MPEG;
  }

  encode(i420: Uint8Array, index: number): CodedPicture[] {
    checked(this.#frame.makeWritable(), "make the source picture writable");
    checked(this.#frame.fromBuffer(asBuffer(i420)), "fill the source picture");
    this.#frame.pts = BigInt(index);
    this.#frame.pictType = index === 0 ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    checked(this.#context.sendFrameSync(this.#frame), "send to the encoder");
    return this.#receive();
  }

  flush(): CodedPicture[] {
    checked(this.#context.sendFrameSync(null), "flush the encoder");
    return this.#receive();
  }

  #receive(): CodedPicture[] {
    const coded: CodedPicture[] = [];
    for (;;) {
      const result = this.#context.receivePacketSync(this.#packet);
      if (hasNothing(result)) return coded;
      checked(result, "receive from the encoder");
      const data = this.#packet.data;
      if (data !== null) coded.push({ index: Number(this.#packet.pts), data, key: this.#packet.isKeyframe });
      this.#packet.unref();
    }
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#frame.free();
    this.#context.freeContext();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    return Promise.resolve();
  }
}
