import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AV_SAMPLE_FMT_S16,
  AVCOL_RANGE_JPEG,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  type AVPixelFormat,
  type AVSampleFormat,
  FF_ENCODER_MJPEG,
  SWS_BICUBIC,
} from "node-av/constants";
import {
  Codec,
  CodecContext,
  FormatContext,
  type Frame,
  Rational,
  SoftwareResampleContext,
  SoftwareScaleContext,
  type Stream,
} from "node-av/lib";
import { StreamError } from "../errors.ts";
import type { FilePicture, VideoFileOptions, VideoFileReader } from "../media/mod.ts";
import { allocFrame, allocPacket, check, NativeGuard, quietFfmpeg } from "./native.ts";

/** Audio of a file is handed out at this rate: what goes on the wire. */
const AUDIO_RATE = 48_000;
/** Pixels. */
const LARGEST_SIDE = 4096;

/**
 * Opens a video file for decoding.
 *
 * @throws StreamError `invalid_frame` when it is missing, not a video, or its codec is not there
 */
export async function openVideoFile(path: string, options: VideoFileOptions): Promise<VideoFileReader> {
  quietFfmpeg();
  const format = new FormatContext();
  try {
    check(await format.openInput(path, null, null), `cannot open the video ${path}`);
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
      : { sampleRate: AUDIO_RATE, channels: audio.codecpar.channelLayout.nbChannels >= 2 ? 2 : 1 };
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

/** Scales decoded pictures and hands them out in the format that was asked for. */
class PictureOutput {
  readonly #size: { width: number; height: number };
  readonly #options: VideoFileOptions;
  readonly #scaler = new SoftwareScaleContext();
  readonly #scaled = allocFrame();
  readonly #packet = allocPacket();
  #jpeg: CodecContext | undefined;
  #scalerKey = "";

  constructor(size: { width: number; height: number }, options: VideoFileOptions) {
    this.#size = size;
    this.#options = options;
    const format = this.#pixelFormat();
    this.#scaled.format = format;
    this.#scaled.width = size.width;
    this.#scaled.height = size.height;
    if (options.format === "jpeg") this.#scaled.colorRange = AVCOL_RANGE_JPEG;
    try {
      check(this.#scaled.getBuffer(1), "no memory for the picture");
      if (options.format === "jpeg") this.#jpeg = openJpegEncoder(size, options.quality);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async make(frame: Frame) {
    const { width, height } = this.#size;
    const format = frame.format as AVPixelFormat;
    const key = `${frame.width}x${frame.height}:${format}`;
    if (key !== this.#scalerKey) {
      const target = this.#pixelFormat();
      if (this.#scalerKey !== "") this.#scaler.freeContext();
      this.#scaler.getContext(frame.width, frame.height, format, width, height, target, SWS_BICUBIC);
      this.#scalerKey = key;
    }
    check(await this.#scaler.scaleFrame(this.#scaled, frame), "the picture does not convert");
    if (this.#options.format !== "jpeg") {
      return { format: this.#options.format, data: new Uint8Array(this.#scaled.toBuffer()), width, height } as const;
    }
    return { format: "jpeg", data: await this.#encodeJpeg() } as const;
  }

  close(): void {
    if (this.#scalerKey !== "") this.#scaler.freeContext();
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

function openDecoder(stream: Stream): CodecContext {
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  if (codec === null) throw new StreamError("invalid_frame", "this FFmpeg cannot decode the file's codec");
  const context = new CodecContext();
  context.allocContext3(codec);
  check(context.parametersToContext(stream.codecpar), "cannot set the decoder up");
  context.pktTimebase = stream.timeBase;
  return opened(context, codec, "cannot open the decoder");
}

/** Opens a codec, or frees it and throws. */
function opened(context: CodecContext, codec: Codec, what: string): CodecContext {
  const result = context.open2Sync(codec, null);
  if (result < 0) context.freeContext();
  check(result, what);
  return context;
}

function targetSize(source: { width: number; height: number }, options: VideoFileOptions) {
  const ratio = source.width / source.height;
  const width = options.width ?? (options.height === undefined ? source.width : options.height * ratio);
  const height = options.height ?? (options.width === undefined ? source.height : options.width / ratio);
  const size = { width: Math.max(2, Math.round(width / 2) * 2), height: Math.max(2, Math.round(height / 2) * 2) };
  if (size.width <= LARGEST_SIDE && size.height <= LARGEST_SIDE) return size;
  const asked = `${size.width}x${size.height}`;
  throw new StreamError("invalid_frame", `pictures of ${asked} are too large; a side takes ${LARGEST_SIDE} pixels`);
}

/** Decodes the sound of a file in a pass of its own, so that pictures can be read at any speed meanwhile. */
async function readSoundTrack(path: string, channels: 1 | 2): Promise<Int16Array> {
  const format = new FormatContext();
  const packet = allocPacket();
  const frame = allocFrame();
  const resampler = new SoftwareResampleContext();
  const blocks: Int16Array[] = [];
  let decoder: CodecContext | undefined;
  try {
    check(await format.openInput(path, null, null), `cannot open ${path}`);
    check(await format.findStreamInfo(null), `cannot read ${path}`);
    const stream = format.streams?.[format.findBestStream(AVMEDIA_TYPE_AUDIO)];
    if (stream === undefined) return new Int16Array(0);
    decoder = openDecoder(stream);
    const layout = channels === 2 ? AV_CHANNEL_LAYOUT_STEREO : AV_CHANNEL_LAYOUT_MONO;
    let ready = false;
    for (let ended = false; !ended;) {
      const read = await format.readFrame(packet);
      ended = read === AVERROR_EOF;
      if (!ended) {
        check(read, `cannot read ${path}`);
        if (packet.streamIndex !== stream.index) {
          packet.unref();
          continue;
        }
      }
      check(await decoder.sendPacket(ended ? null : packet), `cannot decode the sound of ${path}`);
      packet.unref();
      while (await decoder.receiveFrame(frame) >= 0) {
        if (!ready) {
          const sampleFormat = frame.format as AVSampleFormat;
          resampler.allocSetOpts2(
            layout,
            AV_SAMPLE_FMT_S16,
            AUDIO_RATE,
            frame.channelLayout,
            sampleFormat,
            frame.sampleRate,
          );
          check(resampler.init(), `cannot resample the sound of ${path}`);
          ready = true;
        }
        blocks.push(drain(resampler, { frame, channels }));
        frame.unref();
      }
    }
    if (ready) blocks.push(drain(resampler, { frame: null, channels }));
  } finally {
    resampler.free();
    decoder?.freeContext();
    frame.free();
    packet.free();
    await format.closeInput();
  }
  return concat(blocks);
}

function drain(
  resampler: SoftwareResampleContext,
  { frame, channels }: { frame: Frame | null; channels: 1 | 2 },
): Int16Array {
  const room = resampler.getOutSamples(frame?.nbSamples ?? 0) + 64;
  const out = Buffer.alloc(room * channels * 2);
  const data = frame?.extendedData ?? frame?.data ?? null;
  const written = resampler.convertSync([out], room, data, frame?.nbSamples ?? 0);
  check(written, "the sound does not resample");
  return new Int16Array(out.buffer, out.byteOffset, written * channels);
}

function concat(blocks: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}
