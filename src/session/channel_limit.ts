import type { Clock, Timer } from "../async/mod.ts";

/** What a limit is made with. */
export interface ChannelLimitOptions {
  readonly clock: Clock;
  /** Seconds from the connection until the channel must be open. */
  readonly seconds: number;
  /** The time is over without one. */
  readonly missed: () => void;
}

/** The wait for the first control channel of a session, over whichever connection its viewer opens it. */
export class ChannelLimit {
  readonly #options: ChannelLimitOptions;
  readonly #opened = Promise.withResolvers<void>();
  #isOpen = false;
  #timer: Timer | undefined;

  constructor(options: ChannelLimitOptions) {
    this.#options = options;
  }

  /** Resolves when a channel is open; never when none comes. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** The viewer is connected: the time begins, anew when it comes back. */
  begin(): void {
    const { clock, seconds, missed } = this.#options;
    this.stop();
    if (!this.#isOpen) this.#timer = clock.schedule(seconds, missed);
  }

  /** The viewer is away, or the session is over. */
  stop(): void {
    this.#timer?.cancel();
  }

  /** There is one. */
  open(): void {
    this.#isOpen = true;
    this.stop();
    this.#opened.resolve();
  }
}
