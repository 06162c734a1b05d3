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

interface Missing {
  readonly since: number;
  askedAt: number;
}

/**
 * Puts the packets of one picture track in order and gives out whole pictures, in decoding order, and nothing else. What is
 * missing can be asked for; what does not come in time costs everything up to the next key frame, so that no decoder ever
 * sees a picture whose reference it has not.
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
    let position = this.#sequence.extend(packet.sequenceNumber);
    if (before !== undefined && Math.abs(position - before) > MAX_JUMP) {
      this.#restart();
      position = this.#sequence.extend(packet.sequenceNumber);
    }
    this.#next ??= position;
    if (position < this.#next || this.#packets.has(position)) return [];
    this.#packets.set(position, packet);
    this.#missing.delete(position);
    this.#noteMissing(Math.max(this.#next, (before ?? position) + 1), { end: position, now });
    if (this.#packets.size > MAX_PACKETS || this.#missing.size > MAX_MISSING) this.#skip();
    return this.#complete();
  }

  /**
   * Looks at what is missing: says which sequence numbers to ask for now, and gives up what has been missing for too long,
   * which may set pictures behind it free.
   */
  poll(now: number): { readonly ask: readonly number[]; readonly frames: readonly AssembledFrame[] } {
    const [oldest] = this.#missing.values();
    const isGivenUp = oldest !== undefined && now - oldest.since > GIVE_UP;
    if (isGivenUp) this.#skip();
    const ask: number[] = [];
    for (const [position, state] of this.#missing) {
      if (now - state.since < REORDER_TIME || now - state.askedAt < ASK_INTERVAL) continue;
      state.askedAt = now;
      ask.push(position & 0xffff);
    }
    return { ask, frames: isGivenUp ? this.#complete() : [] };
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
    const payloads: Uint8Array[] = [];
    for (let position = this.#next ?? end; position <= end; position++) {
      const payload = this.#packets.get(position)?.payload;
      if (payload !== undefined && payload.length > 0) payloads.push(payload);
      this.#packets.delete(position);
    }
    this.#next = end + 1;
    return payloads;
  }

  /** Goes on behind the oldest gap; what hangs on it is lost up to the next key frame. */
  #skip(): void {
    this.#needsKeyFrame = true;
    const last = Math.max(...this.#missing.keys(), Number.NEGATIVE_INFINITY);
    const behind = [...this.#packets.keys()].filter((position) => position > last).sort((a, b) => a - b);
    // A picture that has begun before the gap's end cannot be whole: go on with the first one that begins behind it.
    const cut = behind.find((position, index) => {
      const previous = this.#packets.get(behind[index - 1] ?? Number.NaN);
      const packet = this.#packets.get(position);
      return previous !== undefined && (previous.marker || previous.timestamp !== packet?.timestamp);
    });
    const next = cut ?? (this.#sequence.highest ?? 0) + 1;
    for (const position of this.#packets.keys()) if (position < next) this.#packets.delete(position);
    this.#missing.clear();
    this.#framesLost++;
    this.#next = next;
  }

  #restart(): void {
    this.#sequence.reset();
    this.#packets.clear();
    this.#missing.clear();
    this.#next = undefined;
    this.#needsKeyFrame = true;
  }
}
