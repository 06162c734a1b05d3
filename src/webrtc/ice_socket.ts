import { parseMessage } from "werift";

/** Host and port. */
export type Address = readonly [string, number];

/** A socket as werift's STUN protocol uses it, whatever carries the packets. */
export interface IceSocket {
  readonly type: string;
  /** Takes each packet; set by whoever reads. */
  onData: (data: Buffer, address: Address) => void;
  readonly closed: boolean;
  /** Where it is bound. */
  readonly address: { readonly address: string; readonly port: number; readonly family: string };
  /** Family in which names of STUN servers are looked up; 0 for any. */
  readonly addressFamily: 0 | 4 | 6;
  readonly host: string;
  readonly port: number;
  /** Sends one packet. One that the system refuses is lost, as any packet may be. */
  send(data: Uint8Array, address: Address): Promise<void>;
  close(): Promise<void>;
}

/** The passwords of one connection by username fragment, those before an ICE restart included. */
export type IceCredentials = () => Readonly<Record<string, string>>;

const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const USERNAME = 0x0006;
const CLASS_MASK = 0x0110;
const REQUEST = 0x0000;

/** Whether a packet is STUN: first byte 0–3 (RFC 7983, section 7) and the magic cookie (RFC 8489, section 5). */
export function isStun(data: Uint8Array): boolean {
  if (data.length < HEADER_BYTES || (data[0] ?? 255) > 3) return false;
  return new DataView(data.buffer, data.byteOffset).getUint32(4) === MAGIC_COOKIE;
}

/** Whether a STUN packet is a request. */
export function isStunRequest(data: Uint8Array): boolean {
  return (((data[0] ?? 0) << 8 | (data[1] ?? 0)) & CLASS_MASK) === REQUEST;
}

/** The transaction id of a STUN packet, in hex. */
export function transactionOf(data: Uint8Array): string {
  return data.subarray(8, HEADER_BYTES).toHex();
}

/** The first half of a connectivity check's USERNAME: the fragment of whoever gets it (RFC 8445, section 7.2.2). */
export function localFragmentOf(data: Uint8Array): string | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = HEADER_BYTES; at + 4 <= data.length;) {
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    const end = at + 4 + length;
    if (end > data.length) return undefined;
    if (type === USERNAME) return new TextDecoder().decode(data.subarray(at + 4, end)).split(":")[0];
    at = (end + 3) & ~3;
  }
  return undefined;
}

/**
 * Whether a connectivity check was signed with our password (RFC 8445, section 7.3). werift answers any that names a
 * fragment, so that whoever saw one could turn the stream elsewhere.
 */
export function isSigned(data: Buffer, passwords: Readonly<Record<string, string>>): boolean {
  const fragment = localFragmentOf(data);
  const password = fragment !== undefined && Object.hasOwn(passwords, fragment) ? passwords[fragment] : undefined;
  if (password === undefined) return false;
  try {
    return parseMessage(data, Buffer.from(password, "utf8")) !== undefined;
  } catch {
    // What cannot be read was not signed.
    return false;
  }
}

/** An IPv4 address that came over an IPv6 socket, as it is written elsewhere (RFC 4291, section 2.5.5.2). */
export function plainAddress(host: string): string {
  return host.startsWith("::ffff:") ? host.slice("::ffff:".length) : host;
}

/** Refusals that say something about the way or the other side, not about the socket. */
export function isLoss(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NetworkUnreachable ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.InvalidData ||
    (error instanceof Error && /os error (1|11|22|90|97|99|101|105|113)\b/.test(error.message));
}
