import {
  APPLICATION_LAYER,
  BYE,
  FULL_INTRA_REQUEST,
  GENERIC_NACK,
  PAYLOAD_FEEDBACK,
  PICTURE_LOSS,
  RECEIVER_REPORT,
  REMB,
  SENDER_REPORT,
  SOURCE_DESCRIPTION,
  TRANSPORT_FEEDBACK,
  TRANSPORT_WIDE,
} from "./rtcp_header.ts";
import { readTransportFeedback, type TransportFeedback } from "./transport_feedback.ts";

/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_EPOCH_OFFSET = 2_208_988_800;

/** What a receiver says about one of our streams (RFC 3550, section 6.4.1). */
export interface ReportBlock {
  readonly ssrc: number;
  /** Share of packets lost since the last report, 0–1. */
  readonly fractionLost: number;
  readonly packetsLost: number;
  /** Interarrival jitter in units of the RTP clock. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last sender report seen; 0 for none. */
  readonly lastReport: number;
  /** Seconds between that report's arrival and this one's sending. */
  readonly delaySinceLastReport: number;
}

/** One thing a compound RTCP packet says. */
export type RtcpReading =
  | { readonly kind: "report"; readonly block: ReportBlock }
  | { readonly kind: "nack"; readonly mediaSsrc: number; readonly lost: readonly number[] }
  | { readonly kind: "pli"; readonly mediaSsrc: number }
  | { readonly kind: "fir"; readonly mediaSsrc: number; readonly sequence: number }
  | { readonly kind: "remb"; readonly bitrate: number; readonly ssrcs: readonly number[] }
  | { readonly kind: "transport_feedback" } & TransportFeedback
  /** A report of the other side about its own stream; `compactNtp` is what a receiver report echoes. */
  | { readonly kind: "sender_report"; readonly ssrc: number; readonly compactNtp: number }
  | { readonly kind: "bye"; readonly ssrc: number };

/** Reads a compound packet; stops at the first part that is cut short. */
export function readRtcp(data: Uint8Array): RtcpReading[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const readings: RtcpReading[] = [];
  let at = 0;
  while (at + 8 <= view.byteLength) {
    const count = view.getUint8(at) & 0x1f;
    const type = view.getUint8(at + 1);
    const next = at + 4 * (view.getUint16(at + 2) + 1);
    if (next > view.byteLength) break;
    const isPadded = (view.getUint8(at) & 0x20) !== 0;
    const end = isPadded ? next - view.getUint8(next - 1) : next;
    const bytes = end - at;
    if (type === SENDER_REPORT) {
      if (bytes >= 28) {
        const compact = ((view.getUint32(at + 8) << 16) | (view.getUint32(at + 12) >>> 16)) >>> 0;
        readings.push({ kind: "sender_report", ssrc: view.getUint32(at + 4), compactNtp: compact });
      }
      readReports(view, { at: at + 28, end, count, readings });
    } else if (type === RECEIVER_REPORT) readReports(view, { at: at + 8, end, count, readings });
    else if (type === BYE && count > 0 && bytes >= 8) readings.push({ kind: "bye", ssrc: view.getUint32(at + 4) });
    else if (bytes >= 12 && type === TRANSPORT_FEEDBACK && count === GENERIC_NACK) {
      readNack(view, { at, end, readings });
    } else if (bytes >= 12 && type === TRANSPORT_FEEDBACK && count === TRANSPORT_WIDE) {
      const feedback = readTransportFeedback(new DataView(data.buffer, data.byteOffset + at, bytes));
      if (feedback !== null) readings.push({ kind: "transport_feedback", ...feedback });
    } else if (bytes >= 12 && type === PAYLOAD_FEEDBACK) {
      readPayloadFeedback(view, { at, end, format: count, readings });
    }
    at = next;
  }
  return readings;
}

function readReports(
  view: DataView,
  { at, end, count, readings }: { at: number; end: number; count: number; readings: RtcpReading[] },
): void {
  for (let index = 0; index < count && at + 24 <= end; index++, at += 24) {
    const lost = view.getUint32(at + 4) & 0xffffff;
    readings.push({
      kind: "report",
      block: {
        ssrc: view.getUint32(at),
        fractionLost: view.getUint8(at + 4) / 256,
        packetsLost: lost >= 0x800000 ? lost - 0x1000000 : lost,
        jitter: view.getUint32(at + 12),
        lastReport: view.getUint32(at + 16),
        delaySinceLastReport: view.getUint32(at + 20) / 65536,
      },
    });
  }
}

