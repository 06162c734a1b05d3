import type { RtpPacketizer } from "./packetizer.ts";

const EXTENDED = 0x80;
const START_OF_PARTITION = 0x10;
const HAS_PICTURE_ID = 0x80;
const LONG_PICTURE_ID = 0x8000;
const DESCRIPTOR_BYTES = 4;

/** Cuts VP8 frames into RTP payloads with a 15-bit picture id (RFC 7741, section 4.2). */
export class Vp8Packetizer implements RtpPacketizer {
  #pictureId: number;

  constructor(firstPictureId: number = Math.floor(Math.random() * 0x8000)) {
    this.#pictureId = firstPictureId & 0x7fff;
  }

  packetize(frame: Uint8Array, maxPayload: number): Uint8Array[] {
    const room = maxPayload - DESCRIPTOR_BYTES;
    const count = Math.max(1, Math.ceil(frame.length / room));
    const size = Math.ceil(frame.length / count);
    const id = LONG_PICTURE_ID | this.#pictureId;
    this.#pictureId = (this.#pictureId + 1) & 0x7fff;
    const payloads: Uint8Array[] = [];
    for (let at = 0; at < frame.length; at += size) {
      const part = frame.subarray(at, at + size);
      const packet = new Uint8Array(DESCRIPTOR_BYTES + part.length);
      packet[0] = EXTENDED | (at === 0 ? START_OF_PARTITION : 0);
      packet[1] = HAS_PICTURE_ID;
      packet[2] = id >> 8;
      packet[3] = id & 0xff;
      packet.set(part, DESCRIPTOR_BYTES);
      payloads.push(packet);
    }
    return payloads;
  }
}

/** Whether a VP8 frame is a key frame: the inverse of the first bit (RFC 6386, section 9.1). */
export function isVp8KeyFrame(frame: Uint8Array): boolean {
  return frame.length > 0 && ((frame[0] ?? 1) & 1) === 0;
}
