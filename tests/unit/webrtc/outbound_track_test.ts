import assert from "node:assert/strict";
import { SETTINGS } from "../../../src/config/mod.ts";
import { MAX_RTP_PAYLOAD, readRtcp, type RtcpReading, type RtpHeaderFields } from "../../../src/rtp/mod.ts";
import { OutboundTrack, type TrackParameters } from "../../../src/webrtc/outbound_track.ts";
import type { OutgoingPacket } from "../../../src/webrtc/send_path.ts";
import { concat, hex, noise } from "../support/bytes.ts";
import { ManualClock } from "../support/manual_clock.ts";

const SSRC = 0x11223344;
const RTX_SSRC = 0x55667788;
const PARAMETERS: TrackParameters = {
  kind: "video",
  ssrc: SSRC,
  payloadType: 96,
  clockRate: 90_000,
  rtx: { ssrc: RTX_SSRC, payloadType: 97 },
  cname: "somebody",
};

interface SentRtp {
  readonly fields: RtpHeaderFields;
  readonly payload: Uint8Array;
  readonly urgency: string;
}

class RecordingSender {
  losesAtRandom = false;
  readonly rtp: SentRtp[] = [];
  readonly rtcp: Uint8Array[] = [];

  send({ header, payload }: OutgoingPacket, { urgency }: { urgency: string }): boolean {
    this.rtp.push({ fields: header(), payload, urgency });
    return true;
  }

  sendRtcp(compound: Uint8Array): void {
    this.rtcp.push(compound);
  }

  at(index: number): SentRtp {
    const sent = this.rtp.at(index);
    assert.ok(sent !== undefined, `packet ${index} of ${this.rtp.length} was not sent`);
    return sent;
  }
}

function makeTrack(parameters: Partial<TrackParameters> = {}) {
  const clock = new ManualClock();
  const sender = new RecordingSender();
  const track = new OutboundTrack({
    parameters: { ...PARAMETERS, ...parameters },
    path: sender,
    clock,
  });
  return { clock, sender, track };
}

function nack(...lost: readonly number[]): RtcpReading {
  return { kind: "nack", mediaSsrc: SSRC, lost };
}

/** A receiver report on the track with these middle 32 bits of the last sender report. */
function receiverReport(lastReport: Uint8Array, delaySeconds: number): RtcpReading {
  const delay = new Uint8Array(4);
  new DataView(delay.buffer).setUint32(0, delaySeconds * 65_536);
  const head = hex("81 c9 00 07  00 00 00 01  11 22 33 44  40 00 00 05  00 00 10 00  00 00 00 64");
  const [reading] = readRtcp(concat(head, lastReport, delay));
  assert.ok(reading !== undefined);
  return reading;
}

Deno.test("numbers packets one by one over the wrap, from below 32768 on", () => {
  const { sender, track } = makeTrack();
  const payload = noise(10);
  for (let frame = 0; frame < 24_000; frame++) {
    track.send([payload, payload, payload], { mediaTime: frame / 30, key: true });
  }
  const numbers = sender.rtp.map(({ fields }) => fields.sequenceNumber);
  assert.ok((numbers[0] ?? -1) < 0x8000, "so that the receiver cannot miss the first wrap");
  const broken = numbers.findIndex((number, index) =>
    index > 0 && number !== (((numbers[index - 1] ?? 0) + 1) & 0xffff)
  );
  assert.equal(broken, -1);
  assert.ok(numbers.includes(0xffff) && numbers.includes(0));
});

Deno.test("begins at numbers that cannot be guessed", () => {
  const first = Array.from({ length: 8 }, () => {
    const { sender, track } = makeTrack();
    track.send([noise(1)], { mediaTime: 0, key: true });
    const { sequenceNumber, timestamp } = sender.at(0).fields;
    track.receive(nack(sequenceNumber));
    return { sequenceNumber, timestamp, again: sender.at(1).fields.sequenceNumber };
  });
  assert.ok(new Set(first.map(({ sequenceNumber }) => sequenceNumber)).size > 4);
  assert.ok(new Set(first.map(({ timestamp }) => timestamp)).size > 4);
  assert.ok(new Set(first.map(({ again }) => again)).size > 4);
  assert.ok(first.every(({ again }) => again < 0x8000), "retransmissions as well begin far from the wrap");
});

