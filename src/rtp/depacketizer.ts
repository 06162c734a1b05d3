import { splitAnnexB } from "./h264_packetizer.ts";
import { isVp8KeyFrame } from "./vp8_packetizer.ts";

/** A picture put together from RTP payloads. */
export interface AssembledFrame {
  /** Annex B for H.264, a frame as in RFC 6386 for VP8. */
  readonly data: Uint8Array;
  readonly key: boolean;
}

/** Puts the payloads of one picture, complete and in order, together; null when they make none. */
export type Depacketizer = (payloads: readonly Uint8Array[]) => AssembledFrame | null;

const EXTENDED = 0x80;
const START_OF_PARTITION = 0x10;
const PARTITION_ID = 0x07;

/** VP8 (RFC 7741, section 4.2). */
export function depacketizeVp8(payloads: readonly Uint8Array[]): AssembledFrame | null {
  const parts: Uint8Array[] = [];
  for (const payload of payloads) {
    const at = vp8DescriptorBytes(payload);
    if (at >= payload.length) return null;
    parts.push(payload.subarray(at));
  }
  const first = payloads[0]?.[0] ?? 0;
  if ((first & START_OF_PARTITION) === 0 || (first & PARTITION_ID) !== 0) return null;
  const data = concatenated(parts);
  return { data, key: isVp8KeyFrame(data) };
}

function vp8DescriptorBytes(payload: Uint8Array): number {
  const first = payload[0] ?? 0;
  if ((first & EXTENDED) === 0) return 1;
  const flags = payload[1] ?? 0;
  let at = 2;
  if (flags & 0x80) at += (payload[at] ?? 0) & 0x80 ? 2 : 1;
  if (flags & 0x40) at += 1;
  if (flags & 0x30) at += 1;
  return at;
}

const NAL_IDR = 5;
const NAL_SPS = 7;
const STAP_A = 24;
const FU_A = 28;
const START_CODE = Uint8Array.of(0, 0, 0, 1);

/**
 * H.264 in packetization mode 1: single NAL units, STAP-A and FU-A (RFC 6184, sections 5.6 to 5.8). A key frame is one with
 * its own sequence parameter set: a decoder can start nowhere else.
 */
export function depacketizeH264(payloads: readonly Uint8Array[]): AssembledFrame | null {
  const parts: Uint8Array[] = [];
  let isInFragment = false;
  for (const payload of payloads) {
    const header = payload[0] ?? 0;
    const type = header & 0x1f;
    if (type !== FU_A && isInFragment) return null;
    if (type === FU_A) {
      const fragment = payload[1] ?? 0;
      const isStart = (fragment & 0x80) !== 0;
      if (payload.length < 3 || isStart === isInFragment) return null;
      if (isStart) parts.push(START_CODE, Uint8Array.of((header & 0xe0) | (fragment & 0x1f)));
      parts.push(payload.subarray(2));
      isInFragment = (fragment & 0x40) === 0;
    } else if (type === STAP_A) {
      const units = aggregated(payload);
      if (units === null) return null;
      for (const unit of units) parts.push(START_CODE, unit);
    } else if (type >= 1 && type < STAP_A) {
      parts.push(START_CODE, payload);
    } else {
      return null;
    }
  }
  if (isInFragment || parts.length === 0) return null;
  const data = concatenated(parts);
  const types = new Set<number>();
  for (const unit of splitAnnexB(data)) types.add((unit[0] ?? 0) & 0x1f);
  return { data, key: types.has(NAL_IDR) && types.has(NAL_SPS) };
}

function aggregated(payload: Uint8Array): Uint8Array[] | null {
  const units: Uint8Array[] = [];
  for (let at = 1; at < payload.length;) {
    const size = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
    if (size === 0 || at + 2 + size > payload.length) return null;
    units.push(payload.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return units;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
