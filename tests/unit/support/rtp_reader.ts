import assert from "node:assert/strict";

/** The fields of an RTP packet, read bit by bit as RFC 3550, section 5.1 draws them. */
export interface RtpPacketFields {
  readonly version: number;
  readonly padding: boolean;
  readonly extension: Uint8Array | null;
  readonly extensionProfile: number;
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
}

/** Reads a packet in the clear. */
export function readRtpPacket(packet: Uint8Array): RtpPacketFields {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const first = view.getUint8(0);
  assert.equal(first & 0x0f, 0, "no contributing sources are expected");
  let at = 12;
  let extension: Uint8Array | null = null;
  let extensionProfile = 0;
  if (first & 0x10) {
    extensionProfile = view.getUint16(at);
    const bytes = view.getUint16(at + 2) * 4;
    extension = packet.subarray(at + 4, at + 4 + bytes);
    at += 4 + bytes;
  }
  return {
    version: first >> 6,
    padding: (first & 0x20) !== 0,
    extension,
    extensionProfile,
    marker: (view.getUint8(1) & 0x80) !== 0,
    payloadType: view.getUint8(1) & 0x7f,
    sequenceNumber: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    payload: packet.subarray(at),
  };
}

/** Takes H.264 RTP payloads apart as a receiver does (RFC 6184, sections 5.6–5.8); gives the NAL units. */
export function depacketizeH264(payloads: readonly Uint8Array[]): Uint8Array[] {
  const nals: Uint8Array[] = [];
  let open: number[] | undefined;
  for (const payload of payloads) {
    const [indicator] = payload;
    assert.ok(indicator !== undefined, "a payload is empty");
    const type = indicator & 0x1f;
    if (type !== 28) assert.equal(open, undefined, "a fragmented unit was not finished");
    if (type >= 1 && type <= 23) {
      nals.push(payload);
    } else if (type === 24) {
      let at = 1;
      while (at < payload.length) {
        const size = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
        assert.ok(size > 0 && at + 2 + size <= payload.length, "an aggregated unit runs over the packet");
        nals.push(payload.subarray(at + 2, at + 2 + size));
        at += 2 + size;
      }
    } else if (type === 28) {
      const header = payload[1] ?? 0;
      const start = (header & 0x80) !== 0;
      const end = (header & 0x40) !== 0;
      assert.equal(header & 0x20, 0, "the reserved bit is set");
      assert.ok(!(start && end), "one packet must not begin and end a fragmented unit");
      assert.equal(start, open === undefined, "start bits are out of step");
      open ??= [(indicator & 0xe0) | (header & 0x1f)];
      open.push(...payload.subarray(2));
      if (end) {
        nals.push(Uint8Array.from(open));
        open = undefined;
      }
    } else {
      assert.fail(`payload type ${type} is not of packetization mode 1`);
    }
  }
  assert.equal(open, undefined, "the last fragmented unit was not finished");
  return nals;
}

/** Takes VP8 RTP payloads of one frame apart (RFC 7741, section 4.2). */
export function depacketizeVp8(payloads: readonly Uint8Array[]): { frame: Uint8Array; pictureIds: number[] } {
  const bytes: number[] = [];
  const pictureIds: number[] = [];
  for (const [index, payload] of payloads.entries()) {
    const [required = 0, extended = 0, high = 0, low = 0] = payload;
    assert.equal(required & 0x40, 0, "the reserved bit R is set");
    assert.equal(required & 0x20, 0, "a reference frame is called non-reference");
    assert.equal(required & 0x08, 0, "the reserved bit behind S is set");
    assert.equal(required & 0x07, 0, "another partition than the first is named");
    assert.equal((required & 0x10) !== 0, index === 0, "S is set on the first packet alone");
    assert.equal(required & 0x80, 0x80, "there is no extension");
    assert.equal(extended, 0x80, "other extensions than the picture id are there");
    assert.equal(high & 0x80, 0x80, "the picture id has 7 bits");
    pictureIds.push(((high & 0x7f) << 8) | low);
    assert.ok(payload.length > 4, "a packet carries nothing");
    bytes.push(...payload.subarray(4));
  }
  return { frame: Uint8Array.from(bytes), pictureIds };
}
