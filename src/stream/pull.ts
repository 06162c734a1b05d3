import type { Clock } from "../async/mod.ts";
import type { PipelineChunk } from "../pipeline/mod.ts";
import type { BroughtForward, PlayoutTimeline } from "./playout_timeline.ts";

/** When the next chunk is asked for, and how much a late one is put off. */
export interface Pull {
  /** A chunk is being asked for now. */
  asked(): void;
  /** It has come; called before it is placed. */
  arrived(chunk: PipelineChunk, fps: number): void;
  /** Seconds until the next one is to be asked for; 0 or less: now. */
  wait(): number;
  /** Input has come that the next chunk is to show soon. */
  nudge(): void;
  /** Seconds by which a chunk that came too late is put off. */
  readonly cushion: number;
  /** Whether the chunk that has come is to be shown now, ahead of its time. */
  readonly forward: BroughtForward;
}

/** Asks for more until enough has been placed ahead. */
export function pullAhead(
  { timeline, bufferSeconds }: { timeline: PlayoutTimeline; bufferSeconds: number },
): Pull {
  return {
    asked: () => undefined,
    arrived: () => undefined,
    wait: () => {
      const excess = timeline.ahead - bufferSeconds;
      return excess < 0 ? 0 : excess + 0.001;
    },
    nudge: () => undefined,
    cushion: 0,
    forward: null,
  };
}

/** What a chunk is asked for earlier than it took lately to make one, in seconds: timers and threads are not exact. */
const MARGIN = 0.004;
/** Share of the estimate that is left after a chunk that took less. */
const DECAY = 0.9;
/** Largest cushion in seconds. */
const MAX_CUSHION = 0.2;
/** Seconds by which a burst may be placed behind the time at which it came. */
const MAX_PUT_OFF = MAX_CUSHION + 0.05;
/** Share of a frame's time that has to pass before a picture that is brought forward. */
const MIN_SPACING = 0.25;

/**
 * Asks for the next chunk so late that it is just there when the one before it has been shown: what it shows is then as
 * new as it can be. How long the pipeline takes is measured.
 *
 * A picture of a pipeline that sets the pace itself, a camera's for one, is shown as soon as it comes. When input comes, the next picture is asked for at once and shown at once, in place of the
 * one that would have been due next; those after it keep their time, so that the rate stays what it is however much input
 * comes.
 *
 * A chunk of several pictures that comes too late is put off by a cushion of that much, so that the following ones, as
 * late as it was, come in time; a single picture is shown at once. Sound alone does not hold pictures back; it may be
 * `bufferSeconds` ahead. Where pictures and sound take turns, the second of the two is asked for at once.
 */
export function pullJustInTime(options: { clock: Clock; timeline: PlayoutTimeline; bufferSeconds: number }): Pull {
  return new JustInTime(options);
}

class JustInTime implements Pull {
  readonly #clock: Clock;
  readonly #timeline: PlayoutTimeline;
  readonly #bufferSeconds: number;
  /** When the chunk that is on its way was asked for. */
  #askedAt: number | undefined;
  /** Seconds that chunks without pictures have taken since the last picture. */
  #taken = 0;
  #estimate = 0;
  #cushion = 0;
  /** Seconds from picture to picture of the last chunk. */
  #spacing = 0;
  #isBurst = false;
  #isNudged = false;
  #isHurried = false;
  /** Whether the next chunk is asked for later than it could be. */
  #hasWaited = false;
  /** Whether the pipeline, not we, said when the last chunk came. */
  #isPacemaker = false;

  constructor(
    { clock, timeline, bufferSeconds }: { clock: Clock; timeline: PlayoutTimeline; bufferSeconds: number },
  ) {
    this.#clock = clock;
    this.#timeline = timeline;
    this.#bufferSeconds = bufferSeconds;
  }

  asked(): void {
    this.#askedAt = this.#clock.now();
    this.#isHurried = this.#isNudged;
    this.#isNudged = false;
  }

  arrived({ pictures, audio, metadata }: PipelineChunk, fps: number): void {
    const now = this.#clock.now();
    this.#taken += now - (this.#askedAt ?? now);
    // Sound and metadata come in between; what they take is part of what a picture takes.
    if (pictures.length === 0) return audio === null ? undefined : this.#cushionLateness();
    this.#isBurst = pictures.length > 1 || audio !== null;
    // Of longer ones each is asked for at once anyway, and a pipeline that has waited for input is not a slow one.
    const took = Math.min(this.#taken, pictures.length / fps + (this.#isBurst ? MAX_PUT_OFF : 0));
    this.#taken = 0;
    this.#estimate = Math.max(took, this.#estimate * DECAY + took * (1 - DECAY));
    this.#spacing = 1 / fps;
    this.#isPacemaker = !this.#hasWaited && took > this.#spacing / 2;
    this.#hasWaited = false;
    // What was on its way when the input came shows it already.
    if (metadata.applied_controls !== undefined) this.#isNudged = false;
    this.#cushionLateness();
  }

  wait(): number {
    const wait = this.#timeToWait();
    if (wait > 0) this.#hasWaited = true;
    return wait;
  }

  nudge(): void {
    this.#isNudged = true;
  }

  get cushion(): number {
    return this.#isBurst ? this.#cushion : 0;
  }

  get forward(): BroughtForward {
    if (this.#isBurst) return null;
    return this.#isHurried ? "alone" : this.#isPacemaker ? "with_followers" : null;
  }

  #cushionLateness(): void {
    const late = this.#timeline.lateness;
    if (this.#isBurst && late > 0) this.#cushion = Math.min(Math.max(this.#cushion, late * 1.5), MAX_CUSHION);
  }

  #timeToWait(): number {
    const timeline = this.#timeline;
    if (timeline.isHalfPair) return 0;
    const isSoundAhead = timeline.soundAhead > timeline.picturesAhead + MARGIN;
    const forSound = isSoundAhead ? timeline.soundAhead - this.#bufferSeconds : Number.NEGATIVE_INFINITY;
    const forPictures = timeline.picturesAhead - this.#estimate - MARGIN;
    if (!this.#isNudged) return Math.max(forPictures, forSound);
    const spacing = this.#spacing * MIN_SPACING - timeline.sinceLast;
    const brought = timeline.picturesAhead - this.#spacing;
    return Math.max(Math.min(forPictures, Math.max(brought, spacing)), forSound);
  }
}
