import type { Clock, Timer } from "../async/mod.ts";

/** Share of the rate at which a queue is emptied; with the depth below, no 100 ms hold more than 2.5 times the rate. */
const FACTOR = 2;
/** Seconds at the rate that may go out at once: an ordinary picture is not held back, only a large one is spread. */
const DEPTH = 0.04;
/** Shortest wait of a timer, in seconds. */
const TICK = 0.001;

/** A packet that is sent when its turn comes. */
export interface PacedPacket {
  /** Size on the wire. */
  readonly bytes: number;
  send(): void;
}

/** Spreads packets over time, so that no burst overruns a narrow link. What is urgent goes at once and is accounted for. */
export class RtpPacer {
  readonly #clock: Clock;
  readonly #repairs: PacedPacket[] = [];
  readonly #queue: PacedPacket[] = [];
  #queuedBytes = 0;
  /** Bytes per second. */
  #rate: number;
  /** Bytes that may go out now. */
  #budget: number;
  #at: number;
  #timer: Timer | undefined;

  /** @param options.bitrate bit/s at which media are made */
  constructor({ clock, bitrate }: { clock: Clock; bitrate: number }) {
    this.#clock = clock;
    this.#rate = bitrate / 8;
    this.#budget = this.#rate * DEPTH;
    this.#at = clock.now();
  }

  /** Seconds that what waits takes to go out. */
  get backlog(): number {
    return this.#queuedBytes / (this.#rate * FACTOR);
  }

  /** @param bitrate bit/s at which media are made from now on */
  setBitrate(bitrate: number): void {
    this.#refill();
    this.#rate = bitrate / 8;
  }

  /**
   * Sends a packet when its turn comes.
   *
   * @param options.urgency `now`: at once, for sound; `next`: before what waits, for retransmissions; else behind it
   */
  push(packet: PacedPacket, { urgency }: { urgency: "now" | "next" | "queued" }): void {
    this.#refill();
    if (urgency === "now" || this.#timer === undefined && this.#budget > 0) return this.#spend(packet);
    this.#queuedBytes += packet.bytes;
    (urgency === "next" ? this.#repairs : this.#queue).push(packet);
    this.#arm();
  }

  /** Drops what waits. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#queue.length = 0;
    this.#repairs.length = 0;
    this.#queuedBytes = 0;
  }

  #spend(packet: PacedPacket): void {
    this.#budget -= packet.bytes;
    packet.send();
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#budget = Math.min(this.#budget + (now - this.#at) * this.#rate * FACTOR, this.#rate * DEPTH);
    this.#at = now;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(-this.#budget / (this.#rate * FACTOR), TICK);
    this.#timer = this.#clock.schedule(wait, () => {
      this.#timer = undefined;
      this.#refill();
      while (this.#budget > 0) {
        const packet = this.#repairs.shift() ?? this.#queue.shift();
        if (packet === undefined) return;
        this.#queuedBytes -= packet.bytes;
        this.#spend(packet);
      }
      if (this.#queue.length + this.#repairs.length > 0) this.#arm();
    });
  }
}
