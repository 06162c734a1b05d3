import { type DecodedFormat, VideoDecoder } from "../codec/mod.ts";
import { messageOf } from "../errors.ts";
import { isWorthLogging, type Log } from "../log.ts";
import type { ReceivedFrame, VideoCodec, ViewerMediaSink } from "../media/mod.ts";

/** Pictures that may wait for the decoder: about half a second. */
const MAX_WAITING = 15;

/** What a feed is made for. */
export interface CameraFeedOptions {
  readonly codec: VideoCodec;
  readonly format: DecodedFormat;
  readonly sink: ViewerMediaSink;
  /** The next picture has to be a key frame. */
  readonly requestKeyFrame: () => void;
  readonly log: Log;
}

/** Counters of a feed. */
export interface CameraCounters {
  /** Pictures decoded. */
  frames: number;
  /** Of those and of what was not decoded for lack of time: pictures that the pipeline never got. */
  dropped: number;
  /** Pictures that did not decode, or that cannot be converted. */
  invalid: number;
}

/**
 * Decodes the viewer's camera and hands its newest picture to the pipeline whenever that takes one: all pictures are
 * decoded, as each builds on the one before it; only those that are taken are converted. The lag never grows.
 */
export class CameraFeed {
  readonly counters: CameraCounters = { frames: 0, dropped: 0, invalid: 0 };
  readonly #options: CameraFeedOptions;
  readonly #decoder: VideoDecoder;
  readonly #waiting: ReceivedFrame[] = [];
  #running: Promise<void> | undefined;
  /** When the decoded picture that nobody has taken yet arrived. */
  #newestAt: number | undefined;
  #needsKeyFrame = true;
  #closed = false;

  constructor(options: CameraFeedOptions) {
    this.#options = options;
    this.#decoder = new VideoDecoder(options);
    options.sink.whenFree = () => this.#run();
  }

  /** Takes a picture in decoding order. */
  push(frame: ReceivedFrame): void {
    if (this.#closed) return;
    if (this.#needsKeyFrame && !frame.key) {
      this.counters.dropped++;
      return;
    }
    this.#needsKeyFrame = false;
    this.#waiting.push(frame);
    if (this.#waiting.length > MAX_WAITING) this.#skipToKeyFrame();
    this.#run();
  }

  /** Stops and frees the decoder. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.length = 0;
    await this.#running;
    await this.#decoder.close();
  }

  #run(): void {
    if (this.#closed || this.#running !== undefined) return;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
      const { takesPicture } = this.#options.sink;
      if (this.#waiting.length > 0 || (this.#newestAt !== undefined && takesPicture)) this.#run();
    });
  }

  /** Decodes what waits by now, then hands over: what arrives meanwhile must not keep the pipeline from its picture. */
  async #work(): Promise<void> {
    for (let left = this.#waiting.length; left > 0; left--) {
      const frame = this.#waiting.shift();
      if (frame !== undefined) await this.#decode(frame);
    }
    await this.#handOver();
  }

  async #decode({ data, receivedAt }: ReceivedFrame): Promise<void> {
    try {
      if (!await this.#decoder.decode(data)) return;
    } catch (error) {
      this.#report(error);
      if (!this.#closed) this.#skipToKeyFrame();
      return;
    }
    this.counters.frames++;
    if (this.#newestAt !== undefined) this.counters.dropped++;
    this.#newestAt = receivedAt;
  }

  async #handOver(): Promise<void> {
    const receivedAt = this.#newestAt;
    const { sink } = this.#options;
    if (receivedAt === undefined || this.#closed || !sink.takesPicture) return;
    this.#newestAt = undefined;
    try {
      const picture = await this.#decoder.picture();
      if (!this.#closed) sink.picture({ ...picture, receivedAt });
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    const invalid_pictures = ++this.counters.invalid;
    if (!isWorthLogging(invalid_pictures)) return;
    this.#options.log.warn(`camera picture left out: ${messageOf(error)}`, { invalid_pictures });
  }

  /** Leaves out what waits up to the last key frame, or everything and asks for one. */
  #skipToKeyFrame(): void {
    const key = this.#waiting.findLastIndex((frame) => frame.key);
    const count = key > 0 ? key : this.#waiting.length;
    if (key === 0 && this.#waiting.length <= MAX_WAITING) return;
    this.counters.dropped += count;
    this.#waiting.splice(0, count);
    if (key > 0) return;
    this.#needsKeyFrame = true;
    this.#options.requestKeyFrame();
  }
}
