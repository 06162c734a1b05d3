import type { AssembledFrame, Depacketizer } from "./depacketizer.ts";
import { ExtendedSequence } from "./sequence.ts";

/** The parts of an RTP packet that matter here. */
export interface MediaPacket {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  /** Without padding; empty for a packet that only probes the path. */
  readonly payload: Uint8Array;
}

/** Seconds after which a missing packet is first asked for: it may only be late. */
const REORDER_TIME = 0.01;
/** Seconds after which it is asked for again. */
const ASK_INTERVAL = 0.05;
/** Seconds after which a missing packet is given up. */
const GIVE_UP = 0.3;
/** Packets that wait at most. */
const MAX_PACKETS = 2048;
/** Packets that are asked for at most; a path that loses more is given up at once. */
const MAX_MISSING = 512;
/** A jump of more than this many sequence numbers is a new beginning. */
const MAX_JUMP = 3000;
/** So many packets in a row that are past already are a new beginning as well. */
const MAX_STALE = 100;

interface Missing {
  readonly since: number;
  askedAt: number;
}

/**
 * Puts the packets of one picture track in order and gives out whole pictures, in decoding order, and nothing else. What is
 * missing can be asked for; what does not come in time costs everything up to the next key frame, so that no decoder ever
 * sees a picture whose reference it has not. A whole key frame waits for nothing that is missing before it.
 */
export class FrameAssembler {
  readonly #depacketize: Depacketizer;
  readonly #sequence = new ExtendedSequence();
  readonly #packets = new Map<number, MediaPacket>();
  readonly #missing = new Map<number, Missing>();
  /** The packet that has to come next. */
  #next: number | undefined;
  #needsKeyFrame = true;
  #framesLost = 0;
  #stale = 0;

  constructor(depacketize: Depacketizer) {
    this.#depacketize = depacketize;
  }

  /** Whether nothing can be given out before a key frame comes. */
  get needsKeyFrame(): boolean {
    return this.#needsKeyFrame;
  }

  /** Pictures that were left out because of loss. */
  get framesLost(): number {
    return this.#framesLost;
  }

