import { createHmac, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { parseMessage } from "werift";
import { type Clock, sleep } from "../async/mod.ts";
import { DatagramSocket } from "./datagram_socket.ts";
import { type Address, isStun, plainAddress, transactionOf } from "./ice_socket.ts";

/** The credentials of a connectivity check: `theirs:ours` and their password (RFC 8445, section 7.2.2). */
export interface CheckCredentials {
  readonly username: string;
  readonly password: string;
}

/** What a binding request asks and how large it is. */
export interface BindingOptions {
  /** Signs it, as candidates answer nothing else. */
  readonly credentials?: CheckCredentials;
  /** Size to fill it up to, in bytes. */
  readonly bytes?: number;
}

/** An answer to a binding request. */
export interface BindingReply {
  /** Where the answering side sees us; null when it refused the request. */
  readonly mapped: Address | null;
  /** STUN error code; null when it was answered well. */
  readonly errorCode: number | null;
  /** Round trip in seconds. */
  readonly seconds: number;
}

/** How long to wait for answers. */
export interface ProbeTiming {
  readonly clock: Clock;
  /** Seconds. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

const BINDING_REQUEST = 0x0001;
const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const PRIORITY = 0x0024;
const FINGERPRINT = 0x8028;
const ICE_CONTROLLING = 0x802a;
/** Nobody knows it, and who does not know it passes it over (RFC 8489, section 14). */
const FILLER = 0xfffe;
const FINGERPRINT_XOR = 0x5354554e;
const INTEGRITY_BYTES = 24;
const FINGERPRINT_BYTES = 8;
/** Of a peer-reflexive candidate, so that a check that succeeds never goes before a real pair. */
const CHECK_PRIORITY = 0x00ffffff;
/** Seconds until a request is sent again; doubled each time (RFC 8489, section 6.2.1). */
const FIRST_RETRY = 0.25;

/** Writes a binding request (RFC 8489, section 5). */
export function bindingRequest({ credentials, bytes = 0 }: BindingOptions = {}): Buffer {
  const parts: Buffer[] = [];
  if (credentials !== undefined) {
    const priority = Buffer.alloc(4);
    priority.writeUInt32BE(CHECK_PRIORITY);
    parts.push(attribute(USERNAME, Buffer.from(credentials.username)));
    parts.push(attribute(PRIORITY, priority), attribute(ICE_CONTROLLING, randomBytes(8)));
  }
  const tail = credentials === undefined ? 0 : INTEGRITY_BYTES + FINGERPRINT_BYTES;
  const missing = bytes - HEADER_BYTES - lengthOf(parts) - tail - 4;
  if (missing >= 0) parts.push(attribute(FILLER, Buffer.alloc(missing - missing % 4)));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(BINDING_REQUEST, 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  randomBytes(12).copy(header, 8);
  if (credentials === undefined) return withLength(Buffer.concat([header, ...parts]), 0);
  const unsigned = withLength(Buffer.concat([header, ...parts]), INTEGRITY_BYTES);
  const digest = createHmac("sha1", credentials.password).update(unsigned).digest();
  const signed = withLength(Buffer.concat([unsigned, attribute(MESSAGE_INTEGRITY, digest)]), FINGERPRINT_BYTES);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE((crc32(signed) ^ FINGERPRINT_XOR) >>> 0);
  return Buffer.concat([signed, attribute(FINGERPRINT, checksum)]);
}

/** One UDP port that asks STUN servers and candidates, so that their answers can be compared. */
export class StunProbe implements AsyncDisposable {
  readonly #socket: DatagramSocket;
  readonly #waiting = new Map<string, (data: Buffer) => void>();

  constructor({ family }: { family: 4 | 6 }) {
    this.#socket = new DatagramSocket({ family, port: 0 });
    this.#socket.onData = (data) => {
      if (isStun(data)) this.#waiting.get(transactionOf(data))?.(data);
    };
  }

  /** Port it sends from. */
  get port(): number {
    return this.#socket.port;
  }

  /** Asks until an answer comes; null when none came in time. */
  async ask(address: Address, options: BindingOptions & ProbeTiming): Promise<BindingReply | null> {
    const { clock, limit, credentials } = options;
    const request = bindingRequest(options);
    const transaction = transactionOf(request);
    const found = Promise.withResolvers<BindingReply | null>();
    const stop = new AbortController();
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
    let sentAt = clock.now();
    this.#waiting.set(transaction, (data) => {
      const reply = readReply(data, { credentials, seconds: clock.now() - sentAt });
      if (reply !== null) found.resolve(reply);
    });
    const sending = (async () => {
      for (let wait = FIRST_RETRY; !signal.aborted; wait *= 2) {
        sentAt = clock.now();
        await this.#socket.send(request, address);
        await sleep(clock, wait, signal);
      }
    })();
    const waiting = sleep(clock, limit, signal).then(() => null);
    try {
      return await Promise.race([found.promise, waiting]);
    } finally {
      this.#waiting.delete(transaction);
      stop.abort();
      await sending;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket.close();
  }
}

/**
 * Sends a signed connectivity check to a passive TCP candidate (RFC 6544), each packet behind its length (RFC 4571).
 *
 * @returns null when no answer came in time
 * @throws Error of the system when there is no connection
 */
export async function checkOverTcp(
  [hostname, port]: Address,
  { credentials, clock, limit, signal }: { credentials: CheckCredentials } & ProbeTiming,
): Promise<BindingReply | null> {
  const stop = new AbortController();
  const signals = signal === undefined ? [stop.signal] : [stop.signal, signal];
  using _timer = clock.schedule(limit, () => stop.abort());
  let connection: Deno.TcpConn;
  try {
    connection = await Deno.connect({ hostname, port, signal: AbortSignal.any(signals) });
  } catch (error) {
    if (signals.some(({ aborted }) => aborted)) return null;
    throw error;
  }
  const begun = clock.now();
  const waiting = sleep(clock, limit, AbortSignal.any(signals)).then(() => null);
  try {
    const request = bindingRequest({ credentials });
    const answered = exchange(connection, request).then((data) => {
      return data === null ? null : readReply(data, { credentials, seconds: clock.now() - begun });
    });
    // When time is up the connection is closed under it.
    answered.catch(() => undefined);
    return await Promise.race([answered, waiting]);
  } finally {
    stop.abort();
    connection.close();
  }
}

/** Sends one framed packet and reads until the answer to it has come; null when the other side closes before. */
async function exchange(connection: Deno.TcpConn, request: Buffer): Promise<Buffer | null> {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(request.length);
  const frame = Buffer.concat([length, request]);
  for (let at = 0; at < frame.length;) at += await connection.write(frame.subarray(at));
  const room = new Uint8Array(4096);
  let rest = Buffer.alloc(0);
  for (let count = await connection.read(room); count !== null; count = await connection.read(room)) {
    rest = Buffer.concat([rest, room.subarray(0, count)]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      const data = rest.subarray(2, end);
      // The other side sends checks of its own over the same connection.
      if (isStun(data) && transactionOf(data) === transactionOf(request)) return data;
      rest = rest.subarray(end);
    }
  }
  return null;
}

/** What an answer says; null when it cannot be read or was not signed although it must be. */
function readReply(
  data: Buffer,
  { credentials, seconds }: { credentials: CheckCredentials | undefined; seconds: number },
): BindingReply | null {
  const plain = parseMessage(data);
  if (plain === undefined) return null;
  const errorCode = plain.getAttributeValue("ERROR-CODE")?.[0] ?? null;
  if (errorCode !== null) return { mapped: null, errorCode, seconds };
  const message = credentials === undefined ? plain : parseMessage(data, Buffer.from(credentials.password));
  const mapped = message?.getAttributeValue("XOR-MAPPED-ADDRESS") ?? message?.getAttributeValue("MAPPED-ADDRESS");
  return mapped === undefined ? null : { mapped: [plainAddress(mapped[0]), mapped[1]], errorCode, seconds };
}

function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}

function lengthOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Sets the length in the header to what is there and what will follow. */
function withLength(packet: Buffer, following: number): Buffer {
  packet.writeUInt16BE(packet.length - HEADER_BYTES + following, 2);
  return packet;
}
