import { ARRIVAL_PERIOD, type TransportFeedback } from "../rtp/mod.ts";
import { BandwidthProbe, type ProbeRequest } from "./bandwidth_probe.ts";
import { DelayTrend } from "./delay_trend.ts";
import { LossControl } from "./loss_control.ts";
import { SentPackets } from "./sent_packets.ts";
import { SlidingMinimum, SlidingRate } from "./sliding_window.ts";

/** Windows in seconds: the smallest delay of all, the smallest one lately, what arrived. */
const BASE_DELAY = { step: 1, buckets: 10 } as const;
const LATE_DELAY = { step: 0.05, buckets: 6 } as const;
const ARRIVED = { step: 0.025, buckets: 20 } as const;
const ACKED_SECONDS = 0.5;
/** While a queue stands packets arrive without gaps, and a shorter look at them is enough. */
const QUEUED_ACKED_SECONDS = 0.25;
/** Seconds of queue: below the first a rising delay is noise, from the others on the target waits and then falls. */
const QUEUE = { noise: 0.008, patient: 0.05, standing: 0.1, long: 0.15 } as const;
const QUEUE_LOOK = 0.2;
/** Part of the acknowledged rate that is kept (section 5.5), and the part kept when a long queue has to drain. */
const KEEP = 0.85;
const KEEP_AT_LONG_QUEUE = 0.7;
/** The part of the target that a single cut leaves: what arrives just behind a gap is measured too low. */
const KEEP_AT_ONCE = 0.4;
const CUT_SPACING = 0.2;
/** Seconds the encoder takes to follow. */
const ENCODER_LAG = 0.3;
/** Growth a second: far from a known limit, and close to it as a part and as packets a response time. */
const GROWTH = 1.13;
const CAREFUL_GROWTH = 0.04;
const PACKET_BITS = 9600;
/** Around the rate at which the path was last too narrow the target climbs with care. */
const NEAR_LIMIT = { from: 0.8, to: 1.12 } as const;
const LIMIT_SECONDS = 12;
/** The target stays within this many times what the sender makes use of. */
const MAX_UNUSED = 1.5;
/** Seconds without feedback, and the part of the target that is kept for each of them. */
const SILENCE = 1;
const KEEP_IN_SILENCE = 0.7;
/** More packets without feedback than that are an outage, not lost feedback. */
const MAX_BRIDGE = 1000;
/** A one-way delay that jumps by this many seconds is a clock that was set. */
const CLOCK_JUMP = 3;
/** Receiver reports without transport feedback between them after which they decide. */
const REPORTS_WITHOUT_FEEDBACK = 3;
const REPORT_GROWTH = 1.1;

/** Bit/s. */
export interface BandwidthLimits {
  readonly minimum: number;
  readonly maximum: number;
  readonly initial: number;
}

/** A packet that leaves with a transport-wide number. */
export interface SentPacket {
  /** 16 bits; one more than that of the packet before. */
  readonly sequence: number;
  /** Seconds, monotonic. */
  readonly at: number;
  /** Size on the wire. */
  readonly bytes: number;
  /** The `id` of the probe that it belongs to. */
  readonly probe?: number;
}

/**
 * How much a path carries, from what its receiver says, in the manner of draft-ietf-rmcat-gcc-02: the delay's trend and
 * the queue that stands, loss, and short clusters of packets that probe for more. Without transport-wide feedback it
 * goes by receiver reports and REMB. Keeps no timers: everything happens in the calls.
 */
