import assert from "node:assert/strict";
import { createDecipheriv } from "node:crypto";
import { type RTCDtlsTransport, SrtcpSession, SrtpSession } from "werift";
import type { RtpHeaderFields } from "../../../src/rtp/mod.ts";
import { PacketSender } from "../../../src/webrtc/packet_sender.ts";
import { concat, hex, noise } from "../support/bytes.ts";
import { settle } from "../support/manual_clock.ts";
import { readRtpPacket } from "../support/rtp_reader.ts";

const AES_CM_SHA1 = 1;
const AES_GCM = 7;
const FIELDS: RtpHeaderFields = {
  marker: true,
  payloadType: 96,
  sequenceNumber: 1000,
  timestamp: 90_000,
  ssrc: 0xcafe,
};

/** A sender and, with the same keys, the other end of its transport. */
function connect(profile: number) {
  const saltBytes = profile === AES_GCM ? 12 : 14;
  const local = { key: Buffer.from(noise(16, 1)), salt: Buffer.from(noise(saltBytes, 2)) };
  const remote = { key: Buffer.from(noise(16, 3)), salt: Buffer.from(noise(saltBytes, 4)) };
  const ours = {
    localMasterKey: local.key,
    localMasterSalt: local.salt,
    remoteMasterKey: remote.key,
    remoteMasterSalt: remote.salt,
  };
  const theirs = {
    localMasterKey: remote.key,
    localMasterSalt: remote.salt,
    remoteMasterKey: local.key,
    remoteMasterSalt: local.salt,
  };
  const packets: Buffer[] = [];
  const transport = {
    srtp: new SrtpSession({ keys: ours, profile }),
    srtcp: new SrtcpSession({ keys: ours, profile }),
    bytesSent: 0,
    packetsSent: 0,
    iceTransport: {
      connection: {
        send(packet: Buffer): Promise<void> {
          packets.push(packet);
          return Promise.resolve();
        },
      },
    },
  };
  return {
    transport,
    packets,
    sender: new PacketSender(transport as unknown as RTCDtlsTransport),
    srtp: new SrtpSession({ keys: theirs, profile }),
    srtcp: new SrtcpSession({ keys: theirs, profile }),
  };
}

function sequence(sequenceNumber: number, ssrc = FIELDS.ssrc): RtpHeaderFields {
  return { ...FIELDS, sequenceNumber, timestamp: sequenceNumber * 10, ssrc };
}

for (const [name, profile, tagBytes] of [["AES-GCM", AES_GCM, 16], ["AES-CM with SHA-1", AES_CM_SHA1, 10]] as const) {
  Deno.test(`${name}: the other end reads what was sent, over several wraps of the sequence number`, () => {
    const { sender, packets, srtp } = connect(profile);
    let index = 30_000;
    while (index < 4 * 65_536) {
      const sequenceNumber = index & 0xffff;
      const payload = noise(200, index);
      const fields = { ...sequence(sequenceNumber), marker: index % 2 === 0 };
      sender.sendRtp(fields, payload);
      const packet = packets.pop();
      assert.ok(packet !== undefined);
      assert.deepEqual(readRtpPacket(srtp.decrypt(packet)), {
        version: 2,
        padding: false,
        extension: null,
        extensionProfile: 0,
        ...fields,
        payload: Buffer.from(payload),
      }, `packet ${index}`);
      // Every number around a wrap, where rollover counters go wrong, and a few of those between.
      index += sequenceNumber > 65_400 || sequenceNumber < 100 ? 1 : 64;
    }
  });

  Deno.test(`${name}: a packet sent again across the wrap is read, and so are those behind it`, () => {
    const { sender, packets, srtp } = connect(profile);
    for (const number of [65_533, 65_534, 65_535, 0, 1, 65_534, 2, 65_535, 0, 3]) {
      const payload = noise(50, number + 1);
      sender.sendRtp(sequence(number), payload);
      const packet = packets.pop();
      assert.ok(packet !== undefined);
      const read = readRtpPacket(srtp.decrypt(packet));
      assert.equal(read.sequenceNumber, number);
      assert.deepEqual([...read.payload], [...payload]);
    }
  });

  Deno.test(`${name}: streams of several sources wrap each for themselves`, () => {
    const { sender, packets, srtp } = connect(profile);
    for (
      const [number, ssrc] of [[65_535, 1], [65_535, 2], [0, 1], [65_534, 3], [0, 2], [1, 1], [65_535, 3]] as const
    ) {
      sender.sendRtp(sequence(number, ssrc), noise(20, number + ssrc));
      const packet = packets.pop();
      assert.ok(packet !== undefined);
      const read = readRtpPacket(srtp.decrypt(packet));
      assert.deepEqual([read.sequenceNumber, read.ssrc], [number, ssrc]);
      assert.deepEqual([...read.payload], [...noise(20, number + ssrc)]);
    }
  });

  Deno.test(`${name}: says and counts the size on the wire and leaves the payload alone`, () => {
    const { sender, packets, transport } = connect(profile);
    const payload = noise(321);
    const size = sender.sendRtp(FIELDS, payload);
    assert.equal(size, 12 + 321 + tagBytes);
    assert.equal(packets[0]?.length, size);
    assert.deepEqual([transport.packetsSent, transport.bytesSent], [1, size]);
    assert.deepEqual([...payload], [...noise(321)], "it may be shared with other viewers");
    sender.sendRtp(FIELDS, payload);
    assert.deepEqual([transport.packetsSent, transport.bytesSent], [2, 2 * size]);
  });

  Deno.test(`${name}: the other end reads reports`, () => {
    const { sender, packets, srtcp, transport } = connect(profile);
    const report = hex("80 c8 00 06 0000cafe e8000000 80000000 00015f90 00000010 00003039");
    for (let index = 0; index < 3; index++) {
      sender.sendRtcp(report);
      const packet = packets.pop();
      assert.ok(packet !== undefined);
      assert.notDeepEqual([...packet.subarray(8, report.length)], [...report.subarray(8)], "it is in the clear");
      assert.equal(srtcp.decrypt(packet).toHex(), report.toHex());
    }
    assert.equal(transport.packetsSent, 3);
  });

  Deno.test(`${name}: a packet that was changed on the way is refused`, () => {
    const { sender, packets, srtp } = connect(profile);
    for (const at of [1, 5, 20, 12 + 60]) {
      sender.sendRtp(FIELDS, noise(60));
      const packet = packets.pop();
      assert.ok(packet !== undefined);
      packet[at] = (packet[at] ?? 0) ^ 1;
      assert.throws(() => srtp.decrypt(packet), `byte ${at}`);
    }
  });
}

