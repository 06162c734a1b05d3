import { AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, Frame } from "node-av";
import { CappedEncoder, type VideoEncoderSettings } from "../../src/codec/mod.ts";
import { checked } from "../clips/checked.ts";
import type { CodedPicture, PictureEncoder } from "../clips/ffmpeg_encoder.ts";
import { allocatePicture, asBuffer } from "../clips/jpeg.ts";
import { FPS, HEIGHT, WIDTH } from "../clips/picture.ts";

/** The server's own encoder, as the quality trial drives it. */
export class StreamEncoder implements PictureEncoder {
  readonly #encoder: CappedEncoder;
  readonly #frame = new Frame();

  constructor(settings: Pick<VideoEncoderSettings, "codec" | "bitrate" | "effort">) {
    this.#encoder = new CappedEncoder({ ...settings, width: WIDTH, height: HEIGHT, fps: FPS });
    allocatePicture(this.#frame, AV_PIX_FMT_YUV420P);
    this.#frame.colorRange = AVCOL_RANGE_MPEG;
  }

  async encode(i420: Uint8Array, index: number): Promise<CodedPicture[]> {
    checked(this.#frame.makeWritable(), "make the source picture writable");
    checked(this.#frame.fromBuffer(asBuffer(i420)), "fill the source picture");
    const coded = await this.#encoder.encode(this.#frame, { key: index === 0 });
    return coded === null ? [] : [{ index, ...coded }];
  }

  flush(): CodedPicture[] {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#encoder.close();
    this.#frame.free();
  }
}
