import type { Clock } from "../async/mod.ts";
import type { PipelineChunk } from "../pipeline/mod.ts";
import type { PlayoutTimeline } from "./playout_timeline.ts";

/** When the next chunk is asked for, and how much a late one is put off. */
export interface Pull {
  /** A chunk is being asked for now. */
  asked(): void;
  /** It has come; called before it is placed. */
  arrived(chunk: PipelineChunk): void;
  /** Seconds until the next one is to be asked for; 0 or less: now. */
  wait(): number;
  /** Seconds by which a chunk that came too late is put off. */
  readonly cushion: number;
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
    cushion: 0,
  };
}

/** What a chunk is asked for earlier than it took lately to make one, in seconds: timers and threads are not exact. */
const MARGIN = 0.004;
/** Share of the estimate that is left after a chunk that took less. */
const DECAY = 0.9;
/** Largest cushion in seconds. */
const MAX_CUSHION = 0.2;

/**
 * Asks for the next chunk so late that it is just there when the one before it has been shown: what it shows is then as
 * new as it can be. How long the pipeline takes is measured. A chunk of several pictures that comes too late is put off
 * by a cushion of that much, so that the following ones, as late as it was, come in time; a single picture is shown at
 * once. Sound alone does not hold pictures back; it may be `bufferSeconds` ahead.
 */
export function pullJustInTime(
  { clock, timeline, bufferSeconds }: { clock: Clock; timeline: PlayoutTimeline; bufferSeconds: number },
): Pull {
  let askedAt = clock.now();
  let estimate = 0;
  let cushion = 0;
  let isBurst = false;
  return {
    asked: () => {
      askedAt = clock.now();
    },
    arrived: (chunk) => {
      const took = clock.now() - askedAt;
      estimate = Math.max(took, estimate * DECAY + took * (1 - DECAY));
      isBurst = chunk.pictures.length > 1;
      const late = timeline.lateness;
      if (isBurst && late > 0) cushion = Math.min(Math.max(cushion, late * 1.5), MAX_CUSHION);
    },
    wait: () => Math.max(timeline.picturesAhead - estimate - MARGIN, timeline.soundAhead - bufferSeconds),
    get cushion() {
      return isBurst ? cushion : 0;
    },
  };
}
