/** Packet types of RTCP (RFC 3550, section 12.1; RFC 4585, section 6.1). */
export const SENDER_REPORT = 200;
export const RECEIVER_REPORT = 201;
export const SOURCE_DESCRIPTION = 202;
export const BYE = 203;
export const TRANSPORT_FEEDBACK = 205;
export const PAYLOAD_FEEDBACK = 206;

/** Formats of feedback: of the transport (RFC 4585, section 6.2) and of the payload (section 6.3; RFC 5104, section 4.3). */
export const GENERIC_NACK = 1;
export const TRANSPORT_WIDE = 15;
export const PICTURE_LOSS = 1;
export const FULL_INTRA_REQUEST = 4;
export const APPLICATION_LAYER = 15;

/** `REMB`, by which the application layer feedback of that name is told (draft-alvestrand-rmcat-remb-03, section 2.2). */
export const REMB = 0x52454d42;

/** An empty RTCP packet with its header (RFC 3550, section 6.4.1); `bytes` is a multiple of four. */
export function rtcpPacket({ type, format, bytes }: { type: number; format: number; bytes: number }) {
  const data = new Uint8Array(bytes);
  const view = new DataView(data.buffer);
  view.setUint8(0, 0x80 | format);
  view.setUint8(1, type);
  view.setUint16(2, bytes / 4 - 1);
  return { data, view };
}
