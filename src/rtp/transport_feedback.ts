import type { FeedbackParties } from "./rtcp_feedback.ts";
import { rtcpPacket, TRANSPORT_FEEDBACK, TRANSPORT_WIDE } from "./rtcp_header.ts";

const HEADER_BYTES = 20;
/** Seconds of one step of the reference time. */
const REFERENCE_STEP = 0.064;
/** Steps of 250 µs in a second. */
const DELTA_STEPS = 4000;
/** Beyond half the number space nobody could say which packets are meant. */
const MAX_PACKETS = 0x8000;
const SMALL_DELTA = 1;
const LARGE_DELTA = 2;

/** Seconds after which arrival times begin anew, 24 bits of 64 ms. */
export const ARRIVAL_PERIOD = 2 ** 24 * REFERENCE_STEP;

/** What the receiver says about one packet. */
export interface PacketArrival {
  /** Transport-wide sequence number, 16 bits. */
  readonly sequence: number;
  /** Seconds on the receiver's clock, which begins anywhere; null: not there when this was written. */
  readonly arrival: number | null;
}

/** Which of a row of packets arrived, and when. */
export interface TransportFeedback {
  /** Transport-wide sequence number of the first packet. */
  readonly baseSequence: number;
  /** In the order of sending, without gaps. */
  readonly packets: readonly PacketArrival[];
}

/**
 * Reads transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1);
 * null when it is malformed.
 *
 * @param packet one RTCP packet with its header, without padding
 */
export function readTransportFeedback(packet: DataView): TransportFeedback | null {
  if (packet.byteLength < HEADER_BYTES) return null;
  const baseSequence = packet.getUint16(12);
  const count = packet.getUint16(14);
  if (count === 0 || count > MAX_PACKETS) return null;
  const symbols = new Uint8Array(count);
  const deltasAt = readSymbols(packet, symbols);
  if (deltasAt === null) return null;
  // Eight bits of feedback count follow the signed 24 of the reference time.
  const reference = (packet.getInt32(16) >> 8) * REFERENCE_STEP;
  const packets = readArrivals(packet, { at: deltasAt, symbols, reference, baseSequence });
  return packets === null ? null : { baseSequence, packets };
}

/** Fills in one symbol a packet from the chunks; gives where the deltas begin, null when chunks are missing. */
function readSymbols(packet: DataView, symbols: Uint8Array): number | null {
  let at = HEADER_BYTES;
  for (let known = 0; known < symbols.length; at += 2) {
    if (at + 2 > packet.byteLength) return null;
    const chunk = packet.getUint16(at);
    if ((chunk & 0x8000) === 0) {
      const length = chunk & 0x1fff;
      if (length === 0) return null;
      symbols.fill((chunk >> 13) & 3, known, known + length);
      known += length;
    } else if ((chunk & 0x4000) === 0) {
      for (let bit = 13; bit >= 0 && known < symbols.length; bit--) symbols[known++] = (chunk >> bit) & 1;
    } else {
      for (let bit = 12; bit >= 0 && known < symbols.length; bit -= 2) symbols[known++] = (chunk >> bit) & 3;
    }
  }
  return at;
}

function readArrivals(
  packet: DataView,
  { at, symbols, reference, baseSequence }: {
    at: number;
    symbols: Uint8Array;
    reference: number;
    baseSequence: number;
  },
): PacketArrival[] | null {
  const packets: PacketArrival[] = [];
  let steps = 0;
  for (const [index, symbol] of symbols.entries()) {
    const sequence = (baseSequence + index) & 0xffff;
    if (symbol === 0) {
      packets.push({ sequence, arrival: null });
      continue;
    }
    if (symbol === SMALL_DELTA) {
      if (at + 1 > packet.byteLength) return null;
      steps += packet.getUint8(at);
    } else if (symbol === LARGE_DELTA) {
      if (at + 2 > packet.byteLength) return null;
      steps += packet.getInt16(at);
    } else {
      return null;
    }
    at += symbol;
    packets.push({ sequence, arrival: reference + steps / DELTA_STEPS });
  }
  return packets;
}

/** Largest gap between two packets of one feedback that can be written, in seconds. */
export const MAX_ARRIVAL_GAP = 0x7fff / DELTA_STEPS;
/** Symbols of a chunk that has a place for each. */
const VECTOR_SYMBOLS = 7;
const MAX_RUN = 0x1fff;

/**
 * Writes transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1),
 * padded to whole words.
 *
 * @param feedback at most 65,535 packets; arrivals that follow each other are at most `MAX_ARRIVAL_GAP` apart
 * @param count number of this feedback, of which eight bits are sent
 */
export function writeTransportFeedback(
  { from, about }: FeedbackParties,
  { baseSequence, packets }: TransportFeedback,
  count: number,
): Uint8Array {
  const reference = Math.floor((packets.find(({ arrival }) => arrival !== null)?.arrival ?? 0) / REFERENCE_STEP);
  const deltas: number[] = [];
  let before = 0;
  const symbols = packets.map(({ arrival }) => {
    if (arrival === null) return 0;
    const steps = Math.round((arrival - reference * REFERENCE_STEP) * DELTA_STEPS);
    const delta = steps - before;
    before = steps;
    deltas.push(delta);
    return isSmall(delta) ? SMALL_DELTA : LARGE_DELTA;
  });
  const chunks = chunksOf(symbols);
  const used = HEADER_BYTES + 2 * chunks.length + deltas.reduce((sum, delta) => sum + (isSmall(delta) ? 1 : 2), 0);
  const bytes = 4 * Math.ceil(used / 4);
  const { data, view } = rtcpPacket({ type: TRANSPORT_FEEDBACK, format: TRANSPORT_WIDE, bytes });
  view.setUint32(4, from);
  view.setUint32(8, about);
  view.setUint16(12, baseSequence);
  view.setUint16(14, packets.length);
  view.setInt32(16, (reference << 8) | (count & 0xff));
  for (const [index, chunk] of chunks.entries()) view.setUint16(HEADER_BYTES + 2 * index, chunk);
  let at = HEADER_BYTES + 2 * chunks.length;
  for (const delta of deltas) {
    if (isSmall(delta)) view.setUint8(at++, delta);
    else {
      view.setInt16(at, delta);
      at += 2;
    }
  }
  if (bytes > used) {
    // The padding bit, and how much it is in the last byte (RFC 3550, section 6.4.1).
    view.setUint8(0, view.getUint8(0) | 0x20);
    view.setUint8(bytes - 1, bytes - used);
  }
  return data;
}

function isSmall(delta: number): boolean {
  return delta >= 0 && delta <= 0xff;
}

/** Runs where many packets had the same fate, two-bit vectors elsewhere (sections 3.1.3 and 3.1.4). */
function chunksOf(symbols: readonly number[]): number[] {
  const chunks: number[] = [];
  for (let at = 0; at < symbols.length;) {
    const symbol = symbols[at] ?? 0;
    let end = at + 1;
    while (end < symbols.length && end - at < MAX_RUN && symbols[end] === symbol) end++;
    const run = end - at;
    if (run >= VECTOR_SYMBOLS || end === symbols.length) {
      chunks.push((symbol << 13) | run);
      at = end;
      continue;
    }
    let chunk = 0xc000;
    for (let place = 0; place < VECTOR_SYMBOLS; place++) {
      chunk |= (symbols[at + place] ?? 0) << (2 * (VECTOR_SYMBOLS - 1 - place));
    }
    chunks.push(chunk);
    at += VECTOR_SYMBOLS;
  }
  return chunks;
}
