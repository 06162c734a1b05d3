import {
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_SMPTE170M,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_SMPTE170M,
  FF_ENCODER_LIBVPX_VP8,
  FF_ENCODER_LIBX264,
} from "node-av/constants";
import { Codec, CodecContext, type Frame, Rational } from "node-av/lib";
import { StreamError } from "../errors.ts";
import { encoderOptions, rateControlAt, type VideoEncoderSettings } from "./encoder_options.ts";
import { allocPacket, check, isDrained, NativeGuard, quietFfmpeg } from "./native.ts";

/** One encoded picture. */
export interface EncodedPictureData {
  readonly data: Uint8Array;
  readonly key: boolean;
}

/**
 * A real-time encoder: one picture in, one access unit out, nothing held back. H.264 is constrained baseline with
 * SPS and PPS in front of every key frame.
 */
export class VideoEncoder {
  readonly settings: VideoEncoderSettings;
  readonly #guard = new NativeGuard();
  readonly #packet = allocPacket();
  readonly #context: CodecContext;
  #count = 0n;
  /** bit/s to change to before the next picture. */
  #wantedBitrate: number | undefined;

  /** @throws StreamError `invalid_frame` when the codec cannot be opened with these settings */
  constructor(settings: VideoEncoderSettings) {
    quietFfmpeg();
    this.settings = settings;
    this.#context = openEncoder(settings);
  }

  /**
   * Changes the bitrate while the encoder is open, from the next picture on.
   *
   * @returns false when this encoder cannot do that: libvpx takes no new rate through FFmpeg
   */
  setBitrate(bitrate: number): boolean {
    if (this.settings.codec !== "H264" || this.settings.holds === "quantizer") return false;
    this.#wantedBitrate = bitrate;
    return true;
  }

  /**
   * Encodes one I420 picture of the size the encoder was opened for.
   *
   * @returns the access unit, or null when rate control dropped the picture
   * @throws StreamError `invalid_frame`
   */
  encode(frame: Frame, options: { key: boolean }): Promise<EncodedPictureData | null> {
    return this.#guard.run(async () => {
      this.#applyBitrate();
      frame.pts = this.#count++;
      frame.pictType = options.key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
      check(await this.#context.sendFrame(frame), "the picture does not encode");
      const result = this.#context.receivePacketSync(this.#packet);
      if (isDrained(result)) return null;
      check(result, "the picture does not encode");
      const data = this.#packet.data;
      const key = this.#packet.isKeyframe;
      this.#packet.unref();
      return data === null ? null : { data: new Uint8Array(data.buffer, data.byteOffset, data.length), key };
    });
  }

  #applyBitrate(): void {
    const bitrate = this.#wantedBitrate;
    if (bitrate === undefined) return;
    this.#wantedBitrate = undefined;
    const { maxRate, bufferBits } = rateControlAt({ wanted: this.settings.bitrate, present: bitrate });
    this.#context.bitRate = BigInt(bitrate);
    this.#context.rcMaxRate = BigInt(maxRate);
    this.#context.rcBufferSize = bufferBits;
  }

  /** Frees the encoder; waits for a picture that is being encoded. */
  async close(): Promise<void> {
    await this.#guard.close(() => {
      this.#context.freeContext();
      this.#packet.free();
    });
  }
}

function openEncoder(settings: VideoEncoderSettings): CodecContext {
  const name = settings.codec === "H264" ? FF_ENCODER_LIBX264 : FF_ENCODER_LIBVPX_VP8;
  const codec = Codec.findEncoderByName(name);
  if (codec === null) throw new StreamError("invalid_frame", `this FFmpeg has no ${settings.codec} encoder`);
  const context = new CodecContext();
  context.allocContext3(codec);
  const perMille = Math.round(settings.fps * 1000);
  context.width = settings.width;
  context.height = settings.height;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.colorRange = settings.fullRange === true ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  context.colorSpace = AVCOL_SPC_SMPTE170M;
  context.colorPrimaries = AVCOL_PRI_SMPTE170M;
  context.colorTrc = AVCOL_TRC_SMPTE170M;
  context.timeBase = new Rational(1000, perMille);
  context.framerate = new Rational(perMille, 1000);
  context.maxBFrames = 0;
  context.threadCount = 1;
  const { rateControl, gopSize, options } = encoderOptions(settings);
  context.gopSize = gopSize;
  if (rateControl !== null) {
    context.bitRate = BigInt(settings.bitrate);
    context.rcMaxRate = BigInt(rateControl.maxRate);
    context.rcBufferSize = rateControl.bufferBits;
  }
  for (const [key, value] of Object.entries(options)) {
    check(context.setOption(key, value), `encoder option ${key}=${value}`);
  }
  const opened = context.open2Sync(codec, null);
  if (opened < 0) {
    context.freeContext();
    check(opened, `cannot open the ${settings.codec} encoder at ${settings.width}x${settings.height}`);
  }
  return context;
}
