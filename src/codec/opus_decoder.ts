import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_CODEC_ID_OPUS,
  AV_SAMPLE_FMT_S16,
  type AVSampleFormat,
} from "node-av/constants";
import { Codec, CodecContext, SoftwareResampleContext } from "node-av/lib";
import { StreamError } from "../errors.ts";
import { allocFrame, allocPacket, asBuffer, check, NativeGuard, quietFfmpeg } from "./native.ts";
import { opened } from "./open_codec.ts";
import { OPUS_SAMPLE_RATE } from "./opus_encoder.ts";
import type { PcmShape } from "./resampler.ts";

/** Seconds of a packet that was lost before any came. */
const USUAL_DURATION = 0.02;

/** Decodes Opus packets to interleaved PCM16 of the wanted shape. */
export class OpusDecoder {
  readonly output: PcmShape;
  readonly #guard = new NativeGuard();
  readonly #packet = allocPacket();
  readonly #frame = allocFrame();
  readonly #context: CodecContext;
  readonly #resampler = new SoftwareResampleContext();
  #isReady = false;
  #duration = USUAL_DURATION;

  constructor(output: PcmShape) {
    quietFfmpeg();
    this.output = output;
    const codec = Codec.findDecoder(AV_CODEC_ID_OPUS);
    if (codec === null) throw new StreamError("invalid_frame", "this FFmpeg has no Opus decoder");
    const context = new CodecContext();
    context.allocContext3(codec);
    context.sampleRate = OPUS_SAMPLE_RATE;
    context.channelLayout = layout(output.channels);
    this.#context = opened(context, codec, "cannot open the Opus decoder");
  }

  /**
   * Decodes one packet; null stands for one that was lost, and gives silence of the length of the one before it.
   *
   * @throws StreamError `invalid_frame`; the decoder can be used further
   */
  decode(packet: Uint8Array | null): Promise<Int16Array> {
    const { sampleRate, channels } = this.output;
    if (packet === null) return Promise.resolve(new Int16Array(Math.round(this.#duration * sampleRate) * channels));
    return this.#guard.run(async () => {
      this.#packet.data = asBuffer(packet);
      try {
        check(await this.#context.sendPacket(this.#packet), "the sound does not decode");
        this.#frame.unref();
        check(this.#context.receiveFrameSync(this.#frame), "the sound does not decode");
      } catch (error) {
        this.#context.flushBuffers();
        throw error;
      } finally {
        this.#packet.unref();
      }
      this.#duration = this.#frame.nbSamples / OPUS_SAMPLE_RATE;
      return this.#resampled();
    });
  }

  /** Frees the decoder. */
  async close(): Promise<void> {
    await this.#guard.close(() => {
      this.#resampler.free();
      this.#context.freeContext();
      this.#frame.free();
      this.#packet.free();
    });
  }

  #resampled(): Int16Array {
    const { sampleRate, channels } = this.output;
    const frame = this.#frame;
    if (!this.#isReady) {
      const format = frame.format as AVSampleFormat;
      const input = [frame.channelLayout, format, frame.sampleRate] as const;
      check(
        this.#resampler.allocSetOpts2(layout(channels), AV_SAMPLE_FMT_S16, sampleRate, ...input),
        "cannot resample the sound",
      );
      check(this.#resampler.init(), "cannot resample the sound");
      this.#isReady = true;
    }
    const room = this.#resampler.getOutSamples(frame.nbSamples) + 64;
    const out = Buffer.alloc(room * channels * 2);
    const written = this.#resampler.convertSync([out], room, frame.extendedData ?? frame.data, frame.nbSamples);
    check(written, "the sound does not resample");
    return new Int16Array(out.buffer, out.byteOffset, written * channels);
  }
}

function layout(channels: 1 | 2) {
  return channels === 2 ? AV_CHANNEL_LAYOUT_STEREO : AV_CHANNEL_LAYOUT_MONO;
}
