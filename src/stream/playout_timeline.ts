import type { Clock } from "../async/mod.ts";
import type { MediaClock } from "../media/mod.ts";

/** Lead that a chunk with sound gets after a gap, so that its first 20 ms are not already due when it arrives. */
const AUDIO_LEAD = 0.03;

/** Seconds by which a picture may be late before that counts, or the time of one picture if that is shorter. */
const NOTICEABLE_GAP = 0.1;

/** Seconds by which pictures and sound of one run of content may differ in length. */
const SLACK = 0.1;

/** How a chunk of pictures is placed. */
interface PlaceOptions {
  readonly withAudio: boolean;
  readonly count?: number;
  readonly cushion?: number;
  readonly forward?: BroughtForward;
}

/**
 * A chunk that is shown now although its time has not come: `alone`, and those after it stay where they would have been,
 * or `with_followers`, which then come one behind the other.
 */
export type BroughtForward = "alone" | "with_followers" | null;

/**
 * Seconds since the first frame was shown. Chunks are placed on it one behind the other; when the pipeline was too slow,
 * the next one is placed at "now" and the gap stays a gap. Sound that comes without pictures runs on its own, beside the
 * pictures. When chunks of several pictures and chunks of sound take turns and are equally long, what is put off of one is
 * put off of the other. The timeline itself never jumps.
 */
export class PlayoutTimeline implements MediaClock {
  readonly #clock: Clock;
  #origin: number | undefined;
  #cursor = 0;
  #soundCursor = 0;
  #lastBegin = Number.NEGATIVE_INFINITY;
  #underruns = 0;
  /** Seconds of pictures placed so far. */
  #pictures = 0;
  /** Seconds of sound placed so far, those with pictures included. */
  #sound = 0;
  #lastDuration = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins playing: media time 0 is now. */
  start(): void {
    this.#origin ??= this.#clock.now();
  }

  get started(): boolean {
    return this.#origin !== undefined;
  }

  /** Times the pipeline was too slow to keep the picture moving. */
  get underruns(): number {
    return this.#underruns;
  }

  /** Media time up to which content has been placed. */
  get cursor(): number {
    return this.#cursor;
  }

  mediaNow(): number {
    return this.#origin === undefined ? Number.NEGATIVE_INFINITY : this.#clock.now() - this.#origin;
  }

  /** Seconds from now until that media time; 0 or less when it has come. Infinite before the start. */
  secondsUntil(mediaTime: number): number {
    return mediaTime - this.mediaNow();
  }

  /** Seconds of content that have been placed but not played. */
  get ahead(): number {
    return Math.max(this.picturesAhead, this.soundAhead);
  }

  /** The same for pictures. */
  get picturesAhead(): number {
    return this.#cursor - Math.max(0, this.mediaNow());
  }

  /** The same for sound. */
  get soundAhead(): number {
    return this.#soundCursor - Math.max(0, this.mediaNow());
  }

  /** Seconds since the picture that was placed last was due; negative while it is not. */
  get sinceLast(): number {
    return this.mediaNow() - this.#lastBegin;
  }

  /** Whether the chunk placed last was the first half of a pair: pictures whose sound comes next, or the other way round. */
  get isHalfPair(): boolean {
    const apart = Math.abs(this.#pictures - this.#sound);
    return this.#lastDuration > SLACK && apart > SLACK && apart <= this.#lastDuration + SLACK;
  }

  /** Seconds by which the next chunk of pictures is late; negative while there is time. */
  get lateness(): number {
    return this.#cursor === 0 ? Number.NEGATIVE_INFINITY : this.mediaNow() - this.#cursor;
  }

  /**
   * Takes a stretch of the timeline for a chunk; returns where it begins.
   *
   * @param options.count pictures in it, evenly spread; 1 when left out
   * @param options.cushion seconds by which a chunk that comes too late is put off, so that the next ones come in time
   * @param options.forward whether it is shown now although its time has not come; null or left out: it is not
   */
  place(duration: number, { withAudio, count = 1, cushion = 0, forward = null }: PlaceOptions): number {
    const now = this.mediaNow();
    const isLate = this.#cursor < now;
    const isSeen = now - this.#cursor >= Math.min(duration / count, NOTICEABLE_GAP);
    if (isLate && this.#cursor > 0 && isSeen) this.#underruns++;
    const lead = cushion + (withAudio ? AUDIO_LEAD : 0);
    const placed = isLate ? Math.max(now + lead, 0) : forward === null || now < 0 ? this.#cursor : now;
    const soundLeads = this.#sound - this.#pictures;
    const isPaired = !withAudio && count > 1 && this.#sound > 0 && soundLeads > -SLACK && soundLeads < duration + SLACK;
    const begin = isPaired ? Math.max(placed, this.#soundCursor - soundLeads) : placed;
    const isAlone = forward === "alone" && !isLate;
    this.#cursor = (isAlone ? this.#cursor : begin) + duration;
    this.#lastBegin = begin + duration * (1 - 1 / count);
    this.#pictures += duration;
    this.#lastDuration = duration;
    if (withAudio) {
      this.#soundCursor = this.#cursor;
      this.#sound = this.#pictures;
    }
    return begin;
  }

  /**
   * Takes a stretch for sound that has no pictures; returns where it begins.
   *
   * @param options.cushion as in `place()`, for sound whose pictures come behind it
   */
  placeSound(duration: number, { cushion = 0 }: { cushion?: number } = {}): number {
    const now = this.mediaNow();
    const picturesLead = this.#pictures - this.#sound;
    const lead = AUDIO_LEAD + (picturesLead < SLACK ? cushion : 0);
    const placed = this.#soundCursor < now ? Math.max(now + lead, 0) : this.#soundCursor;
    const isPaired = duration > SLACK && picturesLead > SLACK && Math.abs(picturesLead - duration) < SLACK;
    const begin = isPaired ? Math.max(placed, this.#cursor - picturesLead) : placed;
    this.#soundCursor = begin + duration;
    this.#sound += duration;
    this.#lastDuration = duration;
    return begin;
  }
}
