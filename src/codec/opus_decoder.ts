import { AV_CHANNEL_LAYOUT_MONO, AV_CHANNEL_LAYOUT_STEREO, FF_DECODER_LIBOPUS } from "node-av/constants";
import { Codec, CodecContext } from "node-av/lib";
import { StreamError } from "../errors.ts";
import { allocFrame, allocPacket, asBuffer, check, NativeGuard, quietFfmpeg } from "./native.ts";
import { opened } from "./open_codec.ts";
import { OPUS_FRAME_SAMPLES, OPUS_SAMPLE_RATE } from "./opus_encoder.ts";
import { type PcmShape, Resampler } from "./resampler.ts";

/**
 * Decodes Opus packets (RFC 6716) to interleaved PCM16 of the wanted shape. What comes out is as long as what went in; a
 * resampler holds back a few samples at the very beginning.
 */
export class OpusDecoder {
  readonly output: PcmShape;
  readonly #guard = new NativeGuard();
  readonly #packet = allocPacket();
  readonly #frame = allocFrame();
  readonly #context: CodecContext;
  readonly #resampler: Resampler;
  #concealment: Uint8Array | undefined;

  /** @throws StreamError `invalid_frame` when there is no decoder or no resampler for that shape */
  constructor(output: PcmShape) {
    quietFfmpeg();
    this.output = output;
    const { channels } = output;
    this.#resampler = new Resampler({ sampleRate: OPUS_SAMPLE_RATE, channels }, output);
    this.#context = openDecoder(channels);
  }

  /**
   * Decodes one packet. Null stands for one that was lost: the sound before it is drawn out for as long as the last packet
   * lasted, and fades away when more are lost. Before the first packet it is 20 ms of silence.
   *
   * @throws StreamError `invalid_frame`; the decoder can be used further, to conceal what was broken as well
   */
  decode(packet: Uint8Array | null): Promise<Int16Array> {
    return this.#guard.run(async () => {
      const data = packet ?? this.#concealment;
      if (data === undefined) return this.#resampled(new Int16Array(OPUS_FRAME_SAMPLES * this.output.channels));
      if (data.length === 0) throw new StreamError("invalid_frame", "the sound packet is empty");
      const samples = await this.#samplesOf(data);
      this.#concealment = concealmentFor(data);
      return this.#resampled(samples);
    });
  }

  /** Frees the decoder; waits for a packet that is being decoded. */
  async close(): Promise<void> {
    await this.#guard.close(() => {
      this.#resampler.close();
      this.#context.freeContext();
      this.#frame.free();
      this.#packet.free();
    });
  }

  /** Interleaved samples at Opus's own rate. */
  async #samplesOf(packet: Uint8Array): Promise<Int16Array> {
    this.#packet.data = asBuffer(packet);
    try {
      check(await this.#context.sendPacket(this.#packet), "the sound does not decode");
      this.#frame.unref();
      check(this.#context.receiveFrameSync(this.#frame), "the sound does not decode");
    } finally {
      this.#packet.unref();
    }
    const plane = this.#frame.data?.[0];
    if (plane === undefined) throw new StreamError("invalid_frame", "the sound has no samples");
    const bytes = new Uint8Array(plane.subarray(0, this.#frame.nbSamples * this.output.channels * 2));
    return new Int16Array(bytes.buffer);
  }

  #resampled(samples: Int16Array): Int16Array {
    const { channels } = this.output;
    return this.#resampler.convert({ samples, sampleRate: OPUS_SAMPLE_RATE, channels });
  }
}

/**
 * A packet of the same kind and length whose frames are all empty, for which the decoder conceals (RFC 6716, sections
 * 3.2.1 and 4.4): FFmpeg has no other way to say that a packet is missing.
 */
function concealmentFor(packet: Uint8Array): Uint8Array {
  const [toc = 0, second = 0] = packet;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code === 3 ? second & 63 : 2;
  return Uint8Array.of(toc | 3, frames);
}

/** libopus, as FFmpeg's own decoder cannot conceal; it gives interleaved PCM16. */
function openDecoder(channels: 1 | 2): CodecContext {
  const codec = Codec.findDecoderByName(FF_DECODER_LIBOPUS);
  if (codec === null) throw new StreamError("invalid_frame", "this FFmpeg has no Opus decoder");
  const context = new CodecContext();
  context.allocContext3(codec);
  context.sampleRate = OPUS_SAMPLE_RATE;
  context.channelLayout = channels === 2 ? AV_CHANNEL_LAYOUT_STEREO : AV_CHANNEL_LAYOUT_MONO;
  return opened(context, codec, "cannot open the Opus decoder");
}
