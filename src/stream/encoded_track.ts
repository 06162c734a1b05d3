import type { Clock, Timer } from "../async/mod.ts";
import { CappedEncoder, isFullRange, PictureConverter, type VideoEncoderSettings } from "../codec/mod.ts";
import { messageOf } from "../errors.ts";
import { isWorthLogging, type Log } from "../log.ts";
import type {
  EncodedFrame,
  EncodedPicture,
  EncoderEffort,
  JpegPicture,
  RawPicture,
  SourcePicture,
  VideoCodec,
} from "../media/mod.ts";
import { EffortControl } from "./effort_control.ts";
import type { PlayoutTimeline } from "./playout_timeline.ts";
import { RateLadder } from "./rate_ladder.ts";

/** Source pictures that may wait for the encoder; beyond it the oldest is dropped, before encoding. */
const MAX_WAITING = 4;
/** Seconds without a picture after which the last one is sent again, so that a lost packet is noticed and repaired. */
const IDLE_REFRESH = 1;
/** Seconds after which a key frame is made of the last picture when no new one has come. */
const LONGEST_KEY_WAIT = 0.5;

/** Change of the bitrate for which an encoder that cannot follow is opened anew. */
const REOPEN_CHANGE = 0.25;
/** Seconds that it stays open before it is opened anew for a higher bitrate: each time costs a key frame. */
const REOPEN_INTERVAL = 4;

/** What a track is made for. */
export interface EncodedTrackOptions {
  readonly codec: VideoCodec;
  /** bit/s on a good network. */
  readonly bitrate: number;
  /** What may be spent on a picture while there is time for it. */
  readonly effort: EncoderEffort;
  readonly clock: Clock;
  readonly log: Log;
  /** For pictures that are sent again. */
  readonly timeline: Pick<PlayoutTimeline, "mediaNow" | "isPaused">;
  /** Takes each encoded frame. */
  readonly emit: (frame: EncodedFrame) => void;
}

/** What the network carries. */
export interface StreamTarget {
  /** bit/s. */
  readonly bitrate: number;
  /** Whether pictures are encoded at all. */
  readonly admitsPictures: boolean;
}

/** Counters of a track. */
export interface TrackCounters {
  framesEncoded: number;
  framesDropped: number;
  framesInvalid: number;
  keyFrames: number;
}

/** Encodes one picture track once, however many viewers it has. Pictures that come encoded pass through. */
export class EncodedTrack {
  readonly counters: TrackCounters = { framesEncoded: 0, framesDropped: 0, framesInvalid: 0, keyFrames: 0 };
  readonly #options: EncodedTrackOptions;
  readonly #converter: PictureConverter;
  readonly #waiting: { picture: SourcePicture; mediaTime: number; fps: number }[] = [];
  readonly #effort: EffortControl;
  readonly #ladder: RateLadder;
  #target: StreamTarget;
  #encoder: { readonly codec: CappedEncoder; readonly openedAt: number; bitrate: number } | undefined;
  #running: Promise<void> | undefined;
  #keyPending = true;
  #last: { picture: JpegPicture | RawPicture; fps: number } | undefined;
  /** When the last picture is sent again, and the timer that looks at it: later pictures put the former off. */
  #idleAt = Number.POSITIVE_INFINITY;
  #idle: { readonly timer: Timer; readonly fires: number } | undefined;
  /** Whether the last frame out came encoded. */
  #isPassing = false;
  #closed = false;

  constructor(options: EncodedTrackOptions) {
    this.#options = options;
    this.#effort = new EffortControl(options.effort);
    this.#ladder = new RateLadder(options.bitrate);
    this.#target = { bitrate: options.bitrate, admitsPictures: true };
    // At the least effort the range is signalled instead of converted: it saves a pass over every picture.
    this.#converter = new PictureConverter({ keepFullRange: options.effort === "fast" && options.codec === "H264" });
  }

