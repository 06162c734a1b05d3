import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";

/** Types of STUN attributes used here (RFC 8489, section 14). */
export const USERNAME = 0x0006;
export const MESSAGE_INTEGRITY = 0x0008;

/** What a STUN packet is made of. */
export interface StunFields {
  /** Type of the message; a binding request by default. */
  readonly type?: number;
  /** Twelve bytes in hex. */
  readonly transaction?: string;
  /** Attributes in their order. */
  readonly attributes?: readonly { readonly type: number; readonly value: Uint8Array | string }[];
  /** Signs it with that password (RFC 8489, section 14.5). */
  readonly password?: string;
}

/** The type of a successful binding response. */
export const BINDING_RESPONSE = 0x0101;
const BINDING_REQUEST = 0x0001;
const COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const SIGNATURE_BYTES = 24;

/** Writes a STUN packet (RFC 8489, section 5), by other means than the library that reads it. */
export function stunPacket(fields: StunFields = {}): Buffer {
  const { type = BINDING_REQUEST, transaction = "000102030405060708090a0b", attributes = [], password } = fields;
  const parts = attributes.map(({ type, value }) => attribute(type, Buffer.from(value)));
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(body.length + (password === undefined ? 0 : SIGNATURE_BYTES), 2);
  header.writeUInt32BE(COOKIE, 4);
  header.write(transaction, 8, "hex");
  const unsigned = Buffer.concat([header, body]);
  if (password === undefined) return unsigned;
  const digest = createHmac("sha1", password).update(unsigned).digest();
  return Buffer.concat([unsigned, attribute(MESSAGE_INTEGRITY, digest)]);
}

/** A connectivity check that names two fragments, the receiver's first (RFC 8445, section 7.2.2). */
export function connectivityCheck(
  { local, remote = "theirs", password, transaction }: {
    local: string;
    remote?: string;
    password?: string;
    transaction?: string;
  },
): Buffer {
  return stunPacket({
    attributes: [{ type: USERNAME, value: `${local}:${remote}` }],
    ...(password === undefined ? {} : { password }),
    ...(transaction === undefined ? {} : { transaction }),
  });
}

/** One attribute, padded to four bytes. */
function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}
