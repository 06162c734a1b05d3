import { AVERROR_EAGAIN, AVERROR_EOF, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from "node-av/constants";
import { type CodecContext, FormatContext, type Stream } from "node-av/lib";
import { StreamError } from "../errors.ts";
import type { FilePicture, VideoFileOptions, VideoFileReader } from "../media/mod.ts";
import { openInput } from "./media_input.ts";
import { allocFrame, allocPacket, check, NativeGuard, quietFfmpeg } from "./native.ts";
import { openDecoder } from "./open_codec.ts";
import { PictureOutput, targetSize } from "./picture_output.ts";
import { FILE_AUDIO_RATE, readSoundTrack } from "./sound_track.ts";

/**
 * Opens a video file for decoding.
 *
 * @throws StreamError `invalid_frame` when it is missing, not a video, or its codec is not there
 */
export async function openVideoFile(path: string, options: VideoFileOptions): Promise<VideoFileReader> {
  quietFfmpeg();
  const format = new FormatContext();
  try {
    await openInput(format, path);
    check(await format.findStreamInfo(null), `cannot read the video ${path}`);
    const index = format.findBestStream(AVMEDIA_TYPE_VIDEO);
    const stream = format.streams?.[index];
    if (index < 0 || stream === undefined) throw new StreamError("invalid_frame", `${path} has no picture`);
    return new FileReader({ path, format, stream, options });
  } catch (error) {
    await format.closeInput();
    throw error;
  }
}

class FileReader implements VideoFileReader {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly duration: number;
  readonly audio: { readonly sampleRate: number; readonly channels: 1 | 2 } | null;
  readonly #path: string;
  readonly #format: FormatContext;
  readonly #stream: Stream;
  readonly #decoder: CodecContext;
  readonly #guard = new NativeGuard();
  readonly #packet = allocPacket();
  readonly #frame = allocFrame();
  readonly #output: PictureOutput;
  #flushing = false;
  #startPts: bigint | undefined;

  constructor(
    { path, format, stream, options }: {
      path: string;
      format: FormatContext;
      stream: Stream;
      options: VideoFileOptions;
    },
  ) {
    this.#path = path;
    this.#format = format;
    this.#stream = stream;
    const source = { width: stream.codecpar.width, height: stream.codecpar.height };
    const size = targetSize(source, options);
    this.#decoder = openDecoder(stream);
    this.width = size.width;
    this.height = size.height;
    const rate = stream.avgFrameRate;
    this.fps = rate.num > 0 && rate.den > 0 ? rate.num / rate.den : 24;
    this.duration = Math.max(0, Number(format.duration) / 1_000_000);
    const audioIndex = format.findBestStream(AVMEDIA_TYPE_AUDIO);
    const audio = audioIndex >= 0 ? format.streams?.[audioIndex] : undefined;
    this.audio = audio === undefined
      ? null
      : { sampleRate: FILE_AUDIO_RATE, channels: audio.codecpar.channelLayout.nbChannels >= 2 ? 2 : 1 };
    try {
      this.#output = new PictureOutput(size, options);
    } catch (error) {
      this.#decoder.freeContext();
      this.#frame.free();
      this.#packet.free();
      throw error;
    }
  }

  nextPicture(): Promise<FilePicture | null> {
    return this.#guard.run(async () => {
      for (;;) {
        const received = await this.#decoder.receiveFrame(this.#frame);
        if (received === AVERROR_EOF) return null;
        if (received === AVERROR_EAGAIN) {
          await this.#feed();
          continue;
        }
        check(received, `cannot decode ${this.#path}`);
        const pts = this.#frame.bestEffortTimestamp;
        this.#startPts ??= pts;
        const { num, den } = this.#stream.timeBase;
        const timestamp = Number(pts - this.#startPts) * num / den;
        const picture = await this.#output.make(this.#frame);
        this.#frame.unref();
        return { ...picture, timestamp };
      }
    });
  }

  async readAudio(): Promise<Int16Array> {
    const { audio } = this;
    if (audio === null) return new Int16Array(0);
    return await this.#guard.run(() => readSoundTrack(this.#path, audio.channels));
  }

  async close(): Promise<void> {
    await this.#guard.close(() => {
      this.#decoder.freeContext();
      this.#output.close();
      this.#frame.free();
      this.#packet.free();
      this.#format.closeInputSync();
    });
  }

  async #feed(): Promise<void> {
    if (this.#flushing) throw new StreamError("invalid_frame", `cannot decode ${this.#path}`);
    for (;;) {
      const read = await this.#format.readFrame(this.#packet);
      if (read === AVERROR_EOF) {
        this.#flushing = true;
        check(await this.#decoder.sendPacket(null), `cannot decode ${this.#path}`);
        return;
      }
      check(read, `cannot read ${this.#path}`);
      if (this.#packet.streamIndex === this.#stream.index) {
        const sent = await this.#decoder.sendPacket(this.#packet);
        this.#packet.unref();
        check(sent, `cannot decode ${this.#path}`);
        return;
      }
      this.#packet.unref();
    }
  }
}