Deno.test("AES-GCM: gives the packet of RFC 7714, section 16.1.1", () => {
  const packets: Buffer[] = [];
  const transport = {
    srtp: {
      localContext: {
        srtpSessionKey: hex("000102030405060708090a0b0c0d0e0f"),
        srtpSessionSalt: hex("517569642070726f2071756f"),
      },
      config: { profile: AES_GCM },
    },
    iceTransport: { connection: { send: (packet: Buffer) => Promise.resolve(packets.push(packet)) } },
  };
  const sender = new PacketSender(transport as unknown as RTCDtlsTransport);
  const payload = new TextEncoder().encode("Gallia est omnis divisa in partes tres");
  const fields = { marker: false, payloadType: 64, sequenceNumber: 0xf17b, timestamp: 0x8041f8d3, ssrc: 0x5501a0b2 };
  sender.sendRtp(fields, payload);
  assert.equal(
    packets[0]?.toHex(),
    "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d" +
      "7f27beb16a9152cf765ee4390cce",
  );
});

/** A sender and a look at whether what it sends decrypts with a rollover count that is given from outside. */
function countedByHand() {
  const { sender, packets, transport } = connect(AES_GCM);
  const { srtpSessionKey: key, srtpSessionSalt: salt } = transport.srtp.localContext;
  return (number: number, rollover: number): boolean => {
    sender.sendRtp(sequence(number), noise(40));
    const packet = packets.pop();
    assert.ok(packet !== undefined);
    // RFC 7714, section 8.1: 16 zero bits, SSRC, rollover counter, sequence number.
    const iv = concat(new Uint8Array(2), packet.subarray(8, 12), new Uint8Array(4), packet.subarray(2, 4));
    new DataView(iv.buffer).setUint32(6, rollover);
    const decipher = createDecipheriv("aes-128-gcm", key, iv.map((byte, index) => byte ^ (salt[index] ?? 0)));
    decipher.setAAD(packet.subarray(0, 12));
    decipher.setAuthTag(packet.subarray(-16));
    const plain = decipher.update(packet.subarray(12, -16));
    try {
      decipher.final();
    } catch {
      return false;
    }
    return Buffer.compare(plain, noise(40)) === 0;
  };
}

Deno.test("AES-GCM: a packet from long before the wrap keeps the rollover count it was first sent with", () => {
  const decrypts = countedByHand();
  for (const number of [20_000, 50_000, 65_535]) assert.ok(decrypts(number, 0), `${number} of the first round`);
  for (const number of [0, 1000]) assert.ok(decrypts(number, 1), `${number} of the second round`);
  assert.ok(decrypts(64_000, 0), "sent again: still of the first round");
  for (const number of [1001, 33_000]) assert.ok(decrypts(number, 1), `${number} of the second round`);
  assert.ok(decrypts(900, 1), "sent again within the second round");
});

Deno.test("a datagram that the socket refuses is a lost one", async () => {
  const { sender, transport } = connect(AES_GCM);
  transport.iceTransport.connection.send = () => Promise.reject(new Error("no route"));
  sender.sendRtp(FIELDS, noise(10));
  sender.sendRtcp(hex("80 c9 00 01 0000cafe"));
  await settle();
});

Deno.test("AES-GCM: counts hundreds of wraps", () => {
  const decrypts = countedByHand();
  for (let rollover = 0; rollover < 600; rollover++) {
    for (const number of [100, 30_000, 60_000]) assert.ok(decrypts(number, rollover), `${number} of round ${rollover}`);
  }
});
