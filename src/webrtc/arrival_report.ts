import type { Clock, Timer } from "../async/mod.ts";
import { ExtendedSequence, MAX_ARRIVAL_GAP, type PacketArrival, writeTransportFeedback } from "../rtp/mod.ts";
import type { PacketSender } from "./packet_sender.ts";

/** Seconds from the first packet until the viewer hears of it and of those that came meanwhile. */
const INTERVAL = 0.05;
/** Arrivals that one feedback tells of at most, so that it stays one datagram. */
const MAX_ARRIVALS = 400;
/** A number that jumps by more than this is a new beginning, not loss. */
const MAX_JUMP = 4000;
/** Seconds for which arrivals are kept: a packet that was overtaken is told of once more, with those around it. */
const KEPT_SECONDS = 0.5;

/** What an arrival report is made with. */
export interface ArrivalReportOptions {
  readonly sender: PacketSender;
  readonly clock: Clock;
  /** SSRC that the feedback comes from. */
  readonly ownSsrc: number;
}

/**
 * Tells the viewer when each of its packets arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01), all its tracks
 * together, so that its browser fits what it sends to the network before a queue grows.
 */
export class ArrivalReport {
  readonly #options: ArrivalReportOptions;
  readonly #sequence = new ExtendedSequence();
  /** Seconds by extended number. */
  readonly #arrivals = new Map<number, number>();
  /** The number that the next feedback begins with; undefined before the first packet. */
  #next: number | undefined;
  #about = 0;
  #count = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: ArrivalReportOptions) {
    this.#options = options;
  }

  /** Takes note of a packet with its transport-wide number, 16 bits. */
  received({ sequence, ssrc }: { sequence: number; ssrc: number }): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    const highest = this.#sequence.highest;
    if (highest !== undefined && Math.abs(this.#sequence.locate(sequence) - highest) > MAX_JUMP) this.#begin();
    const number = this.#sequence.extend(sequence);
    if (this.#arrivals.has(number)) return;
    this.#arrivals.set(number, clock.now());
    this.#next = Math.min(this.#next ?? number, number);
    this.#about = ssrc;
    this.#timer ??= clock.schedule(INTERVAL, () => {
      this.#timer = undefined;
      this.#report();
    });
  }

  /** Stops. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#arrivals.clear();
  }

  #begin(): void {
    this.#sequence.reset();
    this.#arrivals.clear();
    this.#next = undefined;
  }

  #report(): void {
    const { sender, clock, ownSsrc } = this.#options;
    const end = this.#sequence.highest ?? -1;
    while (this.#next !== undefined && this.#next <= end) {
      const packets = this.#row(this.#next, end);
      const feedback = { baseSequence: this.#next & 0xffff, packets };
      this.#next += packets.length;
      sender.sendRtcp(writeTransportFeedback({ from: ownSsrc, about: this.#about }, feedback, this.#count++));
    }
    const oldest = clock.now() - KEPT_SECONDS;
    for (const [number, arrival] of this.#arrivals) {
      if (arrival < oldest) this.#arrivals.delete(number);
    }
  }

  /** Packets up to that number, as many as one feedback holds; at least one. */
  #row(from: number, end: number): PacketArrival[] {
    const packets: PacketArrival[] = [];
    let arrivals = 0;
    let before: number | undefined;
    for (let number = from; number <= end && arrivals < MAX_ARRIVALS; number++) {
      const arrival = this.#arrivals.get(number) ?? null;
      if (arrival !== null) {
        if (before !== undefined && Math.abs(arrival - before) > MAX_ARRIVAL_GAP) break;
        before = arrival;
        arrivals++;
      }
      packets.push({ sequence: number & 0xffff, arrival });
    }
    return packets;
  }
}