/** Generic NACK: a packet id and a mask of the 16 that follow it (RFC 4585, section 6.2.1). */
function readNack(view: DataView, { at, end, readings }: { at: number; end: number; readings: RtcpReading[] }): void {
  const lost: number[] = [];
  for (let entry = at + 12; entry + 4 <= end; entry += 4) {
    const first = view.getUint16(entry);
    const mask = view.getUint16(entry + 2);
    lost.push(first);
    for (let bit = 0; bit < 16; bit++) {
      if (mask & (1 << bit)) lost.push((first + 1 + bit) & 0xffff);
    }
  }
  readings.push({ kind: "nack", mediaSsrc: view.getUint32(at + 8), lost });
}

function readPayloadFeedback(
  view: DataView,
  { at, end, format, readings }: { at: number; end: number; format: number; readings: RtcpReading[] },
): void {
  const mediaSsrc = view.getUint32(at + 8);
  if (format === PICTURE_LOSS) {
    readings.push({ kind: "pli", mediaSsrc });
  } else if (format === FULL_INTRA_REQUEST) {
    for (let entry = at + 12; entry + 8 <= end; entry += 8) {
      readings.push({ kind: "fir", mediaSsrc: view.getUint32(entry), sequence: view.getUint8(entry + 4) });
    }
  } else if (format === APPLICATION_LAYER && end >= at + 20 && view.getUint32(at + 12) === REMB) {
    const count = view.getUint8(at + 16);
    const exponent = view.getUint8(at + 17) >> 2;
    const mantissa = ((view.getUint8(at + 17) & 3) << 16) | view.getUint16(at + 18);
    const ssrcs: number[] = [];
    for (let index = 0, entry = at + 20; index < count && entry + 4 <= end; index++, entry += 4) {
      ssrcs.push(view.getUint32(entry));
    }
    readings.push({ kind: "remb", bitrate: mantissa * 2 ** exponent, ssrcs });
  }
}

/** What a sender report says (RFC 3550, section 6.4.1). */
export interface SenderReport {
  readonly ssrc: number;
  /** Seconds since 1970 of the instant it speaks of. */
  readonly unixTime: number;
  /** RTP timestamp of the same instant. */
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  /** Canonical name that ties the tracks of a peer together (RFC 7022). */
  readonly cname: string;
}

/** The bytes of a sender report with its source description. */
export function writeSenderReport(report: SenderReport): Uint8Array {
  const name = new TextEncoder().encode(report.cname);
  const sdesWords = Math.ceil((4 + 4 + 2 + name.length + 1) / 4);
  const data = new Uint8Array(28 + sdesWords * 4);
  const view = new DataView(data.buffer);
  const { seconds, fraction } = ntpTime(report.unixTime);
  view.setUint8(0, 0x80);
  view.setUint8(1, SENDER_REPORT);
  view.setUint16(2, 6);
  view.setUint32(4, report.ssrc);
  view.setUint32(8, seconds);
  view.setUint32(12, fraction);
  view.setUint32(16, report.rtpTimestamp >>> 0);
  view.setUint32(20, report.packetCount >>> 0);
  view.setUint32(24, report.octetCount >>> 0);
  view.setUint8(28, 0x81);
  view.setUint8(29, SOURCE_DESCRIPTION);
  view.setUint16(30, sdesWords - 1);
  view.setUint32(32, report.ssrc);
  view.setUint8(36, 1);
  view.setUint8(37, name.length);
  data.set(name, 38);
  return data;
}

/** NTP's 32.32 fixed point (RFC 5905, section 6). */
export function ntpTime(unixTime: number): { seconds: number; fraction: number } {
  const whole = Math.floor(unixTime);
  return {
    seconds: (whole + NTP_EPOCH_OFFSET) % 2 ** 32,
    fraction: Math.min(0xffffffff, Math.round((unixTime - whole) * 2 ** 32)),
  };
}

/** The middle 32 bits of an NTP time in seconds, as reports echo it; wraps every 18 hours. */
export function compactNtp(unixTime: number): number {
  const { seconds, fraction } = ntpTime(unixTime);
  return ((seconds & 0xffff) * 65536 + (fraction >>> 16)) >>> 0;
}
