/**
 * A sender, a path and a receiver without a network and without a clock: an encoder that follows the estimator's target,
 * a pacer, a link with a queue, and feedback as a browser gives it. The same seed gives the same run.
 *
 * @module
 */
import { ARRIVAL_PERIOD, type PacketArrival, type TransportFeedback } from "../../../src/rtp/mod.ts";
import type { BandwidthEstimator } from "../../../src/webrtc/bandwidth_estimator.ts";

const TICK = 0.001;
const PACKET_BYTES = 1200;
const OVERHEAD_BYTES = 50;
const FRAME_RATE = 24;
const PACING = 2.5;
const ENCODER_LAG = 0.3;

/** What can be set and changed while it runs. Times in seconds, rates in bit/s, shares 0–1. */
export interface PathConditions {
  rate: number;
  /** How much of its rate the queue holds before its tail is dropped. */
  queueSeconds: number;
  delay: number;
  /** Packets are late by up to this, in their order. */
  jitter: number;
  loss: number;
  feedbackInterval: number;
  feedbackLoss: number;
  feedbackDelay: number;
  /** Every other feedback is late by that much, behind the next one. */
  feedbackReordering: number;
  /** How far the receiver's clock is ahead of the sender's. */
  receiverAhead: number;
  /** Packets that would arrive within are held until its end. */
  stall: (arrival: number) => number;
  /** What the encoder makes at most, whatever the target. */
  encoderMaximum: number;
  /** Whether the sender does as `probe` asks. */
  probing: boolean;
  /** Seconds between key frames, which are four times as large; 0 for none. */
  keyFrameInterval: number;
}

/** A millisecond of the run. */
interface Sample {
  readonly sentBits: number;
  readonly target: number;
  /** True seconds of queue. */
  readonly queue: number;
  /** What the estimator says of it. */
  readonly queueDelay: number;
  readonly paddingBits: number;
}

interface Datagram {
  readonly sequence: number;
  readonly bytes: number;
}

/** One run; `conditions` may be changed between calls of `run`. */
export class SimulatedPath {
  readonly conditions: PathConditions = {
    rate: 4e6,
    queueSeconds: 0.4,
    delay: 0.03,
    jitter: 0.002,
    loss: 0,
    feedbackInterval: 0.05,
    feedbackLoss: 0,
    feedbackDelay: 0.03,
    feedbackReordering: 0,
    receiverAhead: 1234.5,
    stall: (arrival) => arrival,
    encoderMaximum: Number.POSITIVE_INFINITY,
    probing: true,
    keyFrameInterval: 0,
  };
  now = 0;
  readonly samples: Sample[] = [];
  /** When clusters were asked for. */
  readonly probes: number[] = [];
  readonly #estimator: BandwidthEstimator;
  readonly #random: () => number;
  #encoderRate: number;
  #nextFrame = 0;
  #nextKeyFrame = 0;
  #pacerQueue: number[] = [];
  #pacerCredit = 0;
  #probe: { id: number; bitrate: number; bytes: number; credit: number } | null = null;
  #sequence: number;
  readonly #link: Datagram[] = [];
  #linkBytes = 0;
  #remainingBits = 0;
  #lastArrival = 0;
  #arriving: { at: number; sequence: number }[] = [];
  readonly #arrivals = new Map<number, number>();
  #highestArrived = -1;
  #nextReported: number;
  #nextFeedback = 0;
  #feedbacks = 0;
  #returning: { at: number; reading: TransportFeedback }[] = [];

  constructor(
    estimator: BandwidthEstimator,
    { seed = 1, firstSequence = 0, conditions = {} }: {
      seed?: number;
      firstSequence?: number;
      conditions?: Partial<PathConditions>;
    } = {},
  ) {
    this.#estimator = estimator;
    this.#encoderRate = estimator.target;
    this.#random = generator(seed);
    this.#sequence = firstSequence;
    this.#nextReported = firstSequence;
    Object.assign(this.conditions, conditions);
  }

