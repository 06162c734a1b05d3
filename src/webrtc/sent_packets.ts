/** Packets remembered; a power of two. At 1000 packets a second feedback may be four seconds late. */
const CAPACITY = 4096;

/** What feedback adds to what was known of a packet. */
export type Outcome = "unknown" | "known" | "lost" | "arrived" | "arrived after all" | "confirmed";

/** The last packets that were sent with a transport-wide number, and what became of them. Nothing is allocated. */
export class SentPackets {
  readonly #sequences = new Int32Array(CAPACITY).fill(-1);
  readonly #sizes = new Uint16Array(CAPACITY);
  readonly #sentAt = new Float64Array(CAPACITY);
  /** NaN: nothing was heard of it; -Infinity: it was reported lost; Infinity: its feedback is missing. */
  readonly #arrivals = new Float64Array(CAPACITY);

  /** Remembers a packet that is being sent. */
  add({ sequence, at, bytes }: { sequence: number; at: number; bytes: number }): void {
    const place = sequence % CAPACITY;
    this.#sequences[place] = sequence;
    this.#sizes[place] = bytes;
    this.#sentAt[place] = at;
    this.#arrivals[place] = Number.NaN;
  }

  /** Bytes of a packet; 0 when it is forgotten. */
  sizeOf(sequence: number): number {
    return this.#knows(sequence) ? this.#sizes[sequence % CAPACITY] ?? 0 : 0;
  }

  /** When a packet was sent; NaN when it is forgotten. */
  sentAt(sequence: number): number {
    return this.#knows(sequence) ? this.#sentAt[sequence % CAPACITY] ?? Number.NaN : Number.NaN;
  }

  /** Whether feedback spoke of a packet. */
  isHeardOf(sequence: number): boolean {
    return this.#knows(sequence) && !Number.isNaN(this.#arrivals[sequence % CAPACITY]);
  }

  /** Notes the arrival of a packet, null for none. One that was lost may arrive later; one that arrived stays so. */
  note(sequence: number, arrival: number | null): Outcome {
    if (!this.#knows(sequence)) return "unknown";
    const before = this.#arrivals[sequence % CAPACITY] ?? Number.NaN;
    const isFirst = Number.isNaN(before);
    if (Number.isFinite(before) || (arrival === null && before < 0)) return "known";
    this.#arrivals[sequence % CAPACITY] = arrival ?? Number.NEGATIVE_INFINITY;
    if (arrival === null) return "lost";
    if (isFirst) return "arrived";
    return before > 0 ? "confirmed" : "arrived after all";
  }

  /**
   * Takes a packet whose feedback is missing for one that arrived; gives its bytes, 0 when it is forgotten or was heard
   * of. When its feedback comes after all, it is confirmed.
   */
  assume(sequence: number): number {
    if (!this.#knows(sequence) || this.isHeardOf(sequence)) return 0;
    this.#arrivals[sequence % CAPACITY] = Number.POSITIVE_INFINITY;
    return this.#sizes[sequence % CAPACITY] ?? 0;
  }

  /**
   * How fast a row of packets went out and came in, in bit/s, the first packet's own time left out; null unless most of
   * them, and at least four, arrived. `sent` is infinite when they left at one moment.
   */
  ratesOf({ first, last }: { first: number; last: number }): { sent: number; received: number } | null {
    const count = ((last - first) & 0xffff) + 1;
    let arrived = 0;
    let bytes = 0;
    let firstBytes = 0;
    let lastBytes = 0;
    let [firstSent, lastSent, firstArrival, lastArrival] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let index = 0; index < count; index++) {
      const sequence = (first + index) & 0xffff;
      const arrival = this.#knows(sequence) ? this.#arrivals[sequence % CAPACITY] ?? Number.NaN : Number.NaN;
      if (!Number.isFinite(arrival)) continue;
      const size = this.#sizes[sequence % CAPACITY] ?? 0;
      const sent = this.#sentAt[sequence % CAPACITY] ?? 0;
      arrived++;
      bytes += size;
      if (sent < firstSent) firstSent = sent;
      if (sent >= lastSent) [lastSent, lastBytes] = [sent, size];
      if (arrival < firstArrival) [firstArrival, firstBytes] = [arrival, size];
      if (arrival > lastArrival) lastArrival = arrival;
    }
    if (arrived < 4 || arrived < 0.8 * count || lastArrival <= firstArrival) return null;
    return {
      sent: (bytes - lastBytes) * 8 / (lastSent - firstSent),
      received: (bytes - firstBytes) * 8 / (lastArrival - firstArrival),
    };
  }

  #knows(sequence: number): boolean {
    return this.#sequences[sequence % CAPACITY] === sequence;
  }
}
