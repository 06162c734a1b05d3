import { AV_CODEC_FLAG_LOW_DELAY, AV_CODEC_ID_H264, AV_CODEC_ID_VP8, AV_FRAME_FLAG_CORRUPT } from "node-av/constants";
import { Codec, CodecContext, type Frame } from "node-av/lib";
import { StreamError } from "../errors.ts";
import type { CameraPicture, VideoCodec } from "../media/mod.ts";
import { allocFrame, allocPacket, asBuffer, check, isDrained, NativeGuard, quietFfmpeg } from "./native.ts";
import { opened } from "./open_codec.ts";
import { PICTURE_SIDE } from "./picture_converter.ts";
import { PictureOutput, targetSize } from "./picture_output.ts";

/** Quality of JPEG pictures, 1–100. */
const JPEG_QUALITY = 90;

/** What decoded pictures are turned into; the size is that of the stream unless it says otherwise. */
export interface DecodedFormat {
  readonly format: CameraPicture["format"];
  /** Even number of pixels; when only one side is given, the other follows from the aspect ratio. */
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
  readonly #context: CodecContext;
  readonly #format: DecodedFormat;
  /** The picture that was decoded last, when there is one. */
  #newest: Frame = allocFrame();
  /** Where the next one goes, so that a damaged unit leaves the newest picture as it is. */
  #spare: Frame = allocFrame();
  #hasPicture = false;
  #output: Output | undefined;

  /** @throws StreamError `invalid_frame` when the codec cannot be opened */
  constructor({ codec, format }: { codec: VideoCodec; format: DecodedFormat }) {
    quietFfmpeg();
    this.#format = format;
    this.#context = openDecoder(codec);
  }

  /**
   * Decodes an access unit: Annex B for H.264, a frame for VP8. After a failure the next one has to be a key frame, and
   * `picture()` still gives the picture before it.
   *
   * @returns whether there is a new picture
   * @throws StreamError `invalid_frame` when it does not decode without damage
   */
  decode(data: Uint8Array): Promise<boolean> {
    return this.#guard.run(async () => {
      if (data.length === 0) throw new StreamError("invalid_frame", "the picture is empty");
      this.#packet.data = asBuffer(data);
      try {
        check(await this.#context.sendPacket(this.#packet), "the picture does not decode");
        return this.#receive();
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
   * @throws StreamError `invalid_frame` when nothing was decoded yet or its size is out of range
   */
  picture(): Promise<Omit<CameraPicture, "receivedAt">> {
    return this.#guard.run(async () => {
      if (!this.#hasPicture) throw new StreamError("invalid_frame", "no picture was decoded yet");
      const { make, size } = this.#outputFor(this.#newest);
      const { data } = await make.make(this.#newest);
      return { format: this.#format.format, data, ...size };
    });
  }

  /** Frees the decoder; waits for a picture that is being decoded or converted. */
  async close(): Promise<void> {
    await this.#guard.close(() => {
      this.#output?.make.close();
      this.#context.freeContext();
      this.#newest.free();
      this.#spare.free();
      this.#packet.free();
    });
  }

  #receive(): boolean {
    const frame = this.#spare;
    frame.unref();
    const result = this.#context.receiveFrameSync(frame);
    if (isDrained(result)) return false;
    check(result, "the picture does not decode");
    if (frame.decodeErrorFlags !== 0 || frame.hasFlags(AV_FRAME_FLAG_CORRUPT)) {
      throw new StreamError("invalid_frame", "the picture is damaged");
    }
    this.#spare = this.#newest;
    this.#newest = frame;
    this.#hasPicture = true;
    return true;
  }

  #outputFor({ width, height }: Size): Output {
    const key = `${width}x${height}`;
    if (this.#output?.key === key) return this.#output;
    this.#output?.make.close();
    this.#output = undefined;
    const options = { ...this.#format, quality: JPEG_QUALITY };
    const size = targetSize({ width, height }, options);
    return this.#output = { key, size, make: new PictureOutput(size, options) };
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Output {
  /** Size of the pictures that it converts. */
  readonly key: string;
  /** Size of what it makes of them. */
  readonly size: Size;
  readonly make: PictureOutput;
}

function openDecoder(name: VideoCodec): CodecContext {
  const codec = Codec.findDecoder(name === "H264" ? AV_CODEC_ID_H264 : AV_CODEC_ID_VP8);
  if (codec === null) throw new StreamError("invalid_frame", `this FFmpeg has no ${name} decoder`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.threadCount = 1;
  context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
  // A viewer says how large its pictures are: beyond this no memory is taken for them.
  check(context.setOption("max_pixels", String(PICTURE_SIDE.max ** 2)), "largest picture");
  return opened(context, codec, `cannot open the ${name} decoder`);
}
