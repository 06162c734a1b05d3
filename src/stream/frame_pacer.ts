import type { Clock, Timer } from "../async/mod.ts";
import type { SourcePicture } from "../media/mod.ts";
import type { PlayoutTimeline } from "./playout_timeline.ts";

interface PlacedPicture {
  readonly picture: SourcePicture;
  readonly mediaTime: number;
  /** Frames per second of the chunk it came with. */
  readonly fps: number;
}

/**
 * Releases pictures when their time on the media timeline has come. How much it holds is bounded by whoever places
 * pictures: the chunk router asks for no chunk while enough is buffered.
 */
export class FramePacer {
  readonly #clock: Clock;
  readonly #timeline: PlayoutTimeline;
  readonly #release: (picture: SourcePicture, at: { mediaTime: number; fps: number }) => void;
  #queue: PlacedPicture[] = [];
  #timer: Timer | undefined;

  constructor(
    options: {
      clock: Clock;
      timeline: PlayoutTimeline;
      /** Called with each picture when it is due. */
      release: (picture: SourcePicture, at: { mediaTime: number; fps: number }) => void;
    },
  ) {
    this.#clock = options.clock;
    this.#timeline = options.timeline;
    this.#release = options.release;
  }

  /** Pictures that wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** Adds pictures, the first at `begin`, then `fps` a second. */
  add(pictures: readonly SourcePicture[], { begin, fps }: { begin: number; fps: number }): void {
    for (const [index, picture] of pictures.entries()) {
      this.#queue.push({ picture, mediaTime: begin + index / fps, fps });
    }
    this.wake();
  }

  /** Looks again: the timeline has started, or pictures came. */
  wake(): void {
    if (this.#timer !== undefined || !this.#timeline.started || this.#timeline.isPaused) return;
    const head = this.#queue[0];
    if (head === undefined) return;
    this.#timer = this.#clock.schedule(this.#timeline.secondsUntil(head.mediaTime), () => this.#fire());
  }

  /** Forgets everything that waits. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#queue = [];
  }

  #fire(): void {
    this.#timer = undefined;
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (this.#timeline.secondsUntil(head.mediaTime) > 0.0005) break;
      this.#queue.shift();
      this.#release(head.picture, head);
    }
    this.wake();
  }
}
