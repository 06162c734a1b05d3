import type { Buffer } from "node:buffer";
import type { RTCSctpTransport } from "werift";
import { TaskScope } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";

/** Bytes before the first chunk of a packet (RFC 9260, section 3.1). */
const HEADER_BYTES = 12;
const SACK = 3;
/** Bytes before the parameters, of the chunks that have some (RFC 9260, section 3.3; RFC 6525, section 3.1). */
const PARAMETERS_AT: ReadonlyMap<number, number> = new Map([[1, 20], [2, 20], [4, 4], [6, 4], [9, 4], [130, 4]]);
/** TSNs that the gaps of one acknowledgement may cover; more are never under way. */
const MAX_GAPS = 16_384;
/** Bytes beyond what was allowed that are put up with: pieces may cross on the way with what takes the leave back. */
const MAX_BEYOND = 65_536;
/** Pieces that may wait for one before them. */
const MAX_OUT_OF_ORDER = 4096;

/** The parts of werift's SCTP used here; they are public there but not in its exported types. */
interface SctpInternals {
  handleData: (packet: Buffer) => Promise<void>;
  receive: (stream: number, protocol: number, data: Buffer) => void;
  /** Bytes that the other side may still send; below zero when it sends more than that. */
  readonly advertisedRwnd: number;
  readonly sackMisOrdered: ReadonlySet<number>;
}

/** What reads messages and the opening of channels (RFC 8832). */
interface Reader {
  readonly datachannelReceive: (stream: number, protocol: number, data: Buffer) => Promise<void>;
}

/** What a guard is made from. */
export interface SctpGuardOptions {
  readonly log: Log;
  /** The viewer floods; it is heard no more. */
  readonly flooded: (reason: string) => void;
}

/**
 * Keeps one viewer's packets and messages from ending the server. What werift throws while it reads them is a rejection that
 * nobody handles, which ends the process; a chunk or a parameter whose length is 0 keeps it reading for ever; and it keeps
 * any number of pieces of messages that never become whole.
 */
export function guardSctp(transport: RTCSctpTransport, { log, flooded }: SctpGuardOptions): void {
  const sctp = transport.sctp as unknown as SctpInternals;
  const reader = transport as unknown as Reader;
  const tasks = new TaskScope(log, (_name, error) => log.debug(`SCTP was not understood: ${messageOf(error)}`));
  const handle = sctp.handleData.bind(sctp);
  let isFlooded = false;
  sctp.handleData = (packet) => {
    if (isFlooded) return Promise.resolve();
    if (!isWellFormed(packet)) {
      log.debug("a malformed SCTP packet was dropped");
      return Promise.resolve();
    }
    tasks.run("reading a packet", () => handle(packet));
    isFlooded = sctp.advertisedRwnd < -MAX_BEYOND || sctp.sackMisOrdered.size > MAX_OUT_OF_ORDER;
    if (isFlooded) flooded("the viewer sent more than it was allowed to on its DataChannel");
    return Promise.resolve();
  };
  sctp.receive = (stream, protocol, data) => {
    tasks.run("reading a message", () => reader.datachannelReceive(stream, protocol, data));
  };
}

/** Whether chunks and parameters have lengths that lead on and stay within (RFC 9260, section 3.2). */
export function isWellFormed(packet: Uint8Array): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let position = HEADER_BYTES;
  while (position + 4 <= packet.length) {
    const type = view.getUint8(position);
    const length = view.getUint16(position + 2);
    const end = position + length;
    if (length < 4 || end > packet.length) return false;
    const parameters = PARAMETERS_AT.get(type);
    if (parameters !== undefined && !parametersLeadOn(view, { from: position + parameters, end })) return false;
    if (type === SACK && !gapsAreSmall(view, { from: position + 4, end })) return false;
    position += padded(length);
  }
  return position >= packet.length && packet.length > HEADER_BYTES;
}

function parametersLeadOn(view: DataView, { from, end }: { from: number; end: number }): boolean {
  let position = from;
  while (position + 4 <= end) {
    const length = view.getUint16(position + 2);
    if (length < 4 || position + length > end) return false;
    position += padded(length);
  }
  return true;
}

function gapsAreSmall(view: DataView, { from, end }: { from: number; end: number }): boolean {
  if (from + 12 > end) return false;
  const gaps = view.getUint16(from + 8);
  const duplicates = view.getUint16(from + 10);
  if (from + 12 + 4 * (gaps + duplicates) > end) return false;
  let covered = 0;
  for (let position = from + 12; position < from + 12 + 4 * gaps; position += 4) {
    covered += Math.max(0, view.getUint16(position + 2) - view.getUint16(position)) + 1;
  }
  return covered <= MAX_GAPS;
}

function padded(length: number): number {
  return length + 3 & ~3;
}