export class BandwidthEstimator {
  readonly #limits: BandwidthLimits;
  readonly #packets = new SentPackets();
  readonly #trend = new DelayTrend();
  readonly #loss = new LossControl();
  readonly #probe = new BandwidthProbe();
  readonly #baseDelay = new SlidingMinimum(BASE_DELAY);
  readonly #lateDelay = new SlidingMinimum(LATE_DELAY);
  readonly #arrived = new SlidingRate(ARRIVED);
  #target: number;
  #queue = 0;
  #queueBefore = 0;
  #queueSeenAt = Number.NEGATIVE_INFINITY;
  /** Seconds from sending to feedback. */
  #response = 0.2;
  #updatedAt = Number.NaN;
  #cutAt = Number.NEGATIVE_INFINITY;
  #standingCut: { queue: number; acked: number; target: number; count: number } | null = null;
  /** Bit/s at which the path was last too narrow; NaN for none. */
  #limit = Number.NaN;
  #limitAt = Number.NEGATIVE_INFINITY;
  #receiverLimit = Number.POSITIVE_INFINITY;
  #unansweredSince = Number.NaN;
  #hasFeedback = false;
  #reportsAlone = 0;
  #reportedLoss = 0;
  /** The number behind the last packet that feedback spoke of; -1 before the first. */
  #nextReported = -1;
  #arrivalOffset = 0;
  #latestArrival = Number.NaN;
  #latestDelay = Number.NaN;

  constructor(limits: BandwidthLimits) {
    this.#limits = limits;
    this.#target = Math.min(limits.maximum, Math.max(limits.minimum, limits.initial));
  }

  /** Bit/s that may be sent. */
  get target(): number {
    return this.#target;
  }

  /** Seconds that packets wait on the path beyond the smallest one-way delay of the last ten. */
  get queueDelay(): number {
    return this.#queue;
  }

  /** Share of packets lost lately, 0–1. */
  get lossRate(): number {
    return this.#hasFeedback ? this.#loss.rate : this.#reportedLoss;
  }

  /** Bit/s that arrived over the last half second of arrivals; 0 until known. */
  get ackedRate(): number {
    return this.#arrived.over(ACKED_SECONDS);
  }

  /** The same over the last quarter of a second: while a queue stands, this is what the path carries now. */
  get lateAckedRate(): number {
    return this.#arrived.over(QUEUED_ACKED_SECONDS);
  }

