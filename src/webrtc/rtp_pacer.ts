import type { Clock, Timer } from "../async/mod.ts";

/**
 * How much faster than the rate a queue is emptied; with the depth below, no 100 ms hold more than 2.5 times the rate. Where
 * packets queue on the way already it is emptied no faster.
 */
const FACTOR = { free: 2, queueing: 1 };
/** Seconds at the rate that may go out at once: an ordinary picture is not held back, only a large one is spread. */
const DEPTH = 0.04;
/**
 * Seconds at the rate that retransmissions may wait; one beyond that is left out. When so much is lost, the way is too
 * narrow for all of it, and the viewer asks again for what it still misses.
 */
const REPAIR_DEPTH = 0.1;
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
  #repairBytes = 0;
  /** Bytes per second. */
  #rate: number;
  #factor = FACTOR.free;
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
    return (this.#queuedBytes + this.#repairBytes) / (this.#rate * this.#factor);
  }

  /**
   * @param bitrate bit/s at which media are made from now on
   * @param options.isQueueing whether packets wait on the way
   */
  setBitrate(bitrate: number, { isQueueing }: { isQueueing: boolean }): void {
    this.#refill();
    this.#rate = bitrate / 8;
    this.#factor = isQueueing ? FACTOR.queueing : FACTOR.free;
  }

  /**
   * Sends a packet when its turn comes.
   *
   * @param options.urgency `now`: at once, for sound; `next`: before what waits, for retransmissions; else behind it
   * @returns false when too many retransmissions wait already
   */
  push(packet: PacedPacket, { urgency }: { urgency: "now" | "next" | "queued" }): boolean {
    this.#refill();
    if (urgency === "now" || this.#timer === undefined && this.#budget > 0) {
      this.#spend(packet);
    } else if (urgency === "next") {
      if (this.#repairBytes > this.#rate * REPAIR_DEPTH) return false;
      this.#repairBytes += packet.bytes;
      this.#repairs.push(packet);
    } else {
      this.#queuedBytes += packet.bytes;
      this.#queue.push(packet);
    }
    if (this.#queue.length + this.#repairs.length > 0) this.#arm();
    return true;
  }

  /** Drops what waits in the queue, retransmissions included. */
  flush(): void {
    this.#queue.length = 0;
    this.#repairs.length = 0;
    this.#queuedBytes = 0;
    this.#repairBytes = 0;
  }

  /** Drops what waits, for good. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.flush();
  }

  #spend(packet: PacedPacket): void {
    this.#budget -= packet.bytes;
    packet.send();
  }

  #next(): PacedPacket | undefined {
    const repair = this.#repairs.shift();
    if (repair !== undefined) {
      this.#repairBytes -= repair.bytes;
      return repair;
    }
    const packet = this.#queue.shift();
    this.#queuedBytes -= packet?.bytes ?? 0;
    return packet;
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#budget = Math.min(this.#budget + (now - this.#at) * this.#rate * this.#factor, this.#rate * DEPTH);
    this.#at = now;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(-this.#budget / (this.#rate * this.#factor), TICK);
    this.#timer = this.#clock.schedule(wait, () => {
      this.#timer = undefined;
      this.#refill();
      while (this.#budget > 0) {
        const packet = this.#next();
        if (packet === undefined) return;
        this.#spend(packet);
      }
      if (this.#queue.length + this.#repairs.length > 0) this.#arm();
    });
  }
}