  /** Takes a picture that is due now. */
  push(picture: SourcePicture, { mediaTime, fps }: { mediaTime: number; fps: number }): void {
    if (this.#closed) return;
    this.#waiting.push({ picture, mediaTime, fps });
    const oldest = this.#waiting.findIndex((one) => !isEncoded(one.picture));
    if (this.#waiting.length > MAX_WAITING && oldest >= 0) {
      this.#waiting.splice(oldest, 1);
      this.counters.framesDropped++;
    }
    this.#run();
  }

  /** Follows the network. Pictures that come encoded are not touched. */
  setTarget(target: StreamTarget): void {
    this.#target = target;
  }

  /** Makes the next frame a key frame; when no picture comes soon, the last one is encoded again. */
  requestKeyFrame(): void {
    this.#keyPending = true;
    const soon = Math.min(1.5 / (this.#last?.fps ?? 24), LONGEST_KEY_WAIT);
    if (this.#idleAt > this.#options.clock.now() + soon) this.#armIdle(soon);
  }

  /** Frees the codecs; waits for a picture that is being encoded. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#idle?.timer.cancel();
    this.#waiting.length = 0;
    await this.#running;
    await this.#encoder?.codec.close();
    await this.#converter.close();
  }

  #run(): void {
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
      if (this.#waiting.length > 0 && !this.#closed) this.#run();
    });
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { picture, mediaTime, fps } = next;
      try {
        if (isEncoded(picture)) this.#passThrough(picture, mediaTime);
        else if (this.#isWanted()) await this.#encode(picture, { mediaTime, fps });
        else this.counters.framesDropped++;
      } catch (error) {
        const invalid_frames = ++this.counters.framesInvalid;
        if (isWorthLogging(invalid_frames)) {
          this.#options.log.warn(`frame left out: ${messageOf(error)}`, { invalid_frames });
        }
      }
      this.#armIdle(IDLE_REFRESH);
    }
  }

  /** Whether the network carries another picture; one that the viewer waits for is always sent. */
  #isWanted(): boolean {
    return this.#target.admitsPictures && (this.#keyPending || this.#ladder.takes());
  }

  async #encode(picture: JpegPicture | RawPicture, at: { mediaTime: number; fps: number }): Promise<void> {
    const { clock } = this.#options;
    const begin = clock.now();
    const frame = await this.#converter.convert(picture);
    const { width, height } = frame;
    const encoder = await this.#encoderFor({ width, height, fps: at.fps, fullRange: isFullRange(frame) });
    if (this.#closed) return;
    const key = this.#keyPending || this.#isPassing;
    const encoded = await encoder.encode(frame, { key });
    const now = clock.now();
    const interval = this.#ladder.divisor / at.fps;
    this.#effort.encoded({ took: now - begin, interval, waiting: this.#waiting.length, now });
    this.#last = { picture, fps: at.fps };
    if (encoded === null || this.#closed) return;
    if (encoded.key) this.#keyPending = false;
    this.#isPassing = false;
    this.#emit({
      codec: this.#options.codec,
      data: encoded.data,
      key: encoded.key,
      mediaTime: at.mediaTime,
      width: frame.width,
      height: frame.height,
    });
  }

  #passThrough(picture: EncodedPicture, mediaTime: number): void {
    const codec = picture.format === "h264" ? "H264" : "VP8";
    if (codec !== this.#options.codec) {
      throw new Error(`the pipeline yields ${picture.format}, but this viewer takes ${this.#options.codec}`);
    }
    if (!this.#isPassing && !picture.key) {
      throw new Error(`the first ${picture.format} frame must be a key frame`);
    }
    if (picture.key) this.#keyPending = false;
    this.#isPassing = true;
    this.#last = undefined;
    this.#emit({ codec, data: picture.data, key: picture.key, mediaTime, width: 0, height: 0 });
  }

  #emit(frame: EncodedFrame): void {
    this.counters.framesEncoded++;
    if (frame.key) this.counters.keyFrames++;
    this.#options.emit(frame);
  }

  /** The open encoder, or a new one when size, rate or effort changed; a new one begins with a key frame. */
  async #encoderFor(shape: Shape): Promise<CappedEncoder> {
    const { codec, clock } = this.#options;
    const { effort } = this.#effort;
    this.#ladder.update(this.#target.bitrate, shape);
    // Rate control counts on all pictures; those that are left out leave their bits to the others.
    const bitrate = Math.round(this.#target.bitrate * this.#ladder.divisor);
    const open = this.#encoder;
    if (open !== undefined && fits(open.codec.settings, shape) && open.codec.settings.effort === effort) {
      if (open.bitrate === bitrate) return open.codec;
      const change = bitrate / open.bitrate - 1;
      const isDue = change < 0 || clock.now() - open.openedAt > REOPEN_INTERVAL;
      const follows = open.codec.setBitrate(bitrate);
      if (follows) open.bitrate = bitrate;
      if (follows || Math.abs(change) < REOPEN_CHANGE || !isDue) return open.codec;
    }
    this.#encoder = undefined;
    await open?.codec.close();
    this.#keyPending = true;
    const encoder = new CappedEncoder({ codec, bitrate, effort, ...shape });
    this.#encoder = { codec: encoder, openedAt: clock.now(), bitrate };
    return encoder;
  }

  #armIdle(seconds: number): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    const at = this.#idleAt = clock.now() + seconds;
    if (this.#idle !== undefined && this.#idle.fires <= at) return;
    this.#idle?.timer.cancel();
    this.#idle = { timer: clock.schedule(seconds, () => this.#idleFired()), fires: at };
  }

  #idleFired(): void {
    this.#idle = undefined;
    const { clock, timeline } = this.#options;
    const wait = this.#idleAt - clock.now();
    if (wait > 0) return this.#armIdle(wait);
    this.#idleAt = Number.POSITIVE_INFINITY;
    if (timeline.isPaused) return this.#armIdle(IDLE_REFRESH);
    const last = this.#last;
    if (last === undefined || this.#waiting.length > 0 || this.#running !== undefined) return;
    this.push(last.picture, { mediaTime: timeline.mediaNow(), fps: last.fps });
  }
}

function isEncoded(picture: SourcePicture): picture is EncodedPicture {
  return picture.format === "h264" || picture.format === "vp8";
}

/** What an encoder cannot change while it is open. */
interface Shape {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly fullRange: boolean;
}

function fits(settings: VideoEncoderSettings, shape: Shape): boolean {
  const sameRate = Math.abs(settings.fps - shape.fps) <= settings.fps * 0.05;
  const sameRange = (settings.fullRange ?? false) === shape.fullRange;
  return settings.width === shape.width && settings.height === shape.height && sameRate && sameRange;
}
