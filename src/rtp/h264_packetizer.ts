import type { RtpPacketizer } from "./packetizer.ts";

const NAL_TYPE_MASK = 0x1f;
const NAL_REF_MASK = 0x60;
const NAL_IDR = 5;
const NAL_SEI = 6;
const NAL_SPS = 7;
const NAL_PPS = 8;
const NAL_AUD = 9;
const NAL_FILLER = 12;
const STAP_A = 24;
const FU_A = 28;

/** Cuts Annex B access units into RTP payloads, packetization-mode 1 (RFC 6184, sections 5.6–5.8). */
export class H264Packetizer implements RtpPacketizer {
  packetize(accessUnit: Uint8Array, maxPayload: number): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    const small: Uint8Array[] = [];
    let smallBytes = 1;
    function flush(): void {
      const only = small[0];
      if (small.length === 1 && only !== undefined) payloads.push(only);
      else if (small.length > 1) payloads.push(aggregate(small));
      small.length = 0;
      smallBytes = 1;
    }
    for (const nal of splitAnnexB(accessUnit)) {
      const type = nalType(nal);
      if (nal.length === 0 || type === NAL_AUD || type === NAL_FILLER) continue;
      const isHeader = type === NAL_SPS || type === NAL_PPS || type === NAL_SEI;
      if (isHeader && nal.length + 3 <= maxPayload) {
        if (smallBytes + nal.length + 2 > maxPayload) flush();
        small.push(nal);
        smallBytes += nal.length + 2;
        continue;
      }
      flush();
      if (nal.length <= maxPayload) payloads.push(nal);
      else fragment(nal, maxPayload, payloads);
    }
    flush();
    return payloads;
  }
}

/** Whether an access unit lets a decoder start: it holds an IDR slice (ITU-T H.264, 7.4.1.2.4). */
export function isH264KeyFrame(accessUnit: Uint8Array): boolean {
  for (const nal of splitAnnexB(accessUnit)) {
    if (nalType(nal) === NAL_IDR) return true;
  }
  return false;
}

/** The NAL units of an Annex B stream, without start codes (ITU-T H.264, annex B). Views, not copies. */
export function* splitAnnexB(data: Uint8Array): Generator<Uint8Array> {
  let start = -1;
  let at = data.indexOf(1);
  while (at !== -1) {
    if (at >= 2 && data[at - 1] === 0 && data[at - 2] === 0) {
      if (start >= 0) yield data.subarray(start, endOf(data, start, at - 2));
      start = at + 1;
    }
    at = data.indexOf(1, at + 1);
  }
  if (start >= 0 && start < data.length) yield data.subarray(start, endOf(data, start, data.length));
}

/** Trailing zeros belong to the next start code, not to the unit. */
function endOf(data: Uint8Array, start: number, end: number): number {
  while (end > start && data[end - 1] === 0) end--;
  return end;
}

function nalType(nal: Uint8Array): number {
  return (nal[0] ?? 0) & NAL_TYPE_MASK;
}

/** STAP-A: several units in one packet (RFC 6184, section 5.7.1). */
function aggregate(nals: readonly Uint8Array[]): Uint8Array {
  const packet = new Uint8Array(1 + nals.reduce((sum, nal) => sum + 2 + nal.length, 0));
  packet[0] = STAP_A | Math.max(...nals.map((nal) => (nal[0] ?? 0) & NAL_REF_MASK));
  let at = 1;
  for (const nal of nals) {
    packet[at] = nal.length >> 8;
    packet[at + 1] = nal.length & 0xff;
    packet.set(nal, at + 2);
    at += 2 + nal.length;
  }
  return packet;
}

/** FU-A: one unit over several packets of about the same size (RFC 6184, section 5.8). */
function fragment(nal: Uint8Array, maxPayload: number, payloads: Uint8Array[]): void {
  const header = nal[0] ?? 0;
  const body = nal.subarray(1);
  const count = Math.ceil(body.length / (maxPayload - 2));
  const size = Math.ceil(body.length / count);
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    const packet = new Uint8Array(2 + part.length);
    packet[0] = (header & 0xe0) | FU_A;
    packet[1] = (header & NAL_TYPE_MASK) | (at === 0 ? 0x80 : 0) | (at + size >= body.length ? 0x40 : 0);
    packet.set(part, 2);
    payloads.push(packet);
  }
}
