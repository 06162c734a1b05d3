import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_SAMPLE_FMT_S16,
  FF_ENCODER_LIBOPUS,
} from "node-av/constants";
import { Codec, CodecContext, type Frame, Rational } from "node-av/lib";
import { StreamError } from "../errors.ts";
import { allocFrame, allocPacket, check, isDrained, NativeGuard, quietFfmpeg } from "./native.ts";

/** WebRTC's Opus clock (RFC 7587, section 4.1). */
export const OPUS_SAMPLE_RATE = 48_000;
/** Samples per channel of a 20 ms packet. */
export const OPUS_FRAME_SAMPLES = 960;

/** Encodes 20 ms blocks of PCM16 at 48 kHz. */
export class OpusEncoder {
  readonly channels: 1 | 2;
  readonly #guard = new NativeGuard();
  readonly #context: CodecContext;
  readonly #frame: Frame = allocFrame();
  readonly #packet = allocPacket();
  #samples = 0n;

  constructor(options: { channels: 1 | 2; bitrate: number }) {
    quietFfmpeg();
    this.channels = options.channels;
    const layout = options.channels === 2 ? AV_CHANNEL_LAYOUT_STEREO : AV_CHANNEL_LAYOUT_MONO;
    const codec = Codec.findEncoderByName(FF_ENCODER_LIBOPUS);
    if (codec === null) throw new StreamError("invalid_frame", "this FFmpeg has no Opus encoder");
    const context = this.#context = new CodecContext();
    context.allocContext3(codec);
    context.sampleRate = OPUS_SAMPLE_RATE;
    context.sampleFormat = AV_SAMPLE_FMT_S16;
    context.channelLayout = layout;
    context.timeBase = new Rational(1, OPUS_SAMPLE_RATE);
    context.bitRate = BigInt(options.bitrate);
    for (
      const [key, value] of [["application", "audio"], ["frame_duration", "20"], ["compression_level", "5"]] as const
    ) {
      check(context.setOption(key, value), `Opus option ${key}`);
    }
    check(context.open2Sync(codec, null), "cannot open the Opus encoder");
    this.#frame.format = AV_SAMPLE_FMT_S16;
    this.#frame.sampleRate = OPUS_SAMPLE_RATE;
    this.#frame.channelLayout = layout;
    this.#frame.nbSamples = OPUS_FRAME_SAMPLES;
    check(this.#frame.getBuffer(0), "no memory for the sound");
  }

  /**
   * Encodes exactly 20 ms of interleaved samples.
   *
   * @returns the packet, or null while the encoder fills up
   */
  encode(samples: Int16Array): Promise<Uint8Array | null> {
    return this.#guard.run(async () => {
      const plane = this.#frame.data?.[0];
      if (plane === undefined) throw new StreamError("invalid_frame", "the audio frame has no buffer");
      plane.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
      this.#frame.pts = this.#samples;
      this.#samples += BigInt(OPUS_FRAME_SAMPLES);
      check(await this.#context.sendFrame(this.#frame), "the sound does not encode");
      const result = this.#context.receivePacketSync(this.#packet);
      if (isDrained(result)) return null;
      check(result, "the sound does not encode");
      const data = this.#packet.data;
      this.#packet.unref();
      return data;
    });
  }

  /** Frees the encoder. */
  async close(): Promise<void> {
    await this.#guard.close(() => {
      this.#context.freeContext();
      this.#frame.free();
      this.#packet.free();
    });
  }
}
