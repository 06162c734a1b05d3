import assert from "node:assert/strict";
import { headerExtensionBlock, rtpHeaderBytes, writeRtpHeader } from "../../../src/rtp/mod.ts";
import { hex } from "../support/bytes.ts";
import { readRtpPacket } from "../support/rtp_reader.ts";

const FIELDS = { marker: true, payloadType: 102, sequenceNumber: 0xfffe, timestamp: 0xdeadbeef, ssrc: 0x89abcdef };

Deno.test("writes the header that RFC 3550 draws", () => {
  const packet = new Uint8Array(14);
  writeRtpHeader(packet, FIELDS, headerExtensionBlock([]));
  assert.equal(packet.toHex(), "80e6fffedeadbeef89abcdef0000");
  assert.deepEqual(readRtpPacket(packet), {
    version: 2,
    padding: false,
    extension: null,
    extensionProfile: 0,
    ...FIELDS,
    payload: new Uint8Array(2),
  });
});

Deno.test("leaves the marker bit off and writes zeros over what was there", () => {
  const packet = new Uint8Array(12).fill(0xff);
  writeRtpHeader(
    packet,
    { marker: false, payloadType: 0, sequenceNumber: 0, timestamp: 0, ssrc: 0 },
    new Uint8Array(0),
  );
  assert.equal(packet.toHex(), "800000000000000000000000");
});

Deno.test("writes nothing behind the header", () => {
  const block = headerExtensionBlock([{ id: 1, data: hex("aa") }]);
  const packet = new Uint8Array(rtpHeaderBytes(block) + 4).fill(0x55);
  writeRtpHeader(packet, FIELDS, block);
  assert.equal(rtpHeaderBytes(block), 12 + 4 + 4);
  assert.equal(packet.subarray(rtpHeaderBytes(block)).toHex(), "55555555");
});

Deno.test("lays one-byte extensions out as RFC 8285 does, padded to whole words", () => {
  const block = headerExtensionBlock([{ id: 3, data: hex("30") }, { id: 14, data: hex("01 02 03") }]);
  const packet = new Uint8Array(rtpHeaderBytes(block));
  writeRtpHeader(packet, FIELDS, block);
  const read = readRtpPacket(packet);
  assert.equal(read.extensionProfile, 0xbede);
  assert.equal(read.extension?.toHex(), "3030" + "e2010203" + "0000");
  assert.equal(read.sequenceNumber, FIELDS.sequenceNumber);
});

Deno.test("takes the largest extension element, 16 bytes", () => {
  const data = hex("00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff");
  const block = headerExtensionBlock([{ id: 1, data }]);
  assert.equal(block.toHex(), `bede0005` + `1f${data.toHex()}` + "000000");
});
