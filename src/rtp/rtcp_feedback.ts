import type { ReceptionReport } from "./reception.ts";
import {
  APPLICATION_LAYER,
  GENERIC_NACK,
  PAYLOAD_FEEDBACK,
  PICTURE_LOSS,
  RECEIVER_REPORT,
  REMB,
  rtcpPacket,
  TRANSPORT_FEEDBACK,
} from "./rtcp_header.ts";

/** Who says it and about whom: SSRCs. */
export interface FeedbackParties {
  readonly from: number;
  readonly about: number;
}

/** A receiver report (RFC 3550, section 6.4.2). */
export function writeReceiverReport(from: number, reports: readonly ReceptionReport[]): Uint8Array {
  const { data, view } = rtcpPacket({ type: RECEIVER_REPORT, format: reports.length, bytes: 8 + reports.length * 24 });
  view.setUint32(4, from);
  for (const [index, report] of reports.entries()) {
    const at = 8 + index * 24;
    view.setUint32(at, report.ssrc);
    const lost = Math.min(report.packetsLost, 0x7fffff);
    view.setUint32(at + 4, (Math.min(255, Math.floor(report.fractionLost * 256)) << 24) | lost);
    view.setUint32(at + 8, report.highestSequence >>> 0);
    view.setUint32(at + 12, report.jitter >>> 0);
    view.setUint32(at + 16, report.lastReport >>> 0);
    view.setUint32(at + 20, Math.round(report.delaySinceLastReport * 65536) >>> 0);
  }
  return data;
}

/** A generic NACK (RFC 4585, section 6.2.1). The sequence numbers are in ascending order, a wrap included. */
export function writeNack({ from, about }: FeedbackParties, lost: readonly number[]): Uint8Array {
  const entries: { first: number; mask: number }[] = [];
  for (const sequenceNumber of lost) {
    const last = entries.at(-1);
    const step = last === undefined ? 0 : (sequenceNumber - last.first) & 0xffff;
    if (last !== undefined && step >= 1 && step <= 16) last.mask |= 1 << (step - 1);
    else entries.push({ first: sequenceNumber, mask: 0 });
  }
  const { data, view } = rtcpPacket({ type: TRANSPORT_FEEDBACK, format: GENERIC_NACK, bytes: 12 + entries.length * 4 });
  view.setUint32(4, from);
  view.setUint32(8, about);
  for (const [index, { first, mask }] of entries.entries()) {
    view.setUint16(12 + index * 4, first);
    view.setUint16(14 + index * 4, mask);
  }
  return data;
}

/** A picture loss indication (RFC 4585, section 6.3.1). */
export function writePli({ from, about }: FeedbackParties): Uint8Array {
  const { data, view } = rtcpPacket({ type: PAYLOAD_FEEDBACK, format: PICTURE_LOSS, bytes: 12 });
  view.setUint32(4, from);
  view.setUint32(8, about);
  return data;
}

/** A receiver's estimate of what the path carries, in bit/s (draft-alvestrand-rmcat-remb-03, section 2.2). */
export function writeRemb({ from, about }: FeedbackParties, bitrate: number): Uint8Array {
  const { data, view } = rtcpPacket({ type: PAYLOAD_FEEDBACK, format: APPLICATION_LAYER, bytes: 24 });
  view.setUint32(4, from);
  view.setUint32(8, 0);
  view.setUint32(12, REMB);
  let mantissa = Math.round(bitrate);
  let exponent = 0;
  while (mantissa > 0x3ffff) {
    mantissa = Math.floor(mantissa / 2);
    exponent++;
  }
  view.setUint8(16, 1);
  view.setUint8(17, (exponent << 2) | (mantissa >> 16));
  view.setUint16(18, mantissa & 0xffff);
  view.setUint32(20, about);
  return data;
}
