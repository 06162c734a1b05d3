import type { Clock } from "../async/mod.ts";
import type { MediaClock } from "../media/mod.ts";

/** Lead that a chunk with sound gets after a gap, so that its first 20 ms are not already due when it arrives. */
const AUDIO_LEAD = 0.03;

/** Seconds by which a picture may be late before that counts, or the time of one picture if that is shorter. */
const NOTICEABLE_GAP = 0.1;

/** Seconds by which pictures and sound of one run of content may be apart. */
const SLACK = 0.1;

/** Share of its length by which sound may differ from the pictures it belongs to. */
const TOLERANCE = 0.1;

/** Chunks without their other half beyond which the next one belongs to the last of them, not to all. */
const LONG_RUN = 3;

/** Where sound without pictures begins. */
export interface PlacedSound {
  readonly begin: number;
  /** How long the pictures are that it belongs to, in seconds; 0 when none are known. */
  readonly chunkSeconds: number;
}

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
 * pictures. When chunks of pictures and chunks of sound take turns and are about equally long, sound is held to its
 * pictures; what is put off of the sound is put off of chunks of several pictures as well. The timeline itself never jumps; it may
 * stand still for a while.
 */
export class PlayoutTimeline implements MediaClock {
  readonly #clock: Clock;
  #origin: number | undefined;
  #pausedAt: number | undefined;
  #cursor = 0;
  #soundCursor = 0;
  #lastBegin = Number.NEGATIVE_INFINITY;
  #underruns = 0;
  /** Seconds of pictures placed so far. */
  #pictures = 0;
  /** Seconds of sound placed so far, those with pictures included; that of a pair counts as long as its pictures. */
  #sound = 0;
  /** The chunk placed last. */
  #last = { isSound: false, seconds: 0 };
  /** How long the pictures of the last pair were; 0 while sound and pictures take no turns. */
  #pairSeconds = 0;
  /** Seconds that were lost by late pictures and may be made good. */
  #lost = 0;

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

  /** Whether it stands still. */
  get isPaused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** Stands still from now on. */
  pause(): void {
    this.#pausedAt ??= this.#clock.now();
  }

  /** Goes on; returns for how many seconds it stood still. */
  unpause(): number {
    if (this.#pausedAt === undefined) return 0;
    const seconds = this.#clock.now() - this.#pausedAt;
    this.#pausedAt = undefined;
    if (this.#origin !== undefined) this.#origin += seconds;
    return seconds;
  }

  mediaNow(): number {
    if (this.#origin === undefined) return Number.NEGATIVE_INFINITY;
    return (this.#pausedAt ?? this.#clock.now()) - this.#origin;
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
    const { seconds } = this.#last;
    const apart = Math.abs(this.#pictures - this.#sound);
    const mayBe = seconds > SLACK || isAbout(seconds, this.#pairSeconds);
    return mayBe && apart > seconds * TOLERANCE && apart <= seconds * (1 + TOLERANCE);
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
    // Nothing is brought forward past pictures that still wait.
    const isForward = forward !== null && now >= Math.max(this.#lastBegin, 0);
    // Those that set the pace make good what was lost, no more: else jitter would make all of it faster than it is.
    const soonest = forward === "with_followers" ? Math.max(now, this.#cursor - this.#lost) : now;
    const placed = isLate ? Math.max(now + lead, 0) : isForward ? soonest : this.#cursor;
    if (isLate ? this.#cursor > 0 : forward === "with_followers") {
      this.#lost = Math.min(Math.max(this.#lost + placed - this.#cursor, 0), SLACK);
    }
    const soundLeads = this.#sound - this.#pictures;
    const isPaired = !withAudio && count > 1 && this.#sound > 0 && soundLeads > -SLACK && soundLeads < duration + SLACK;
    const begin = isPaired ? Math.max(placed, this.#soundCursor - soundLeads) : placed;
    const isAlone = isForward && forward === "alone" && !isLate;
    this.#cursor = (isAlone ? this.#cursor : begin) + duration;
    this.#lastBegin = begin + duration * (1 - 1 / count);
    const { isSound, seconds } = this.#last;
    const completesPair = belongs(duration, { lead: soundLeads, last: isSound ? seconds : 0 });
    this.#pictures += duration;
    this.#last = { isSound: false, seconds: duration };
    if (completesPair) this.#pairSeconds = duration;
    if (withAudio || completesPair) {
      this.#soundCursor = this.#cursor;
      this.#sound = this.#pictures;
    }
    return begin;
  }

  /**
   * Takes a stretch for sound that has no pictures.
   *
   * @param options.cushion as in `place()`, for sound whose pictures come behind it
   */
  placeSound(duration: number, { cushion = 0 }: { cushion?: number } = {}): PlacedSound {
    const now = this.mediaNow();
    const picturesLead = this.#pictures - this.#sound;
    const soon = Math.max(now + AUDIO_LEAD + (picturesLead < SLACK ? cushion : 0), 0);
    const { isSound, seconds } = this.#last;
    if (belongs(duration, { lead: picturesLead, last: isSound ? 0 : seconds })) {
      const chunkSeconds = isAbout(duration, picturesLead) ? picturesLead : seconds;
      const wanted = this.#cursor - chunkSeconds;
      const begin = wanted < now ? soon : wanted;
      this.#soundCursor = begin + chunkSeconds;
      this.#sound = this.#pictures;
      this.#pairSeconds = chunkSeconds;
      this.#last = { isSound: true, seconds: chunkSeconds };
      return { begin, chunkSeconds };
    }
    const begin = this.#soundCursor < now ? soon : this.#soundCursor;
    this.#soundCursor = begin + duration;
    this.#sound += duration;
    this.#last = { isSound: true, seconds: duration };
    if (!isAbout(duration, this.#pairSeconds)) this.#pairSeconds = 0;
    return { begin, chunkSeconds: this.#pairSeconds };
  }
}

/**
 * Whether a chunk belongs to chunks of the other kind: to all that are still without, or, when those are many, to the last
 * one. Short ones belong only to the very chunk before them; blocks of a microphone beside a camera's pictures do not.
 *
 * @param options.lead seconds that are still without
 * @param options.last length of the chunk before, when that was of the other kind; else 0
 */
function belongs(seconds: number, { lead, last }: { lead: number; last: number }): boolean {
  if (lead <= 0) return false;
  if (isAbout(seconds, last)) return isAbout(seconds, lead) || lead > last * LONG_RUN;
  return seconds > SLACK && isAbout(seconds, lead);
}

function isAbout(seconds: number, other: number): boolean {
  return other > 0 && Math.abs(seconds - other) <= other * TOLERANCE;
}