Deno.test("stamps every packet of a frame with its media time, exact for 29.97 and over the wrap", () => {
  const { sender, track } = makeTrack();
  const frames = 3 * 60 * 60 * 24;
  for (let frame = 0; frame < frames; frame += 1777) {
    track.send([noise(2), noise(3)], {
      mediaTime: frame * 1001 / 30_000,
      key: true,
    });
  }
  track.send([noise(2), noise(3)], { mediaTime: 2 ** 32 / 90_000 + 1, key: true });
  const base = sender.at(0).fields.timestamp;
  for (const [index, { fields }] of sender.rtp.entries()) {
    const frame = Math.floor(index / 2) * 1777;
    const ticks = frame < frames ? frame * 3003 : 2 ** 32 + 90_000;
    assert.equal((fields.timestamp - base) >>> 0, ticks % 2 ** 32, `packet ${index}`);
    assert.ok(Number.isInteger(fields.timestamp) && fields.timestamp >= 0 && fields.timestamp < 2 ** 32);
  }
});

Deno.test("marks the last packet of a picture and none of sound", () => {
  const { sender, track } = makeTrack();
  track.send([noise(1), noise(2), noise(3)], { mediaTime: 0, key: true });
  track.send([noise(1)], { mediaTime: 0.04, key: true });
  assert.deepEqual(sender.rtp.map(({ fields }) => fields.marker), [false, false, true, true]);
  const sound = makeTrack({ kind: "audio", clockRate: 48_000 });
  sound.track.send([noise(1)], { mediaTime: 0, key: true });
  sound.track.send([noise(1)], { mediaTime: 0.02, key: true });
  assert.deepEqual(sound.sender.rtp.map(({ fields }) => fields.marker), [false, false]);
  const [first, second] = sound.sender.rtp.map(({ fields }) => fields.timestamp);
  assert.equal(((second ?? 0) - (first ?? 0)) >>> 0, 960);
});

Deno.test("sends payloads as they are under its own source and payload type, and counts them", () => {
  const { sender, track } = makeTrack();
  assert.ok(Object.values(track.stats).every((value) => value === 0));
  const payloads = [noise(100), noise(50)];
  track.send(payloads, { mediaTime: 0, key: true });
  assert.ok(sender.at(0).payload === payloads[0] && sender.at(1).payload === payloads[1]);
  for (const { fields } of sender.rtp) assert.deepEqual([fields.ssrc, fields.payloadType], [SSRC, 96]);
  assert.deepEqual([track.stats.packetsSent, track.stats.octetsSent], [2, 150]);
  track.send([], { mediaTime: 1, key: true });
  assert.equal(sender.rtp.length, 2);
});

Deno.test("wraps a packet that was lost for the retransmission stream, as RFC 4588 says", () => {
  const { sender, track } = makeTrack();
  const payloads = [noise(100, 1), noise(100, 2), noise(100, 3)];
  track.send(payloads, { mediaTime: 0.5, key: true });
  const [first, , last] = sender.rtp;
  assert.ok(first !== undefined && last !== undefined);
  track.receive(nack(last.fields.sequenceNumber, first.fields.sequenceNumber));
  const again = sender.rtp.slice(3);
  assert.equal(again.length, 2);
  for (const [index, original] of [last, first].entries()) {
    const sent = again[index];
    assert.ok(sent !== undefined);
    assert.deepEqual([sent.fields.ssrc, sent.fields.payloadType], [RTX_SSRC, 97]);
    assert.equal(sent.fields.timestamp, original.fields.timestamp);
    assert.equal(sent.fields.marker, original.fields.marker);
    const { sequenceNumber } = original.fields;
    assert.deepEqual([...sent.payload], [sequenceNumber >> 8, sequenceNumber & 0xff, ...original.payload]);
  }
  const [one, two] = again.map(({ fields }) => fields.sequenceNumber);
  assert.equal(((two ?? 0) - (one ?? 0)) & 0xffff, 1, "retransmissions have numbers of their own, without gaps");
  assert.equal(track.stats.packetsResent, 2);
  assert.equal(track.stats.packetsSent, 3, "and do not count as sent");
  track.send([noise(1)], { mediaTime: 1, key: true });
  assert.equal(sender.at(-1).fields.sequenceNumber, (last.fields.sequenceNumber + 1) & 0xffff);
});

Deno.test("sends a lost packet again at most once in 20 ms", () => {
  const { clock, sender, track } = makeTrack();
  track.send([noise(10), noise(10)], { mediaTime: 0, key: true });
  const { sequenceNumber } = sender.at(0).fields;
  const resent = () => sender.rtp.length - 2;
  track.receive(nack(sequenceNumber, sequenceNumber));
  assert.equal(resent(), 1);
  clock.turn(0.015);
  track.receive(nack(sequenceNumber));
  assert.equal(resent(), 1, "it is still on its way");
  track.receive(nack((sequenceNumber + 1) & 0xffff));
  assert.equal(resent(), 2, "another one is not held back");
  clock.turn(0.006);
  track.receive(nack(sequenceNumber));
  assert.equal(resent(), 3);
});