  /** Takes a packet; returns the pictures that it completes. */
  add(packet: MediaPacket, now: number): AssembledFrame[] {
    const before = this.#sequence.highest;
    if (before !== undefined) {
      const position = this.#sequence.locate(packet.sequenceNumber);
      const isPast = position < (this.#next ?? position) || this.#packets.has(position);
      this.#stale = isPast ? this.#stale + 1 : 0;
      if (Math.abs(position - before) > MAX_JUMP || this.#stale > MAX_STALE) this.restart();
      else if (isPast) return [];
    }
    const position = this.#sequence.extend(packet.sequenceNumber);
    this.#next ??= position;
    this.#noteMissing(Math.max(this.#next, (before ?? position) + 1), { end: position, now });
    return this.#keep(position, packet);
  }

  /** Takes a packet that was sent again; returns the pictures that it completes. One that is not missing changes nothing. */
  repair(packet: MediaPacket): AssembledFrame[] {
    const position = this.#sequence.locate(packet.sequenceNumber);
    return this.#missing.has(position) ? this.#keep(position, packet) : [];
  }

  /**
   * Looks at what is missing: says which sequence numbers to ask for now, and gives up what has been missing for too long,
   * which may set pictures behind it free.
   */
  poll(now: number): { readonly ask: readonly number[]; readonly frames: readonly AssembledFrame[] } {
    const expired = [...this.#missing].filter(([, { since }]) => now - since > GIVE_UP).map(([position]) => position);
    if (expired.length > 0) this.#goOnAt(Math.max(...expired) + 1);
    const frames = expired.length > 0 ? this.#complete() : [];
    const ask: number[] = [];
    for (const [position, state] of this.#missing) {
      if (now - state.since < REORDER_TIME || now - state.askedAt < ASK_INTERVAL) continue;
      state.askedAt = now;
      ask.push(position & 0xffff);
    }
    return { ask, frames };
  }

  /** Forgets everything: another stream comes. */
  restart(): void {
    this.#sequence.reset();
    this.#packets.clear();
    this.#missing.clear();
    this.#next = undefined;
    this.#needsKeyFrame = true;
    this.#stale = 0;
  }

  /** Gives out nothing more before a key frame: what was given out last did not decode. */
  demandKeyFrame(): void {
    this.#needsKeyFrame = true;
  }

  #noteMissing(begin: number, { end, now }: { end: number; now: number }): void {
    for (let position = begin; position < end; position++) {
      if (!this.#packets.has(position) && !this.#missing.has(position)) {
        this.#missing.set(position, { since: now, askedAt: Number.NEGATIVE_INFINITY });
      }
    }
  }

  #keep(position: number, packet: MediaPacket): AssembledFrame[] {
    this.#packets.set(position, packet);
    this.#missing.delete(position);
    if (this.#missing.size > MAX_MISSING) this.#goOnAt(Math.max(...this.#missing.keys()) + 1);
    if (this.#packets.size > MAX_PACKETS) this.#goOnAt((this.#sequence.highest ?? position) + 1);
    if (this.#missing.size > 0) this.#jumpToKeyFrame(position);
    return this.#complete();
  }

  /** Goes on with the picture at a position when it is a whole key frame. */
  #jumpToKeyFrame(position: number): void {
    const timestamp = this.#packets.get(position)?.timestamp;
    const isSame = (at: number) => this.#packets.get(at)?.timestamp === timestamp;
    const isLast = (at: number) => this.#packets.get(at)?.marker === true;
    let begin = position;
    while (isSame(begin - 1) && !isLast(begin - 1)) begin--;
    let end = position;
    while (isSame(end + 1) && !isLast(end)) end++;
    if (begin === this.#next || !isLast(end)) return;
    if (this.#depacketize(this.#payloads(begin, end))?.key === true) this.#goOnAt(begin);
  }

  /** Takes whole pictures from the front as far as no packet is missing. */
  #complete(): AssembledFrame[] {
    const frames: AssembledFrame[] = [];
    for (let end = this.#endOfFrame(); end !== undefined; end = this.#endOfFrame()) {
      const payloads = this.#take(end);
      if (payloads.length === 0) continue;
      const frame = this.#depacketize(payloads);
      if (frame !== null && (frame.key || !this.#needsKeyFrame)) {
        this.#needsKeyFrame = false;
        frames.push(frame);
      } else {
        this.#needsKeyFrame = true;
        this.#framesLost++;
      }
    }
    return frames;
  }

  /** Position of the last packet of the picture at the front; undefined while it is not whole. */
  #endOfFrame(): number | undefined {
    const first = this.#next;
    const begin = first === undefined ? undefined : this.#packets.get(first);
    if (first === undefined || begin === undefined) return undefined;
    if (begin.payload.length === 0) return first;
    for (let position = first; position - first < MAX_PACKETS; position++) {
      const packet = this.#packets.get(position);
      if (packet === undefined) return undefined;
      if (packet.timestamp !== begin.timestamp) return position - 1;
      if (packet.marker) return position;
    }
    return undefined;
  }

  #take(end: number): Uint8Array[] {
    const begin = this.#next ?? end;
    const payloads = this.#payloads(begin, end);
    for (let position = begin; position <= end; position++) this.#packets.delete(position);
    this.#next = end + 1;
    return payloads;
  }

  #payloads(begin: number, end: number): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    for (let position = begin; position <= end; position++) {
      const payload = this.#packets.get(position)?.payload;
      if (payload !== undefined && payload.length > 0) payloads.push(payload);
    }
    return payloads;
  }

  /**
   * Gives up everything before a position. What follows may be the rest of a picture: as only a key frame is given out
   * next, which is known by its beginning, that does no harm.
   */
  #goOnAt(next: number): void {
    for (const position of this.#packets.keys()) if (position < next) this.#packets.delete(position);
    for (const position of this.#missing.keys()) if (position < next) this.#missing.delete(position);
    this.#needsKeyFrame = true;
    this.#framesLost++;
    this.#next = next;
  }
}
