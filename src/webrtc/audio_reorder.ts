import { ExtendedSequence, type MediaPacket } from "../rtp/mod.ts";

/** Packets for which a late one is waited for: 60 ms. */
const WINDOW = 3;
/** A gap longer than this is a pause of the sender, not loss. */
const MAX_GAP = 10;
/** So many packets in a row that are past already are a new beginning. */
const MAX_STALE = 10;

/** Puts sound packets in order; what has not come when three later ones are there is lost. */
export class AudioReorder {
  readonly #sequence = new ExtendedSequence();
  readonly #waiting = new Map<number, Uint8Array>();
  #next: number | undefined;
  #stale = 0;

  /** Takes a packet; returns what is due now in order, null for each one lost. */
  add({ sequenceNumber, payload }: Pick<MediaPacket, "sequenceNumber" | "payload">): (Uint8Array | null)[] {
    const isPast = this.#next !== undefined && this.#sequence.locate(sequenceNumber) < this.#next;
    this.#stale = isPast ? this.#stale + 1 : 0;
    if (this.#stale > MAX_STALE) this.reset();
    else if (isPast) return [];
    const position = this.#sequence.extend(sequenceNumber);
    this.#next ??= position;
    this.#waiting.set(position, payload);
    const due: (Uint8Array | null)[] = [];
    if (position - this.#next > MAX_GAP) this.#next = Math.min(...this.#waiting.keys());
    while (this.#waiting.size > 0) {
      const data = this.#waiting.get(this.#next);
      if (data === undefined && this.#waiting.size <= WINDOW) break;
      this.#waiting.delete(this.#next++);
      if (data === undefined || data.length > 0) due.push(data ?? null);
    }
    return due;
  }

  /** Begins anew. */
  reset(): void {
    this.#sequence.reset();
    this.#waiting.clear();
    this.#next = undefined;
    this.#stale = 0;
  }
}
