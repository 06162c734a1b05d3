import { AV_CODEC_FLAG_LOW_DELAY, AV_CODEC_ID_H264, AV_CODEC_ID_VP8 } from "node-av/constants";
import { Codec, CodecContext } from "node-av/lib";
import { StreamError } from "../errors.ts";
import type { CameraPicture, VideoCodec } from "../media/mod.ts";
import { allocFrame, allocPacket, asBuffer, check, isDrained, NativeGuard, quietFfmpeg } from "./native.ts";
import { opened } from "./open_codec.ts";
import { PictureOutput, targetSize } from "./picture_output.ts";

/** Quality of JPEG pictures, 1–100. */
const JPEG_QUALITY = 90;

/** What decoded pictures are turned into; the size is that of the stream unless it says otherwise. */
export interface DecodedFormat {
  readonly format: CameraPicture["format"];
  /** Even number of pixels. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/**
 * A real-time decoder: one access unit in, its picture to be had. Decoding and converting are two steps, so that pictures
 * that nobody takes cost no conversion.
 */
export class VideoDecoder {
  readonly #guard = new NativeGuard();
  readonly #packet = allocPacket();
  readonly #frame = allocFrame();
  readonly #context: CodecContext;
  readonly #format: DecodedFormat;
  #output: { readonly key: string; readonly make: PictureOutput; readonly size: Size } | undefined;

  constructor({ codec, format }: { codec: VideoCodec; format: DecodedFormat }) {
    quietFfmpeg();
    this.#format = format;
    this.#context = openDecoder(codec);
  }

  /**
   * Decodes an access unit: Annex B for H.264, a frame for VP8. After a failure the next one has to be a key frame.
   *
   * @returns whether there is a picture
   * @throws StreamError `invalid_frame`
   */
  decode(data: Uint8Array): Promise<boolean> {
    return this.#guard.run(async () => {
      this.#packet.data = asBuffer(data);
      try {
        check(await this.#context.sendPacket(this.#packet), "the picture does not decode");
        this.#frame.unref();
        const result = this.#context.receiveFrameSync(this.#frame);
        if (isDrained(result)) return false;
        check(result, "the picture does not decode");
        if (this.#frame.decodeErrorFlags === 0) return true;
        throw new StreamError("invalid_frame", "the picture is damaged");
      } catch (error) {
        this.#context.flushBuffers();
        throw error;
      } finally {
        this.#packet.unref();
      }
    });
  }

  /**
   * The picture that was decoded last, in a buffer of its own.
   *
   * @throws StreamError `invalid_frame`
   */
  picture(): Promise<Omit<CameraPicture, "receivedAt">> {
    return this.#guard.run(async () => {
      const { width, height } = this.#frame;
      const key = `${width}x${height}`;
      if (this.#output?.key !== key) {
        this.#output?.make.close();
        this.#output = undefined;
        const options = { ...this.#format, quality: JPEG_QUALITY };
        const size = targetSize({ width, height }, options);
        this.#output = { key, size, make: new PictureOutput(size, options) };
      }
      const { data } = await this.#output.make.make(this.#frame);
      return { format: this.#format.format, data, ...this.#output.size };
    });
  }

  /** Frees the decoder; waits for a picture that is being decoded. */
  async close(): Promise<void> {
    await this.#guard.close(() => {
      this.#output?.make.close();
      this.#context.freeContext();
      this.#frame.free();
      this.#packet.free();
    });
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function openDecoder(name: VideoCodec): CodecContext {
  const codec = Codec.findDecoder(name === "H264" ? AV_CODEC_ID_H264 : AV_CODEC_ID_VP8);
  if (codec === null) throw new StreamError("invalid_frame", `this FFmpeg has no ${name} decoder`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.threadCount = 1;
  context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
  return opened(context, codec, `cannot open the ${name} decoder`);
}