  /** Lets that many seconds go by. */
  run(seconds: number): void {
    const end = this.now + seconds;
    while (this.now < end - TICK / 2) this.#tick();
  }

  /** Bit/s that were sent between two moments, padding included. */
  sentRate(from: number, to: number): number {
    return this.#between(from, to).reduce((sum, { sentBits }) => sum + sentBits, 0) / (to - from);
  }

  /** Share of what was sent that is padding. */
  paddingShare(from: number, to: number): number {
    const samples = this.#between(from, to);
    const sum = samples.reduce((bits, { paddingBits }) => bits + paddingBits, 0);
    return sum / samples.reduce((bits, { sentBits }) => bits + sentBits, 0);
  }

  /** Largest, smallest and mean value of a sample's field between two moments. */
  over(field: "target" | "queue" | "queueDelay", from: number, to: number) {
    const values = this.#between(from, to).map((sample) => sample[field]);
    return {
      largest: values.reduce((one, other) => Math.max(one, other), -Infinity),
      smallest: values.reduce((one, other) => Math.min(one, other), Infinity),
      mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    };
  }

  /** When a second began over which the rate sent was as asked, the first one after a moment; Infinity for none. */
  firstSecond(isAsAsked: (rate: number) => boolean, from: number): number {
    for (let at = from; at + 1 <= this.now; at += 0.1) {
      if (isAsAsked(this.sentRate(at, at + 1))) return at;
    }
    return Number.POSITIVE_INFINITY;
  }

