// @ts-check
/**
 * How long a control takes from the call that sends it to the picture that
 * shows its effect. Plain bookkeeping: times come in from outside.
 *
 * The server says which chunk is the first to show a control and which RTP
 * timestamp its first picture has. The browser says which timestamp each
 * presented picture has. The first picture at or after that timestamp ends the
 * measurement, whichever of the two is heard of first.
 *
 * @module
 */

/**
 * @typedef {object} PresentedFrame
 * @property {number | undefined} rtpTimestamp Unsigned, 32 bit; undefined where
 *   the browser does not tell.
 * @property {number} presentedAt When it is on the screen, on the clock of
 *   `performance.now()`.
 */

/**
 * @typedef {object} ControlLatency
 * @property {number} count Controls measured since the start.
 * @property {number | null} p50 Milliseconds, of the latest thousand; null
 *   while nothing has been measured.
 * @property {number | null} p95
 * @property {number | null} last
 */

/**
 * @typedef {object} Followed
 * @property {number} sentAt
 * @property {(latencyMs: number | null) => void} resolve
 * @property {{ rtpTimestamp: number, toldAt: number } | null} shownFrom
 */

/** A control that shows no effect for longer is forgotten. */
const FORGET_AFTER_MS = 10_000;
/** Of more, the oldest are forgotten. */
const MAX_FOLLOWED = 256;
/** How long a presented picture is remembered for a message that is late. */
const REMEMBER_FRAMES_MS = 2_000;
const MAX_FRAMES = 512;
/** Latest samples that percentiles are made from. */
const WINDOW = 1_000;

/** The controls of one session, from sending to showing. */
export class ControlTrace {
  /** @type {Map<string | number, Followed>} In the order in which they were sent. */
  #followed = new Map();
  /** @type {PresentedFrame[]} The latest, oldest first. */
  #frames = [];
  /** @type {number[]} */
  #samples = [];
  #count = 0;
  #onLatency;

  /** @param {(id: string | number, latencyMs: number) => void} onLatency Called once for each control measured. */
  constructor(onLatency) {
    this.#onLatency = onLatency;
  }

  /** How many controls wait for their picture. */
  get size() {
    return this.#followed.size;
  }

  /**
   * A control is sent.
   *
   * @param {string | number} id
   * @param {number} sentAt
   * @returns {Promise<number | null>} Its latency in milliseconds; null when it
   *   is forgotten.
   */
  follow(id, sentAt) {
    this.#forget(id);
    if (this.#followed.size >= MAX_FOLLOWED) {
      for (const oldest of this.#followed.keys()) {
        this.#forget(oldest);
        break;
      }
    }
    return new Promise((resolve) => this.#followed.set(id, { sentAt, resolve, shownFrom: null }));
  }

  /**
   * The server has told of a chunk.
   *
   * @param {unknown} ids Its `applied_controls`.
   * @param {unknown} rtpTimestamp Of its first picture; without one nothing is
   *   shown, or what was is not known any more: it ends no measurement.
   * @param {number} toldAt
   */
  applied(ids, rtpTimestamp, toldAt) {
    if (!Array.isArray(ids) || typeof rtpTimestamp !== "number") return;
    for (const id of ids) {
      const control = this.#followed.get(id);
      if (!control || control.shownFrom) continue;
      control.shownFrom = { rtpTimestamp, toldAt };
      const frame = this.#frames.find((frame) => shows(frame, control));
      if (frame) this.#measured(id, frame.presentedAt);
    }
  }

  /**
   * A picture is presented.
   *
   * @param {PresentedFrame} frame
   */
  presented(frame) {
    this.#frames.push(frame);
    const oldest = frame.presentedAt - REMEMBER_FRAMES_MS;
    const kept = this.#frames.findIndex(({ presentedAt }) => presentedAt >= oldest);
    this.#frames.splice(0, Math.max(kept, this.#frames.length - MAX_FRAMES));
    for (const [id, control] of this.#followed) {
      if (shows(frame, control)) this.#measured(id, frame.presentedAt);
    }
  }

  /**
   * Forgets the controls that have waited for too long.
   *
   * @param {number} now
   */
  expire(now) {
    for (const [id, { sentAt }] of this.#followed) {
      if (now - sentAt >= FORGET_AFTER_MS) this.#forget(id);
    }
  }

  /**
   * Another track takes the place of the one before, with timestamps that cannot
   * be compared: forgets what was presented, and the controls whose first picture
   * is known but was not seen. Those that no chunk has named go on waiting.
   */
  forgetTimestamps() {
    this.#frames = [];
    for (const [id, { shownFrom }] of this.#followed) if (shownFrom) this.#forget(id);
  }

  /** Forgets the controls that wait; what has been measured stays. */
  forgetAll() {
    for (const id of this.#followed.keys()) this.#forget(id);
    this.#frames = [];
  }

  /** @returns {ControlLatency} */
  get summary() {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const last = this.#samples[(this.#count - 1) % WINDOW] ?? null;
    return { count: this.#count, p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), last };
  }

  /**
   * @param {string | number} id
   * @param {number} presentedAt
   */
  #measured(id, presentedAt) {
    const control = this.#followed.get(id);
    if (!control) return;
    this.#followed.delete(id);
    const latencyMs = Math.round((presentedAt - control.sentAt) * 10) / 10;
    this.#samples[this.#count++ % WINDOW] = latencyMs;
    control.resolve(latencyMs);
    this.#onLatency(id, latencyMs);
  }

  /** @param {string | number} id */
  #forget(id) {
    this.#followed.get(id)?.resolve(null);
    this.#followed.delete(id);
  }
}

/**
 * Whether a picture is the one that ends a control's measurement, if none
 * before it was. A picture from before the control never is.
 *
 * @param {PresentedFrame} frame
 * @param {Followed} control
 */
function shows({ rtpTimestamp, presentedAt }, { sentAt, shownFrom }) {
  if (!shownFrom || presentedAt < sentAt) return false;
  if (rtpTimestamp === undefined) return presentedAt > shownFrom.toldAt;
  return isAtOrAfter(rtpTimestamp, shownFrom.rtpTimestamp);
}

/**
 * Compares RTP timestamps, which begin again after 2³² (RFC 3550 §5.1).
 *
 * @param {number} timestamp
 * @param {number} reference At most 2³¹ ticks away.
 */
export function isAtOrAfter(timestamp, reference) {
  return ((timestamp - reference) | 0) >= 0;
}

/**
 * Nearest-rank percentile, as the server makes it.
 *
 * @param {number[]} sorted
 * @param {number} share
 */
function percentile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
