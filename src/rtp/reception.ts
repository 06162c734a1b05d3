import { ExtendedSequence } from "./sequence.ts";

/** What a receiver reports about a stream (RFC 3550, section 6.4.1). */
export interface ReceptionReport {
  readonly ssrc: number;
  /** 0–1, since the last report. */
  readonly fractionLost: number;
  readonly packetsLost: number;
  /** Highest sequence number with the count of wraps above it, 32 bits. */
  readonly highestSequence: number;
  /** In units of the RTP clock. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last sender report; 0 for none. */
  readonly lastReport: number;
  /** Seconds since that report came. */
  readonly delaySinceLastReport: number;
}

/** A jump of more than this many sequence numbers is a new beginning, not loss. */
const MAX_JUMP = 3000;

/** Counts what comes of one stream (RFC 3550, appendix A.3 and A.8). */
export class Reception {
  readonly #ssrc: number;
  readonly #clockRate: number;
  readonly #sequence = new ExtendedSequence();
  #first: number | undefined;
  #received = 0;
  #reported = { expected: 0, received: 0 };
  #transit: number | undefined;
  #jitter = 0;
  #senderReport: { readonly compactNtp: number; readonly at: number } | undefined;

  constructor({ ssrc, clockRate }: { ssrc: number; clockRate: number }) {
    this.#ssrc = ssrc;
    this.#clockRate = clockRate;
  }

  /** A packet has come; not for retransmissions. */
  received(packet: { readonly sequenceNumber: number; readonly timestamp: number }, now: number): void {
    const highest = this.#sequence.highest;
    if (highest !== undefined && Math.abs(this.#sequence.locate(packet.sequenceNumber) - highest) > MAX_JUMP) {
      this.#restart();
    }
    const position = this.#sequence.extend(packet.sequenceNumber);
    this.#first ??= position;
    this.#received++;
    const transit = now * this.#clockRate - packet.timestamp;
    if (this.#transit !== undefined) {
      const difference = Math.abs(transit - this.#transit);
      // A timestamp that wraps or jumps is no jitter.
      if (difference < this.#clockRate) this.#jitter += (difference - this.#jitter) / 16;
    }
    this.#transit = transit;
  }

  /** A sender report has come. */
  senderReport(compactNtp: number, now: number): void {
    this.#senderReport = { compactNtp, at: now };
  }

  /** The report since the last one; null before the first packet. */
  report(now: number): ReceptionReport | null {
    const highest = this.#sequence.highest;
    if (highest === undefined || this.#first === undefined) return null;
    const expected = highest - this.#first + 1;
    const interval = {
      expected: expected - this.#reported.expected,
      received: this.#received - this.#reported.received,
    };
    this.#reported = { expected, received: this.#received };
    const lost = interval.expected - interval.received;
    return {
      ssrc: this.#ssrc,
      fractionLost: interval.expected > 0 && lost > 0 ? lost / interval.expected : 0,
      packetsLost: Math.max(0, expected - this.#received),
      highestSequence: (highest - 0x10000) >>> 0,
      jitter: Math.round(this.#jitter),
      lastReport: this.#senderReport?.compactNtp ?? 0,
      delaySinceLastReport: this.#senderReport === undefined ? 0 : now - this.#senderReport.at,
    };
  }
  #restart(): void {
    this.#sequence.reset();
    this.#first = undefined;
    this.#received = 0;
    this.#reported = { expected: 0, received: 0 };
  }
}
