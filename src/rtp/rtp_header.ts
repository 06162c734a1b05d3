/** An RTP header extension element, one-byte form: id 1–14, at most 16 bytes (RFC 8285, section 4.2). */
export interface HeaderExtension {
  readonly id: number;
  readonly data: Uint8Array;
}

/** The fields of an RTP header that change from packet to packet. */
export interface RtpHeaderFields {
  readonly marker: boolean;
  readonly payloadType: number;
  /** 16 bits. */
  readonly sequenceNumber: number;
  /** 32 bits. */
  readonly timestamp: number;
  /** 32 bits. */
  readonly ssrc: number;
}

const ONE_BYTE_PROFILE = 0xbede;

/** Lays the extension block out once; it is the same for every packet of a track. */
export function headerExtensionBlock(extensions: readonly HeaderExtension[]): Uint8Array {
  if (extensions.length === 0) return new Uint8Array(0);
  const length = extensions.reduce((sum, extension) => sum + 1 + extension.data.length, 0);
  const words = Math.ceil(length / 4);
  const block = new Uint8Array(4 + words * 4);
  block[0] = ONE_BYTE_PROFILE >> 8;
  block[1] = ONE_BYTE_PROFILE & 0xff;
  block[2] = words >> 8;
  block[3] = words & 0xff;
  let at = 4;
  for (const { id, data } of extensions) {
    block[at] = (id << 4) | (data.length - 1);
    block.set(data, at + 1);
    at += 1 + data.length;
  }
  return block;
}

/** Bytes of a header with that extension block. */
export function rtpHeaderBytes(extensionBlock: Uint8Array): number {
  return 12 + extensionBlock.length;
}

/** Writes an RTP header (RFC 3550, section 5.1) to the beginning of `target`. */
export function writeRtpHeader(target: Uint8Array, fields: RtpHeaderFields, extensionBlock: Uint8Array): void {
  target[0] = 0x80 | (extensionBlock.length > 0 ? 0x10 : 0);
  target[1] = (fields.marker ? 0x80 : 0) | fields.payloadType;
  target[2] = fields.sequenceNumber >> 8;
  target[3] = fields.sequenceNumber & 0xff;
  writeUint32(target, 4, fields.timestamp);
  writeUint32(target, 8, fields.ssrc);
  target.set(extensionBlock, 12);
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = (value >>> 16) & 0xff;
  target[at + 2] = (value >>> 8) & 0xff;
  target[at + 3] = value & 0xff;
}