  /** Takes note of a packet that is being sent. */
  sent(packet: SentPacket): void {
    const { sequence, at, probe } = packet;
    this.#packets.add(packet);
    if (probe !== undefined) this.#probe.sent({ id: probe, sequence, at });
    if (Number.isNaN(this.#unansweredSince)) this.#unansweredSince = at;
    else if (this.#hasFeedback && at - this.#unansweredSince > SILENCE) {
      this.#unansweredSince = at;
      this.#probe.cancel();
      this.#setTarget(this.#target * KEEP_IN_SILENCE);
    }
  }

  /** Takes what the receiver says, at the moment `now`. */
  feedback(reading: TransportFeedback, now: number): void {
    let received = 0;
    let lost = 0;
    let newestSent = Number.NEGATIVE_INFINITY;
    this.#bridge(reading);
    for (const { sequence, arrival } of reading.packets) {
      const time = arrival === null ? null : this.#unwrap(arrival);
      const outcome = this.#packets.note(sequence, time);
      if (outcome === "lost") lost++;
      if (time === null || outcome === "unknown" || outcome === "known") continue;
      if (outcome === "arrived after all") lost--;
      received++;
      const sentAt = this.#packets.sentAt(sequence);
      newestSent = Math.max(newestSent, sentAt);
      const bytes = outcome === "confirmed" ? 0 : this.#packets.sizeOf(sequence);
      this.#addArrival({ sentAt, arrival: time, bytes });
    }
    if (received === 0 && lost === 0) return;
    this.#hasFeedback = true;
    this.#reportsAlone = 0;
    this.#unansweredSince = Number.NaN;
    if (received > 0) this.#response += (Math.max(0, now - newestSent) - this.#response) * 0.2;
    this.#loss.count({ received, lost, now });
    this.#update(now);
  }

  /** Takes the receiver's own estimate (REMB), bit/s: the target stays below it. */
  remb(bitrate: number): void {
    this.#receiverLimit = bitrate;
    this.#setTarget(this.#target);
  }

  /** Takes a receiver report about the stream; it decides when there is no transport-wide feedback. */
  report({ fractionLost, roundTrip }: { fractionLost: number; roundTrip: number }): void {
    this.#reportsAlone++;
    if (this.#hasFeedback && this.#reportsAlone < REPORTS_WITHOUT_FEEDBACK) return;
    this.#hasFeedback = false;
    this.#reportedLoss = fractionLost;
    if (roundTrip > 0) this.#response = roundTrip;
    if (fractionLost > 0.1) this.#setTarget(this.#target * (1 - 0.5 * fractionLost));
    else if (fractionLost < 0.02) this.#setTarget(this.#target * REPORT_GROWTH);
  }

  /**
   * A short cluster of packets that the caller should send now, evenly at the cluster's bitrate: media that is due, filled
   * up with padding or repeats. Null when there is nothing to find out. Each of its packets carries the request's `id` in
   * `sent`.
   */
  probe(now: number): ProbeRequest | null {
    const { maximum } = this.#limits;
    const isQuiet = this.#hasFeedback && this.#trend.state !== "overuse" && this.#queue < QUEUE.patient / 2 &&
      this.#loss.allowsIncrease && now - this.#updatedAt < SILENCE;
    if (!isQuiet || this.#target >= 0.98 * Math.min(maximum, this.#receiverLimit)) return null;
    return this.#probe.request(now, Math.min(2 * this.#target, 1.05 * maximum));
  }

  /**
   * Feedback that is lost is not sent again: packets between the last one and this are taken for arrived, evenly over
   * the time between, so that the acknowledged rate is not too low by them.
   */
  #bridge({ baseSequence, packets }: TransportFeedback): void {
    const missing = this.#nextReported < 0 ? 0 : (baseSequence - this.#nextReported) & 0xffff;
    const isBehind = missing >= 0x8000;
    const end = (baseSequence + packets.length) & 0xffff;
    const first = packets.find(({ arrival }) => arrival !== null)?.arrival ?? null;
    if (missing > 0 && missing <= MAX_BRIDGE && first !== null) {
      const from = this.#latestArrival;
      const step = (this.#unwrap(first) - from) / (missing + 1);
      for (let index = 0; step >= 0 && index < missing; index++) {
        const bytes = this.#packets.assume((this.#nextReported + index) & 0xffff);
        this.#arrived.add(bytes, from + step * (index + 1));
      }
    }
    if (!isBehind || ((end - this.#nextReported) & 0xffff) < 0x8000) this.#nextReported = end;
  }

  /** Arrival times begin anew every twelve days. */
  #unwrap(arrival: number): number {
    const time = arrival + this.#arrivalOffset;
    if (time - this.#latestArrival < -ARRIVAL_PERIOD / 2) {
      this.#arrivalOffset += ARRIVAL_PERIOD;
      return time + ARRIVAL_PERIOD;
    }
    return time - this.#latestArrival > ARRIVAL_PERIOD / 2 ? time - ARRIVAL_PERIOD : time;
  }

  #addArrival({ sentAt, arrival, bytes }: { sentAt: number; arrival: number; bytes: number }): void {
    const delay = arrival - sentAt;
    if (Math.abs(delay - this.#latestDelay) > CLOCK_JUMP) {
      this.#trend.reset();
      this.#baseDelay.clear();
      this.#lateDelay.clear();
      this.#arrived.clear();
      this.#latestArrival = arrival;
    }
    this.#latestDelay = delay;
    if (!(arrival < this.#latestArrival)) this.#latestArrival = arrival;
    this.#trend.add(sentAt, arrival);
    this.#baseDelay.add(delay, arrival);
    this.#lateDelay.add(delay, arrival);
    this.#arrived.add(bytes, arrival);
  }

  #update(now: number): void {
    const elapsed = Number.isNaN(this.#updatedAt) ? 0 : Math.min(0.5, Math.max(0, now - this.#updatedAt));
    this.#updatedAt = now;
    const late = this.#lateDelay.value;
    if (Number.isFinite(late)) this.#queue = Math.max(0, late - this.#baseDelay.value);
    const isFalling = this.#queue < this.#queueBefore - 0.005;
    if (now - this.#queueSeenAt >= QUEUE_LOOK) {
      this.#queueBefore = this.#queue;
      this.#queueSeenAt = now;
    }
    const isGrowing = this.#trend.state === "overuse" && this.#queue > QUEUE.noise;
    const isStanding = this.#queue > QUEUE.standing && !isFalling;
    const acked = this.ackedRate;
    if (isGrowing || isStanding) this.#decrease(now);
    else if (this.#trend.state === "normal" && this.#queue < QUEUE.patient && this.#loss.allowsIncrease) {
      this.#increase({ now, elapsed, acked });
    }
    if (this.#queue < QUEUE.standing) this.#standingCut = null;
    const isQueueing = isGrowing || this.#queue > QUEUE.patient;
    const byLoss = this.#loss.update({ now, target: this.#target, acked, response: this.#response, isQueueing });
    if (byLoss.foundLimit) this.#setLimit(this.#target, now);
    this.#setTarget(byLoss.target);
    this.#takeProbe(now, isQueueing);
  }

  #decrease(now: number): void {
    const isLong = this.#queue > QUEUE.long;
    const acked = this.#queue > QUEUE.standing ? this.lateAckedRate : this.ackedRate;
    const wanted = (isLong ? KEEP_AT_LONG_QUEUE : KEEP) * (acked > 0 ? acked : this.#target);
    const goal = Math.max(wanted, KEEP_AT_ONCE * this.#target);
    // What was cut takes a while to show; until then only a much lower rate is news.
    const sinceCut = now - this.#cutAt;
    const isEarly = sinceCut < this.#response + ENCODER_LAG + QUEUED_ACKED_SECONDS;
    if (sinceCut < CUT_SPACING || (isEarly && goal > KEEP_AT_LONG_QUEUE * this.#target)) return;
    this.#probe.cancel();
    this.#setLimit(acked, now);
    if (this.#isBaseShift(acked)) return;
    this.#cutAt = now;
    this.#setTarget(Math.min(this.#target, goal));
  }

  /**
   * Whether the delay stays however little is sent: then it is no queue of ours but a longer way, which becomes the new
   * base, and the target what it was.
   */
  #isBaseShift(acked: number): boolean {
    if (this.#queue < QUEUE.standing) return false;
    const before = this.#standingCut;
    const isUnmoved = before !== null && this.#queue > 0.85 * before.queue && acked < 0.9 * before.acked;
    if (before === null || !isUnmoved) {
      this.#standingCut = { queue: this.#queue, acked, target: this.#target, count: 1 };
      return false;
    }
    before.count++;
    before.acked = acked;
    if (before.count < 3) return false;
    this.#baseDelay.clear();
    this.#trend.reset();
    this.#limit = Number.NaN;
    this.#setTarget(before.target);
    this.#standingCut = null;
    return true;
  }

  #increase({ now, elapsed, acked }: { now: number; elapsed: number; acked: number }): void {
    if (acked > NEAR_LIMIT.to * this.#limit || now - this.#limitAt > LIMIT_SECONDS) this.#limit = Number.NaN;
    const target = this.#target;
    const isNear = target > NEAR_LIMIT.from * this.#limit;
    const step = isNear
      ? Math.max(PACKET_BITS / (this.#response + 0.1), CAREFUL_GROWTH * target) * elapsed
      : target * (GROWTH ** elapsed - 1);
    this.#setTarget(Math.max(target, Math.min(target + step, MAX_UNUSED * acked)));
  }

  #takeProbe(now: number, isQueueing: boolean): void {
    const found = this.#probe.result(this.#packets, now);
    // What lies close to a known limit is found with care, not by a jump.
    if (found === null || isQueueing || found < this.#target || found <= NEAR_LIMIT.to * this.#limit) return;
    this.#limit = Number.NaN;
    this.#setTarget(found);
  }

  #setLimit(bitrate: number, now: number): void {
    this.#limit = bitrate > 0 ? bitrate : Number.NaN;
    this.#limitAt = now;
  }

  #setTarget(bitrate: number): void {
    const { minimum, maximum } = this.#limits;
    this.#target = Math.max(minimum, Math.min(maximum, this.#receiverLimit, bitrate));
  }
}
