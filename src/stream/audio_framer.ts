import type { Clock, Timer } from "../async/mod.ts";
import { OPUS_FRAME_SAMPLES, OPUS_SAMPLE_RATE, OpusEncoder, Resampler } from "../codec/mod.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { EncodedAudio, PcmBlock } from "../media/mod.ts";
import type { PlayoutTimeline } from "./playout_timeline.ts";
import { monoToStereo, SampleBuffer } from "./sample_buffer.ts";

const FRAME_SECONDS = OPUS_FRAME_SAMPLES / OPUS_SAMPLE_RATE;
const OPUS_BITRATE = { 1: 48_000, 2: 96_000 } as const;
/** Sound and picture may drift apart by this much before samples are left out or silence is put in. */
const TOLERANCE = 0.04;

/**
 * Turns PCM of any rate into a gapless run of 20 ms Opus packets on the media timeline. Where the pipeline gave no
 * sound there is silence. Nothing is sent before the first sound.
 */
export class AudioFramer {
  readonly #clock: Clock;
  readonly #timeline: PlayoutTimeline;
  readonly #log: Log;
  readonly #emit: (packet: EncodedAudio) => void;
  #buffer: SampleBuffer | undefined;
  #resampler: Resampler | undefined;
  #encoder: OpusEncoder | undefined;
  /** Sample position behind the last sound that was placed. */
  #end = 0;
  /** Sample position of the next packet. */
  #next: number | undefined;
  #timer: Timer | undefined;
  #busy: Promise<void> | undefined;
  #closed = false;

  constructor(
    options: {
      clock: Clock;
      timeline: PlayoutTimeline;
      log: Log;
      /** Called with each packet when it is due. */
      emit: (packet: EncodedAudio) => void;
    },
  ) {
    this.#clock = options.clock;
    this.#timeline = options.timeline;
    this.#log = options.log;
    this.#emit = options.emit;
  }

  /** Media time at which the sound placed so far ends. */
  get endTime(): number {
    return this.#end / OPUS_SAMPLE_RATE;
  }

  /**
   * Places a block of sound.
   *
   * @param begin media time of the chunk it came with
   * @param chunkSeconds how long that chunk's pictures last; sound of about that length is held to its pictures, sound of
   * any other length follows the sound before it
   */
  add(block: PcmBlock, { begin, chunkSeconds }: { begin: number; chunkSeconds: number }): void {
    if (this.#closed) return;
    const buffer = this.#bufferFor(block.channels);
    const { channels } = buffer;
    const samples = this.#convert(block, channels);
    const count = samples.length / channels;
    const wanted = Math.round(begin * OPUS_SAMPLE_RATE);
    const tolerance = TOLERANCE * OPUS_SAMPLE_RATE;
    let position = this.#end;
    let skip = 0;
    if (this.#next === undefined || wanted > this.#end + tolerance) {
      position = wanted;
    } else if (wanted < this.#end - tolerance && belongsToChunk(count / OPUS_SAMPLE_RATE, chunkSeconds)) {
      skip = Math.min(count, this.#end - wanted);
    }
    // What is due already has been sent as silence: late sound plays from its first sample on.
    position = Math.max(position, this.#next ?? position);
    this.#next ??= position;
    buffer.write(position, samples.subarray(skip * channels));
    this.#end = position + count - skip;
    this.wake();
  }

  /** Looks again: the timeline has started, or sound came. */
  wake(): void {
    if (this.#timer !== undefined || this.#busy !== undefined || this.#closed || !this.#timeline.started) return;
    if (this.#timeline.isPaused) return;
    if (this.#next === undefined) return;
    const due = this.#timeline.secondsUntil(this.#next / OPUS_SAMPLE_RATE);
    this.#timer = this.#clock.schedule(due, () => {
      this.#timer = undefined;
      this.#busy = this.#encodeDue().catch((error) => this.#log.error(`sound stopped: ${messageOf(error)}`))
        .finally(() => {
          this.#busy = undefined;
          this.wake();
        });
    });
  }

  /** Stops and frees the codec. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#busy;
    this.#resampler?.close();
    await this.#encoder?.close();
  }

  async #encodeDue(): Promise<void> {
    while (!this.#closed && this.#next !== undefined && this.#buffer !== undefined) {
      const mediaTime = this.#next / OPUS_SAMPLE_RATE;
      if (this.#timeline.secondsUntil(mediaTime) > 0.0005) return;
      const samples = this.#buffer.read(this.#next, OPUS_FRAME_SAMPLES);
      this.#next += OPUS_FRAME_SAMPLES;
      const encoder = await this.#encoderFor(this.#buffer.channels);
      const data = await encoder.encode(samples);
      if (data !== null && !this.#closed) this.#emit({ data, mediaTime, duration: FRAME_SECONDS });
    }
  }

  async #encoderFor(channels: 1 | 2): Promise<OpusEncoder> {
    if (this.#encoder?.channels === channels) return this.#encoder;
    await this.#encoder?.close();
    return this.#encoder = new OpusEncoder({ channels, bitrate: OPUS_BITRATE[channels] });
  }

  /** The buffer for what comes; once there was stereo, everything is. */
  #bufferFor(channels: 1 | 2): SampleBuffer {
    const buffer = this.#buffer ?? new SampleBuffer(channels);
    return this.#buffer = channels > buffer.channels ? buffer.toStereo() : buffer;
  }

  #convert(block: PcmBlock, channels: 1 | 2): Int16Array {
    if (this.#resampler === undefined || !this.#resampler.accepts(block)) {
      this.#resampler?.close();
      this.#resampler = new Resampler(block, { sampleRate: OPUS_SAMPLE_RATE, channels: block.channels });
    }
    const samples = this.#resampler.convert(block);
    return channels > block.channels ? monoToStereo(samples) : samples;
  }
}

/** Whether sound was cut to the length of the pictures it came with. */
function belongsToChunk(seconds: number, chunkSeconds: number): boolean {
  return chunkSeconds > 0 && Math.abs(seconds - chunkSeconds) < Math.max(0.05, chunkSeconds * 0.1);
}