Deno.test("sends only what it still has, never another packet in its place", () => {
  const { sender, track } = makeTrack();
  for (let index = 0; index < 3000; index++) track.send([noise(8, index + 1)], { mediaTime: index / 100, key: true });
  const sent = [...sender.rtp];
  const numbers = sent.map(({ fields }) => fields.sequenceNumber);
  const last = numbers.at(-1) ?? 0;
  track.receive(nack(...numbers.slice(0, 1976), (last + 1) & 0xffff, (last + 30_000) & 0xffff));
  assert.equal(sender.rtp.length, 3000);
  track.receive(nack(...numbers.slice(-1024)));
  const again = sender.rtp.slice(3000);
  assert.equal(again.length, 1024, "half a second at 16 Mbit/s");
  for (const [index, { payload }] of again.entries()) {
    assert.deepEqual([...payload.subarray(2)], [...sent.at(index - 1024)?.payload ?? []]);
  }
});

Deno.test("has the packets of half a second at the highest bitrate that can be set, and no more than twice of them", () => {
  const maxBitrate = 50_000_000;
  assert.ok(SETTINGS.webrtcVideoBitrate.schema.safeParse(maxBitrate).success);
  assert.ok(!SETTINGS.webrtcVideoBitrate.schema.safeParse(maxBitrate + 1).success, "it is the highest");
  const { sender, track } = makeTrack({ maxBitrate });
  const payloads = Array.from({ length: 100 }, () => noise(MAX_RTP_PAYLOAD));
  const perSecond = maxBitrate / 8 / MAX_RTP_PAYLOAD;
  for (let index = 0; index < 100; index++) track.send(payloads, { mediaTime: index * 100 / perSecond, key: true });
  const numbers = sender.rtp.map(({ fields }) => fields.sequenceNumber);
  const halfSecond = Math.ceil(perSecond / 2);
  track.receive(nack(...numbers.slice(-halfSecond)));
  assert.equal(track.stats.packetsResent, halfSecond);
  track.receive(nack(...numbers.slice(0, -2 * halfSecond)));
  assert.equal(track.stats.packetsResent, halfSecond);
});

Deno.test("sends nothing again without a negotiated retransmission stream, or for another track", () => {
  const without = makeTrack({ rtx: null });
  without.track.send([noise(10)], { mediaTime: 0, key: true });
  without.track.receive(nack(without.sender.at(0).fields.sequenceNumber));
  assert.equal(without.sender.rtp.length, 1);
  const { sender, track } = makeTrack();
  track.send([noise(10)], { mediaTime: 0, key: true });
  track.receive({ kind: "nack", mediaSsrc: RTX_SSRC, lost: [sender.at(0).fields.sequenceNumber] });
  assert.equal(sender.rtp.length, 1);
});

Deno.test("asks for a key frame on picture loss and on each new full intra request of its own", () => {
  const { track } = makeTrack();
  let asked = 0;
  track.keyFrameRequested.on(() => asked++);
  track.receive({ kind: "pli", mediaSsrc: SSRC });
  track.receive({ kind: "pli", mediaSsrc: SSRC });
  assert.equal(asked, 2);
  track.receive({ kind: "fir", mediaSsrc: SSRC, sequence: 0 });
  track.receive({ kind: "fir", mediaSsrc: SSRC, sequence: 0 });
  assert.equal(asked, 3, "a repeated request is the same request (RFC 5104, section 4.3.1.2)");
  track.receive({ kind: "fir", mediaSsrc: SSRC, sequence: 1 });
  assert.equal(asked, 4);
  track.receive({ kind: "pli", mediaSsrc: RTX_SSRC });
  track.receive({ kind: "fir", mediaSsrc: 0, sequence: 9 });
  track.receive({ kind: "remb", bitrate: 1, ssrcs: [SSRC] });
  track.receive({ kind: "bye", ssrc: SSRC });
  assert.equal(asked, 4);
  assert.equal(track.stats.keyFrameRequests, 4);
});

