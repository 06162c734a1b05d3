import { type Clock, systemClock, type Timer } from "../../src/async/mod.ts";

/** Length of one entry of the rate over time, in seconds. */
export const SLOT_S = 0.1;
/** Bytes of the IPv4 and UDP headers, which a link carries as well. */
const HEADER_BYTES = 28;
/** Shortest time between two looks at what is due, in seconds. */
const TICK_S = 0.001;

/** What a path does to packets; all of it may change while they flow. */
export interface PathSettings {
  /** Share of packets that are lost, 0 to 1. */
  readonly loss: number;
  /** Time from leaving the queue to arriving, in seconds. */
  readonly delay: number;
  /** The delay is longer by up to this many seconds, at random; the order of packets stays. */
  readonly jitter: number;
  /** Bit/s, above 0, headers of IP and UDP included; Infinity for no limit. */
  readonly rate: number;
  /** What the queue before a limited rate holds, in seconds of that rate; more is dropped at its tail. */
  readonly queueLimit: number;
  /** Share of packets that are held back, so that later ones overtake them, 0 to 1. */
  readonly reorder: number;
  /** How long those are held back, in seconds. */
  readonly reorderBy: number;
  /** Nothing passes, not even what is under way. */
  readonly blocked: boolean;
}

/** A path that changes nothing. */
export const CLEAR: PathSettings = {
  loss: 0,
  delay: 0,
  jitter: 0,
  rate: Infinity,
  queueLimit: 0.5,
  reorder: 0,
  reorderBy: 0.02,
  blocked: false,
};

/** What a path has seen; bytes count the headers of IP and UDP. */
export interface PathCounters {
  /** What was sent into it. */
  readonly packets: number;
  readonly bytes: number;
  /** What came out. */
  readonly deliveredPackets: number;
  readonly deliveredBytes: number;
  /** What did not: at random, at the tail of the queue, while it was blocked. */
  readonly lost: number;
  readonly overflowed: number;
  readonly blocked: number;
  /** All of the three. */
  readonly dropped: number;
  /** Time that a packet sent now would wait in the queue, and the longest that one has waited, in seconds. */
  readonly queueDelay: number;
  readonly maxQueueDelay: number;
}

/** One tenth of a second of a path. */
export interface PathSlot {
  /** Its beginning, in seconds since the path was made. */
  readonly at: number;
  /** What was sent into the path and what came out, in bit/s. */
  readonly sent: number;
  readonly delivered: number;
  /** The longest that a packet which left the queue in it had waited, in seconds. */
  readonly queueDelay: number;
}

/** A packet, and the call that takes it on. */
interface Packet {
  readonly bits: number;
  readonly arrivedAt: number;
  readonly deliver: () => void;
}

interface Flight {
  readonly due: number;
  readonly order: number;
  readonly packet: Packet;
}

/**
 * One direction of a link: loss, then a queue before a limited rate, then a delay. Times are kept to the microsecond
 * whenever a timer fires, so that a late timer makes packets late once and does not add up. One timer serves all
 * packets, and none runs while the path is empty.
 */
