import type { SentPackets } from "./sent_packets.ts";

/** Seconds that a cluster lasts, and the fewest packets that say something. */
const DURATION = 0.04;
const MIN_PACKETS = 5;
const PACKET_BYTES = 1200;
/** Seconds to the first cluster, and between two of them after one that found something and one that did not. */
const FIRST = 0.5;
const AFTER_SUCCESS = 3;
const AFTER_FAILURE = 5;
/** Seconds without a word of a cluster after which it is given up. */
const PATIENCE = 1;
/** Arriving so much faster than they left, packets were held up together and say nothing. */
const HELD_UP = 2;
/** Arriving so much slower than they left, packets filled the path; then that part of it is used. */
const SATURATED = 0.9;
const USED = 0.95;

/** Packets to be sent once, besides the media, to see whether they come through. */
export interface ProbeRequest {
  /** To be named with each of its packets. */
  readonly id: number;
  /** Bit/s at which to send, media included. */
  readonly bitrate: number;
  /** Bytes in all, media that leaves between them included. */
  readonly bytes: number;
  /** Packets of usual size that make up the bytes. */
  readonly packets: number;
}

/** Asks for clusters of packets, one at a time and a few seconds apart, and reads what became of each. */
export class BandwidthProbe {
  #id = 0;
  #bitrate = 0;
  #nextAt = Number.NaN;
  #requestedAt = Number.NaN;
  #first = -1;
  #last = -1;
  #lastAt = Number.NaN;

  /** The next cluster; null while it is not time for one. */
  request(now: number, bitrate: number): ProbeRequest | null {
    if (Number.isNaN(this.#nextAt)) this.#nextAt = now + FIRST;
    if (now < this.#nextAt) return null;
    this.#nextAt = now + AFTER_FAILURE;
    this.#id++;
    this.#bitrate = bitrate;
    this.#requestedAt = now;
    this.#first = -1;
    const bytes = Math.ceil(Math.max(MIN_PACKETS * PACKET_BYTES, bitrate * DURATION / 8));
    return { id: this.#id, bitrate, bytes, packets: Math.ceil(bytes / PACKET_BYTES) };
  }

  /** Takes note of one of its packets. */
  sent({ id, sequence, at }: { id: number; sequence: number; at: number }): void {
    if (id !== this.#id || Number.isNaN(this.#requestedAt)) return;
    if (this.#first < 0) this.#first = sequence;
    this.#last = sequence;
    this.#lastAt = at;
  }

  /** Forgets the cluster under way. */
  cancel(): void {
    this.#requestedAt = Number.NaN;
  }

  /** Bit/s that a cluster found, once; null while there is none. */
  result(packets: SentPackets, now: number): number | null {
    if (Number.isNaN(this.#requestedAt)) return null;
    if (now - Math.max(this.#requestedAt, this.#first < 0 ? 0 : this.#lastAt) > PATIENCE) this.cancel();
    const isWhole = this.#first >= 0 && now - this.#lastAt > DURATION / 2;
    if (!isWhole || !packets.isHeardOf(this.#last)) return null;
    const rates = packets.ratesOf({ first: this.#first, last: this.#last });
    this.cancel();
    if (rates === null || rates.received > HELD_UP * rates.sent) return null;
    const { sent, received } = rates;
    const found = Math.min(this.#bitrate, received < SATURATED * sent ? USED * received : Math.min(sent, received));
    if (found > 0.8 * this.#bitrate) this.#nextAt = Math.min(this.#nextAt, now + AFTER_SUCCESS);
    return found;
  }
}