Deno.test("reports after 0.1 s and then every 0.8 s, once the media clock runs", () => {
  const { clock, sender, track } = makeTrack();
  let origin = Number.POSITIVE_INFINITY;
  track.start({ mediaNow: () => clock.now() - origin });
  clock.turn(1);
  assert.equal(sender.rtcp.length, 0, "there is no media time to report yet");
  origin = clock.now();
  const times: number[] = [];
  for (let step = 0; step < 40; step++) {
    const before = sender.rtcp.length;
    clock.turn(0.1);
    if (sender.rtcp.length > before) times.push(step);
  }
  assert.equal(sender.rtcp.length, 5);
  assert.deepEqual(times.map((step, index) => step - (times[index - 1] ?? step)), [0, 8, 8, 8, 8]);
  const fresh = makeTrack();
  fresh.track.start({ mediaNow: () => fresh.clock.now() });
  fresh.clock.turn(0.09);
  assert.equal(fresh.sender.rtcp.length, 0);
  fresh.clock.turn(0.02);
  assert.equal(fresh.sender.rtcp.length, 1);
  track.close();
  fresh.track.close();
});

Deno.test("says in a report which media time belongs to which wall clock time", () => {
  const { clock, sender, track } = makeTrack();
  clock.turn(7.123);
  const origin = clock.now() - 2;
  track.start({ mediaNow: () => clock.now() - origin });
  track.send([noise(100), noise(20)], { mediaTime: 1.9, key: true });
  track.receive(nack(sender.at(0).fields.sequenceNumber));
  clock.turn(0.1);
  track.send([noise(30)], { mediaTime: clock.now() - origin, key: true });
  const data = sender.rtcp[0];
  assert.ok(data !== undefined && sender.rtcp.length === 1);
  const view = new DataView(data.buffer, data.byteOffset);
  assert.equal(view.getUint16(0), 0x80c8, "a sender report without report blocks");
  assert.equal(view.getUint32(4), SSRC);
  const unix = view.getUint32(8) + view.getUint32(12) / 2 ** 32 - 2_208_988_800;
  assert.ok(Math.abs(unix - clock.unixTime()) < 1e-6, `${unix} instead of ${clock.unixTime()}`);
  const timestamp = sender.at(-1).fields.timestamp;
  assert.ok(Math.abs(view.getUint32(16) - timestamp) <= 1, "the frame of this instant has this timestamp");
  assert.equal(view.getUint32(20), 2, "packets, without the one sent again");
  assert.equal(view.getUint32(24), 120, "octets of payload");
  assert.equal(view.getUint16(28), 0x81ca, "followed by a source description");
  assert.match(new TextDecoder().decode(data.subarray(32)), /somebody/);
  track.close();
});

Deno.test("measures the round trip from the report that the viewer echoes", () => {
  const { clock, sender, track } = makeTrack();
  track.start({ mediaNow: () => clock.now() });
  clock.turn(0.1);
  const middle = sender.rtcp[0]?.slice(10, 14);
  assert.ok(middle !== undefined);
  clock.turn(0.12);
  track.receive(receiverReport(middle, 0.05));
  assert.ok(Math.abs(track.stats.roundTrip - 0.07) < 0.001, `${track.stats.roundTrip} s`);
  assert.equal(track.stats.fractionLost, 0.25);
  assert.equal(track.stats.packetsLost, 5);
  const measured = track.stats.roundTrip;
  track.receive(receiverReport(hex("00 00 00 00"), 0));
  track.receive(receiverReport(hex("12 34 56 78"), 0));
  assert.equal(track.stats.roundTrip, measured, "a report that echoes nothing of ours measures nothing");
  track.receive(receiverReport(middle, 30));
  assert.equal(track.stats.roundTrip, 0, "never negative");
  track.close();
});

Deno.test("knows the last sixteen reports, whichever of them the viewer echoes", () => {
  const { clock, sender, track } = makeTrack();
  track.start({ mediaNow: () => clock.now() });
  clock.turn(60);
  const early = sender.rtcp.at(-16)?.slice(10, 14);
  assert.ok(early !== undefined);
  track.receive(receiverReport(early, 0));
  assert.ok(track.stats.roundTrip > 11 && track.stats.roundTrip < 13.7, `${track.stats.roundTrip} s`);
  track.close();
});

Deno.test("ignores reports about other tracks", () => {
  const { track } = makeTrack({ ssrc: 99 });
  track.receive(receiverReport(hex("00 00 00 00"), 0));
  assert.equal(track.stats.fractionLost, 0);
});

Deno.test("is silent once it is closed", () => {
  const { clock, sender, track } = makeTrack();
  let asked = 0;
  track.keyFrameRequested.on(() => asked++);
  track.start({ mediaNow: () => clock.now() });
  clock.turn(1);
  const before = sender.rtcp.length;
  track.close();
  clock.turn(10);
  assert.equal(sender.rtcp.length, before);
  assert.equal(clock.pending, 0, "no timer is left");
  track.receive({ kind: "pli", mediaSsrc: SSRC });
  assert.equal(asked, 0);
});
