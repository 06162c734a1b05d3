/**
 * Largest RTP payload in bytes: 1200 bytes of UDP, which every path carries, less the RTP header (12), its extensions
 * (12), the SRTP tag (16) and the original sequence number of a retransmission (2).
 */
export const MAX_RTP_PAYLOAD = 1158;

/** Cuts the access units of one track into RTP payloads, in order. */
export interface RtpPacketizer {
  /** The payloads of one access unit; the last one gets the marker bit. Empty when there is nothing to send. */
  packetize(accessUnit: Uint8Array, maxPayload: number): Uint8Array[];
}