  #between(from: number, to: number): Sample[] {
    return this.samples.slice(Math.round(from / TICK), Math.round(to / TICK));
  }

  #tick(): void {
    const begin = this.now;
    const end = begin + TICK;
    this.#deliverFeedback(begin);
    this.#encode(begin);
    const { sentBits, paddingBits } = this.#pace(begin);
    this.#serve(begin, end);
    this.#receive(end);
    this.now = end;
    this.samples.push({
      sentBits,
      paddingBits,
      target: this.#estimator.target,
      queue: this.#linkBytes * 8 / this.conditions.rate,
      queueDelay: this.#estimator.queueDelay,
    });
  }

  #encode(now: number): void {
    const wanted = Math.min(this.#estimator.target, this.conditions.encoderMaximum);
    this.#encoderRate += (wanted - this.#encoderRate) * TICK / ENCODER_LAG;
    if (now < this.#nextFrame) return;
    this.#nextFrame += 1 / FRAME_RATE;
    let bytes = this.#encoderRate / 8 / FRAME_RATE * (0.8 + 0.4 * this.#random());
    const { keyFrameInterval } = this.conditions;
    if (keyFrameInterval > 0 && now >= this.#nextKeyFrame) {
      this.#nextKeyFrame = now + keyFrameInterval;
      bytes *= 4;
    }
    const packets = Math.max(1, Math.ceil(bytes / (PACKET_BYTES - OVERHEAD_BYTES)));
    for (let index = 0; index < packets; index++) this.#pacerQueue.push(Math.round(bytes / packets) + OVERHEAD_BYTES);
  }

  #pace(now: number): { sentBits: number; paddingBits: number } {
    let sentBits = 0;
    let paddingBits = 0;
    if (this.#probe === null && this.conditions.probing) {
      const request = this.#estimator.probe(now);
      if (request !== null) {
        this.#probe = { ...request, credit: 0 };
        this.probes.push(now);
      }
    }
    const probe = this.#probe;
    if (probe !== null) {
      probe.credit += probe.bitrate * TICK / 8;
      while (probe.credit > 0 && probe.bytes > 0) {
        const media = this.#pacerQueue.shift();
        const bytes = media ?? PACKET_BYTES;
        this.#send({ now, bytes, probe: probe.id });
        probe.credit -= bytes;
        probe.bytes -= bytes;
        sentBits += bytes * 8;
        if (media === undefined) paddingBits += bytes * 8;
      }
      if (probe.bytes <= 0) this.#probe = null;
      return { sentBits, paddingBits };
    }
    this.#pacerCredit = Math.min(this.#pacerCredit, 0) + this.#estimator.target * PACING * TICK / 8;
    while (this.#pacerCredit > 0) {
      const bytes = this.#pacerQueue.shift();
      if (bytes === undefined) break;
      this.#send({ now, bytes });
      this.#pacerCredit -= bytes;
      sentBits += bytes * 8;
    }
    return { sentBits, paddingBits };
  }

  #send({ now, bytes, probe }: { now: number; bytes: number; probe?: number }): void {
    const sequence = this.#sequence++;
    const packet = { sequence: sequence & 0xffff, at: now, bytes };
    this.#estimator.sent(probe === undefined ? packet : { ...packet, probe });
    const { rate, queueSeconds } = this.conditions;
    if ((this.#linkBytes + bytes) * 8 / rate > queueSeconds) return;
    if (this.#link.length === 0) this.#remainingBits = bytes * 8;
    this.#link.push({ sequence, bytes });
    this.#linkBytes += bytes;
  }

  #serve(begin: number, end: number): void {
    const { rate, loss, delay, jitter, stall } = this.conditions;
    let at = begin;
    for (let first = this.#link[0]; first !== undefined; first = this.#link[0]) {
      const needed = this.#remainingBits / rate;
      if (at + needed > end) {
        this.#remainingBits -= (end - at) * rate;
        return;
      }
      at += needed;
      this.#link.shift();
      this.#linkBytes -= first.bytes;
      this.#remainingBits = (this.#link[0]?.bytes ?? 0) * 8;
      if (this.#random() < loss) continue;
      this.#lastArrival = Math.max(this.#lastArrival, stall(at + delay + jitter * this.#random()));
      this.#arriving.push({ at: this.#lastArrival, sequence: first.sequence });
    }
  }

  #receive(now: number): void {
    for (let first = this.#arriving[0]; first !== undefined && first.at <= now; first = this.#arriving[0]) {
      this.#arriving.shift();
      this.#arrivals.set(first.sequence, first.at);
      this.#highestArrived = Math.max(this.#highestArrived, first.sequence);
    }
    const { feedbackInterval, feedbackLoss, feedbackDelay, feedbackReordering } = this.conditions;
    if (now < this.#nextFeedback || this.#highestArrived < this.#nextReported) return;
    this.#nextFeedback = now + feedbackInterval * (1 + this.#random());
    const packets: PacketArrival[] = [];
    for (let sequence = this.#nextReported; sequence <= this.#highestArrived; sequence++) {
      const arrival = this.#arrivals.get(sequence);
      this.#arrivals.delete(sequence);
      packets.push({ sequence: sequence & 0xffff, arrival: arrival === undefined ? null : this.#onTheWire(arrival) });
    }
    this.#nextReported = this.#highestArrived + 1;
    if (this.#random() < feedbackLoss) return;
    const late = this.#feedbacks++ % 2 === 0 ? feedbackReordering : 0;
    const reading = { baseSequence: packets[0]?.sequence ?? 0, packets };
    this.#returning.push({ at: now + feedbackDelay + late, reading });
  }

  /** Steps of 250 µs on the receiver's clock, which begins anew every twelve days. */
  #onTheWire(arrival: number): number {
    const steps = Math.round((arrival + this.conditions.receiverAhead) * 4000);
    const period = ARRIVAL_PERIOD * 4000;
    return (((steps + period / 2) % period + period) % period - period / 2) / 4000;
  }

  #deliverFeedback(now: number): void {
    const due = this.#returning.filter(({ at }) => at <= now).sort((one, other) => one.at - other.at);
    if (due.length === 0) return;
    this.#returning = this.#returning.filter(({ at }) => at > now);
    for (const { reading } of due) this.#estimator.feedback(reading, now);
  }
}

/** Numbers from 0 up to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
