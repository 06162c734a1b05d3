/** Packets that were sent within this many seconds are one group. */
const GROUP_SPAN = 0.005;
/** Packets that arrive this close together after they were held up are one group, however they were sent. */
const BURST_GAP = 0.005;
const BURST_SPAN = 0.1;
/** Groups whose slope is taken. */
const WINDOW = 20;
const SMOOTHING = 0.9;
const GAIN = 4;
const MAX_WEIGHT = 60;
const FIRST_THRESHOLD = 12.5;
const SMALLEST_THRESHOLD = 6;
const LARGEST_THRESHOLD = 600;
/** A trend this far beyond the threshold does not move it: it is a jump, not the usual noise. */
const OUTLIER = 15;
const THRESHOLD_UP = 0.0087;
const THRESHOLD_DOWN = 0.039;
const MAX_STEP_MS = 100;
const OVERUSE_SECONDS = 0.01;

/** How the queue on the path moves: it grows, is steady, or drains. */
export type DelayState = "overuse" | "normal" | "underuse";

/**
 * Trend of the one-way delay: variation between groups of packets, slope over twenty of them, adaptive threshold
 * (draft-ietf-rmcat-gcc-02, section 5; the line fit is the one of libwebrtc in place of the Kalman filter). Times are
 * seconds; the two clocks may differ by any amount.
 */
export class DelayTrend {
  state: DelayState = "normal";
  readonly #times = new Float64Array(WINDOW);
  readonly #delays = new Float64Array(WINDOW);
  #filled = 0;
  #next = 0;
  // The group that packets are being added to.
  #firstSent = Number.NaN;
  #lastSent = Number.NaN;
  #firstArrival = Number.NaN;
  #lastArrival = Number.NaN;
  // The one before it.
  #previousSent = Number.NaN;
  #previousArrival = Number.NaN;
  #origin = Number.NaN;
  #groups = 0;
  #accumulated = 0;
  #smoothed = 0;
  #trend = 0;
  #threshold = FIRST_THRESHOLD;
  #thresholdAt = Number.NaN;
  #overusedFor = 0;
  #overusedGroups = 0;

  /** Forgets the delays, not what is known of the path's noise. */
  reset(): void {
    this.state = "normal";
    this.#firstSent = Number.NaN;
    this.#previousSent = Number.NaN;
    this.#origin = Number.NaN;
    this.#filled = 0;
    this.#groups = 0;
    this.#accumulated = 0;
    this.#smoothed = 0;
    this.#trend = 0;
    this.#overusedFor = 0;
    this.#overusedGroups = 0;
  }

  /** Takes one packet that arrived; in the order of sending, older ones are passed over. */
  add(sent: number, arrival: number): void {
    if (Number.isNaN(this.#firstSent)) {
      this.#open(sent, arrival);
    } else if (sent < this.#firstSent) {
      return;
    } else if (this.#belongs(sent, arrival)) {
      this.#lastSent = Math.max(this.#lastSent, sent);
      this.#lastArrival = Math.max(this.#lastArrival, arrival);
    } else {
      if (!Number.isNaN(this.#previousSent)) {
        this.#addGroup(this.#lastSent - this.#previousSent, this.#lastArrival - this.#previousArrival);
      }
      this.#previousSent = this.#lastSent;
      this.#previousArrival = this.#lastArrival;
      this.#open(sent, arrival);
    }
  }

  #open(sent: number, arrival: number): void {
    this.#firstSent = sent;
    this.#lastSent = sent;
    this.#firstArrival = arrival;
    this.#lastArrival = arrival;
  }

  #belongs(sent: number, arrival: number): boolean {
    if (sent - this.#firstSent <= GROUP_SPAN) return true;
    const gap = arrival - this.#lastArrival;
    const isCatchingUp = gap < sent - this.#lastSent;
    return isCatchingUp && gap <= BURST_GAP && arrival - this.#firstArrival < BURST_SPAN;
  }

  #addGroup(sentDelta: number, arrivalDelta: number): void {
    const arrival = this.#lastArrival;
    if (Number.isNaN(this.#origin)) this.#origin = arrival;
    this.#groups++;
    this.#accumulated += (arrivalDelta - sentDelta) * 1000;
    this.#smoothed = SMOOTHING * this.#smoothed + (1 - SMOOTHING) * this.#accumulated;
    this.#times[this.#next] = (arrival - this.#origin) * 1000;
    this.#delays[this.#next] = this.#smoothed;
    this.#next = (this.#next + 1) % WINDOW;
    this.#filled = Math.min(WINDOW, this.#filled + 1);
    const trend = this.#filled === WINDOW ? slope(this.#times, this.#delays) ?? this.#trend : this.#trend;
    this.#detect(trend, sentDelta);
    this.#trend = trend;
  }

  #detect(trend: number, sentDelta: number): void {
    const weighted = Math.min(this.#groups, MAX_WEIGHT) * trend * GAIN;
    if (weighted > this.#threshold) {
      this.#overusedFor += this.#overusedGroups === 0 ? sentDelta / 2 : sentDelta;
      this.#overusedGroups++;
      if (this.#overusedFor > OVERUSE_SECONDS && this.#overusedGroups > 1 && trend >= this.#trend) {
        this.#overusedFor = 0;
        this.#overusedGroups = 0;
        this.state = "overuse";
      }
    } else {
      this.#overusedFor = 0;
      this.#overusedGroups = 0;
      this.state = weighted < -this.#threshold ? "underuse" : "normal";
    }
    this.#adapt(Math.abs(weighted));
  }

  /** The threshold follows the noise of the path, slowly up and fast down (section 5.4). */
  #adapt(weighted: number): void {
    const arrival = this.#lastArrival;
    const elapsed = Number.isNaN(this.#thresholdAt) ? 0 : (arrival - this.#thresholdAt) * 1000;
    this.#thresholdAt = arrival;
    if (weighted > this.#threshold + OUTLIER) return;
    const gain = weighted < this.#threshold ? THRESHOLD_DOWN : THRESHOLD_UP;
    const moved = this.#threshold + gain * (weighted - this.#threshold) * Math.min(MAX_STEP_MS, Math.max(0, elapsed));
    this.#threshold = Math.min(LARGEST_THRESHOLD, Math.max(SMALLEST_THRESHOLD, moved));
  }
}

/** Least squares; null when all points are of one moment. */
function slope(times: Float64Array, values: Float64Array): number | null {
  let timeSum = 0;
  let valueSum = 0;
  for (let index = 0; index < times.length; index++) {
    timeSum += times[index] ?? 0;
    valueSum += values[index] ?? 0;
  }
  const timeMean = timeSum / times.length;
  const valueMean = valueSum / values.length;
  let numerator = 0;
  let denominator = 0;
  for (let index = 0; index < times.length; index++) {
    const time = (times[index] ?? 0) - timeMean;
    numerator += time * ((values[index] ?? 0) - valueMean);
    denominator += time * time;
  }
  return denominator === 0 ? null : numerator / denominator;
}