export class ImpairedPath implements Disposable {
  settings: PathSettings = CLEAR;
  readonly #clock: Clock;
  /** One number a packet in the order they are sent, so that which ones are lost depends on nothing else. */
  readonly #lot: () => number;
  readonly #variation: () => number;
  readonly #beganAt: number;
  /** Waiting for their turn; the first one is being sent until `#sentAt`. */
  readonly #queue: Packet[] = [];
  #queuedBits = 0;
  #sentAt = 0;
  /** On their way, a binary heap by time. */
  readonly #flights: Flight[] = [];
  #order = 0;
  #lastDue = 0;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #isClosed = false;
  readonly #counts = {
    packets: 0,
    bytes: 0,
    deliveredPackets: 0,
    deliveredBytes: 0,
    lost: 0,
    overflowed: 0,
    blocked: 0,
  };
  #maxQueueDelay = 0;
  readonly #slots: { sent: number; delivered: number; queueDelay: number }[] = [];

  /** The same seed loses the same packets. */
  constructor({ clock = systemClock, seed = 1 }: { clock?: Clock; seed?: number } = {}) {
    this.#clock = clock;
    this.#lot = seededRandom(seed);
    this.#variation = seededRandom(seed + 0x10000);
    this.#beganAt = clock.now();
  }

  get counters(): PathCounters {
    const { lost, overflowed, blocked } = this.#counts;
    return {
      ...this.#counts,
      dropped: lost + overflowed + blocked,
      queueDelay: this.#queueDelay(this.#clock.now()),
      maxQueueDelay: this.#maxQueueDelay,
    };
  }

  /** The rate over time, from the beginning to the present tenth of a second. */
  get slots(): PathSlot[] {
    this.#slot(this.#clock.now());
    return this.#slots.map(({ sent, delivered, queueDelay }, index) => {
      return { at: index * SLOT_S, sent: sent * 8 / SLOT_S, delivered: delivered * 8 / SLOT_S, queueDelay };
    });
  }

  /** Takes in one datagram of that many bytes; `deliver` is called when it comes out, if it does. */
  send(bytes: number, deliver: () => void): void {
    if (this.#isClosed) return;
    const now = this.#clock.now();
    const { loss, rate, queueLimit, blocked } = this.settings;
    const size = bytes + HEADER_BYTES;
    this.#counts.packets++;
    this.#counts.bytes += size;
    this.#slot(now).sent += size;
    const isLost = this.#lot() < loss;
    if (blocked) return void this.#counts.blocked++;
    if (isLost) return void this.#counts.lost++;
    this.#work(now);
    if (rate !== Infinity && this.#queueDelay(now) > queueLimit) return void this.#counts.overflowed++;
    const packet = { bits: size * 8, arrivedAt: now, deliver };
    this.#queue.push(packet);
    this.#queuedBits += packet.bits;
    if (this.#queue.length === 1) this.#sentAt = now + packet.bits / rate;
    this.#work(now);
  }

  /** Drops what is under way. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#queue.length = 0;
    this.#flights.length = 0;
  }

  /** Moves everything on that is due. */
  #work(now: number): void {
    while (this.#queue.length > 0 && this.#sentAt <= now) this.#leaveQueue();
    for (let first = this.#flights[0]; first !== undefined && first.due <= now; first = this.#flights[0]) {
      this.#takeFirst();
      this.#arrive(first.packet, now);
    }
    this.#setTimer(now);
  }

  #leaveQueue(): void {
    const packet = this.#queue.shift() as Packet;
    this.#queuedBits -= packet.bits;
    const leftAt = this.#sentAt;
    const { rate, delay, jitter, reorder, reorderBy } = this.settings;
    const next = this.#queue[0];
    if (next !== undefined) this.#sentAt = leftAt + next.bits / rate;
    const waited = leftAt - packet.bits / rate - packet.arrivedAt;
    this.#maxQueueDelay = Math.max(this.#maxQueueDelay, waited);
    const slot = this.#slot(leftAt);
    slot.queueDelay = Math.max(slot.queueDelay, waited);
    const wish = leftAt + delay + (jitter > 0 ? this.#variation() * jitter : 0);
    if (reorder > 0 && this.#variation() < reorder) return this.#addFlight(wish + reorderBy, packet);
    this.#lastDue = Math.max(this.#lastDue, wish);
    this.#addFlight(this.#lastDue, packet);
  }

  #arrive(packet: Packet, now: number): void {
    if (this.settings.blocked) return void this.#counts.blocked++;
    const size = packet.bits / 8;
    this.#counts.deliveredPackets++;
    this.#counts.deliveredBytes += size;
    this.#slot(now).delivered += size;
    packet.deliver();
  }

  #setTimer(now: number): void {
    const dueAt = Math.min(this.#flights[0]?.due ?? Infinity, this.#queue.length > 0 ? this.#sentAt : Infinity);
    const at = Math.max(dueAt, now + TICK_S);
    if (dueAt === Infinity || at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.schedule(at - now, () => {
      this.#timerAt = Infinity;
      this.#work(this.#clock.now());
    });
  }

  #queueDelay(now: number): number {
    const [first] = this.#queue;
    if (first === undefined || this.settings.rate === Infinity) return 0;
    return Math.max(0, this.#sentAt - now) + (this.#queuedBits - first.bits) / this.settings.rate;
  }

  #slot(at: number): { sent: number; delivered: number; queueDelay: number } {
    const index = Math.max(0, Math.floor((at - this.#beganAt) / SLOT_S));
    while (this.#slots.length <= index) this.#slots.push({ sent: 0, delivered: 0, queueDelay: 0 });
    return this.#slots[index] as { sent: number; delivered: number; queueDelay: number };
  }

  #addFlight(due: number, packet: Packet): void {
    const flight = { due, order: this.#order++, packet };
    let at = this.#flights.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#flights[parent] as Flight;
      if (!isBefore(flight, above)) break;
      this.#flights[at] = above;
      at = parent;
    }
    this.#flights[at] = flight;
  }

  #takeFirst(): void {
    const last = this.#flights.pop() as Flight;
    const { length } = this.#flights;
    if (length === 0) return;
    let at = 0;
    while (true) {
      const left = 2 * at + 1;
      if (left >= length) break;
      const right = left + 1;
      const isRight = right < length && isBefore(this.#flights[right] as Flight, this.#flights[left] as Flight);
      const child = isRight ? right : left;
      if (!isBefore(this.#flights[child] as Flight, last)) break;
      this.#flights[at] = this.#flights[child] as Flight;
      at = child;
    }
    this.#flights[at] = last;
  }
}

function isBefore(one: Flight, other: Flight): boolean {
  return one.due < other.due || (one.due === other.due && one.order < other.order);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
