import assert from "node:assert/strict";
import type { ReceivedAudio, ReceivedFrame } from "../../../src/media/mod.ts";
import { readRtcp, type RtcpReading, Vp8Packetizer } from "../../../src/rtp/mod.ts";
import { InboundAudio, type InboundPacket, InboundVideo } from "../../../src/webrtc/inbound_track.ts";
import type { PacketSender } from "../../../src/webrtc/packet_sender.ts";
import type { CongestionFeedback } from "../../../src/webrtc/send_path.ts";
import { ManualClock } from "../support/manual_clock.ts";

const SSRC = 0x11223344;
const RTX_SSRC = 0x55667788;
const OWN_SSRC = 99;
const MEDIA = 96;
const RTX = 97;
const OPUS = 111;
const MAX_BITRATE = 2_500_000;

/** Keeps what is sent to the viewer. */
class RecordingSender {
  readonly sent: RtcpReading[] = [];
  readonly raw: Uint8Array[] = [];

  sendRtcp(compound: Uint8Array): void {
    this.raw.push(compound);
    this.sent.push(...readRtcp(compound));
  }

  of<K extends RtcpReading["kind"]>(kind: K): Extract<RtcpReading, { kind: K }>[] {
    return this.sent.filter((reading): reading is Extract<RtcpReading, { kind: K }> => reading.kind === kind);
  }
}

/** A camera whose pictures are 2500 bytes in three packets, each byte behind the first its number. */
class Camera {
  ssrc = SSRC;
  sequence = 65_530;
  #picture = 0;

  picture(key = false): InboundPacket[] {
    const number = ++this.#picture;
    const frame = new Uint8Array(2500).fill(number & 0xff);
    frame[0] = key ? 0x10 : 0x11;
    const payloads = new Vp8Packetizer(number).packetize(frame, 1000);
    return payloads.map((payload, index) => this.packet({ payload, number, marker: index === payloads.length - 1 }));
  }

  packet({ payload, number, marker }: { payload: Uint8Array; number: number; marker: boolean }): InboundPacket {
    const sequenceNumber = this.sequence;
    this.sequence = (sequenceNumber + 1) & 0xffff;
    return { ssrc: this.ssrc, payloadType: MEDIA, sequenceNumber, timestamp: number * 3000, marker, payload };
  }
}

function retransmission({ sequenceNumber, timestamp, marker, payload }: InboundPacket): InboundPacket {
  const wrapped = Uint8Array.of(sequenceNumber >> 8, sequenceNumber & 0xff, ...payload);
  return { ssrc: RTX_SSRC, payloadType: RTX, sequenceNumber: 7, timestamp, marker, payload: wrapped };
}

function makeVideo(
  { rtxPayloadType = RTX, feedback = "goog-remb" }: {
    rtxPayloadType?: number | undefined;
    feedback?: CongestionFeedback;
  } = {},
) {
  const clock = new ManualClock();
  const sender = new RecordingSender();
  const video = new InboundVideo({
    codec: "VP8",
    payloadType: MEDIA,
    rtxPayloadType,
    maxBitrate: MAX_BITRATE,
    feedback,
    sender: sender as unknown as PacketSender,
    clock,
    ownSsrc: OWN_SSRC,
  });
  const frames: ReceivedFrame[] = [];
  video.frame.on((frame) => frames.push(frame));
  /** Numbers of the pictures so far; each has to be whole and unmixed. */
  function shown(): number[] {
    return frames.map(({ data }) => {
      assert.equal(data.length, 2500);
      assert.equal(new Set(data.subarray(1)).size, 1, "a picture of two pictures");
      return data[1] ?? -1;
    });
  }
  function receive(packets: readonly InboundPacket[]): void {
    for (const packet of packets) video.receive(packet);
  }
  return { clock, sender, video, frames, shown, receive, camera: new Camera() };
}

Deno.test("gives whole pictures with the time at which they were complete", () => {
  const { clock, frames, shown, receive, video, camera } = makeVideo();
  receive(camera.picture(true));
  clock.turn(0.04);
  receive(camera.picture());
  assert.deepEqual(shown(), [1, 2]);
  assert.deepEqual(frames.map(({ codec, key, receivedAt }) => ({ codec, key, receivedAt })), [
    { codec: "VP8", key: true, receivedAt: ManualClock.EPOCH },
    { codec: "VP8", key: false, receivedAt: ManualClock.EPOCH + 0.04 },
  ]);
  assert.equal(video.stats.frames, 2);
  assert.equal(video.stats.packets, 6);
  video.close();
});

Deno.test("leaves packets of other tracks alone", () => {
  const { video, camera, clock } = makeVideo();
  const [packet] = camera.picture(true);
  assert.ok(packet !== undefined);
  assert.equal(video.receive({ ...packet, payloadType: OPUS }), false);
  assert.equal(video.stats.packets, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("asks for a lost packet after 10 ms, again after 50 ms, and shows its picture when it is sent again", () => {
  const { clock, sender, shown, receive, video, camera } = makeVideo();
  receive(camera.picture(true));
  const [first, lost, last] = camera.picture() as [InboundPacket, InboundPacket, InboundPacket];
  receive([first, last, ...camera.picture()]);
  clock.turn(0.009);
  assert.deepEqual(sender.of("nack"), []);
  clock.turn(0.016);
  assert.deepEqual(sender.of("nack"), [{ kind: "nack", mediaSsrc: SSRC, lost: [lost.sequenceNumber] }]);
  clock.turn(0.06);
  assert.equal(sender.of("nack").length, 2);
  receive([retransmission(lost)]);
  assert.deepEqual(shown(), [1, 2, 3]);
  clock.turn(1);
  assert.equal(sender.of("nack").length, 2);
  assert.deepEqual(sender.of("pli"), []);
  video.close();
});

Deno.test("gives a packet up after 0.3 s, asks for a key frame and shows nothing before it", () => {
  const { clock, sender, shown, receive, video, camera } = makeVideo();
  receive(camera.picture(true));
  receive(camera.picture().slice(1));
  clock.turn(0.29);
  assert.deepEqual(sender.of("pli"), []);
  clock.turn(0.03);
  assert.deepEqual(sender.of("pli"), [{ kind: "pli", mediaSsrc: SSRC }]);
  receive(camera.picture());
  assert.deepEqual(shown(), [1]);
  receive([...camera.picture(true), ...camera.picture()]);
  assert.deepEqual(shown(), [1, 4, 5]);
  video.close();
});

Deno.test("asks for a key frame at most every half second while the camera sends, and is quiet when it stops", () => {
  const { clock, sender, receive, video, camera } = makeVideo();
  for (let n = 0; n < 50; n++) {
    receive(camera.picture());
    clock.turn(0.04);
  }
  const asked = sender.of("pli").length;
  assert.ok(asked >= 3 && asked <= 4, `${asked} in two seconds`);
  clock.turn(60);
  assert.ok(sender.of("pli").length <= asked + 4, "a camera that is off cannot give a key frame");
  receive(camera.picture());
  clock.turn(0.6);
  assert.ok(sender.of("pli").length > asked, "it is asked again once it sends");
  video.close();
});

Deno.test("does not ask for a key frame while the first one is still on its way", () => {
  const { clock, sender, shown, receive, video, camera } = makeVideo();
  for (const packet of camera.picture(true)) {
    receive([packet]);
    clock.turn(0.03);
  }
  assert.deepEqual(shown(), [1]);
  assert.deepEqual(sender.of("pli"), []);
  video.close();
});

Deno.test("asks for a key frame when a picture does not decode", () => {
  const { clock, sender, shown, receive, video, camera } = makeVideo();
  receive(camera.picture(true));
  clock.turn(1);
  video.requestKeyFrame();
  assert.equal(sender.of("pli").length, 1);
  receive([...camera.picture(), ...camera.picture(true)]);
  assert.deepEqual(shown(), [1, 3]);
  video.close();
});

Deno.test("a retransmission that was not asked for changes nothing, whatever number it carries", () => {
  const { sender, shown, receive, clock, video, camera } = makeVideo();
  const key = camera.picture(true);
  receive(key);
  for (const sequenceNumber of [0, 1000, 20_000, 40_000, 65_000]) {
    for (const packet of key) receive([retransmission({ ...packet, sequenceNumber })]);
  }
  receive([{ ...retransmission(key[0] as InboundPacket), payload: Uint8Array.of(1) }]);
  receive(camera.picture());
  clock.turn(0.2);
  assert.deepEqual(shown(), [1, 2]);
  assert.deepEqual(sender.of("nack"), []);
  assert.deepEqual(sender.of("pli"), []);
  video.close();
});

Deno.test("goes on at once with a stream that takes the place of another, wherever its numbers begin", () => {
  for (const distance of [-2000, -100, 3, 500, 20_000]) {
    const { shown, receive, clock, sender, video, camera } = makeVideo();
    receive([...camera.picture(true), ...camera.picture()]);
    camera.ssrc = SSRC + 1;
    camera.sequence = (camera.sequence + distance) & 0xffff;
    receive(camera.picture());
    assert.deepEqual(shown(), [1, 2], `${distance}: nothing before its key frame`);
    receive([...camera.picture(true), ...camera.picture()]);
    assert.deepEqual(shown(), [1, 2, 4, 5], `${distance}`);
    clock.turn(0.5);
    assert.deepEqual(sender.of("nack"), [], `${distance}: what was never sent is not asked for`);
    video.close();
  }
});

Deno.test("reports reception every second, with the viewer's last sender report", () => {
  const { clock, sender, receive, video, camera } = makeVideo();
  receive(camera.picture(true));
  receive(camera.picture().slice(0, 2));
  clock.turn(0.4);
  video.receiveReport({ kind: "sender_report", ssrc: SSRC, compactNtp: 0xabcd });
  video.receiveReport({ kind: "sender_report", ssrc: SSRC + 1, compactNtp: 1 });
  receive(camera.picture(true));
  clock.turn(0.6);
  const [report] = sender.of("report");
  assert.equal(sender.of("report").length, 1);
  assert.equal(report?.block.ssrc, SSRC);
  assert.equal(report?.block.packetsLost, 1);
  assert.equal(report?.block.lastReport, 0xabcd);
  assert.ok(Math.abs((report?.block.delaySinceLastReport ?? 0) - 0.6) < 0.001);
  assert.equal(video.stats.packetsLost, 1);
  video.close();
});

Deno.test("allows less while a tenth is lost, and more again afterwards, up to the maximum", () => {
  const { clock, sender, receive, video, camera } = makeVideo();
  function second(lossEvery: number): number {
    for (let n = 0; n < 25; n++) {
      receive(camera.picture(n === 0).filter((_, index) => lossEvery === 0 || (n * 3 + index) % lossEvery !== 1));
      clock.turn(0.04);
    }
    return sender.of("remb").at(-1)?.bitrate ?? 0;
  }
  const allowed = (bitrate: number) => Math.abs(bitrate - MAX_BITRATE) < 100;
  assert.ok(allowed(second(0)));
  assert.ok(sender.of("remb").length >= 2, "every half second");
  second(4);
  const low = second(4);
  assert.ok(low < MAX_BITRATE * 0.9, `${low} bit/s`);
  for (let n = 0; n < 60; n++) second(3);
  assert.ok(second(3) >= 100_000, "something is always allowed");
  for (let n = 0; n < 60; n++) second(0);
  assert.ok(allowed(second(0)), "all of it again");
  video.close();
});

Deno.test("a viewer that hears of every packet goes by that, and is told the maximum alone", () => {
  const { clock, sender, receive, video, camera } = makeVideo({ feedback: "transport-cc" });
  for (let n = 0; n < 100; n++) {
    receive(camera.picture(n % 25 === 0).filter((_, index) => (n * 3 + index) % 3 !== 1));
    clock.turn(0.04);
  }
  const told = sender.of("remb");
  assert.ok(told.length >= 7, `${told.length} times in four seconds`);
  assert.ok(told.every(({ bitrate }) => Math.abs(bitrate - MAX_BITRATE) < 100));
  video.close();
});

Deno.test("says and schedules nothing once it is closed, whatever still comes", () => {
  for (const before of [true, false]) {
    const { clock, sender, frames, receive, video, camera } = makeVideo();
    if (before) receive(camera.picture(true));
    const said = sender.sent.length;
    video.close();
    receive([...camera.picture(true), ...camera.picture().slice(1)]);
    video.requestKeyFrame();
    clock.turn(5);
    assert.equal(sender.sent.length, said);
    assert.equal(frames.length, before ? 1 : 0);
    assert.equal(clock.pending, 0);
  }
});

Deno.test("may be closed from inside of a picture", () => {
  const { clock, receive, video, camera } = makeVideo();
  receive(camera.picture(true));
  video.frame.on(() => video.close());
  const late = camera.picture();
  receive(late.slice(1));
  receive(camera.picture(true));
  clock.turn(5);
  assert.equal(clock.pending, 0);
});

Deno.test("survives packets of every kind and gives out nothing mixed up", () => {
  const { clock, shown, receive, video, camera } = makeVideo();
  let state = 7;
  const random = () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
  for (let round = 0; round < 600; round++) {
    const packets = camera.picture(round % 30 === 0);
    receive(packets.filter(() => random() > 0.05));
    if (random() < 0.2) {
      const payload = Uint8Array.from({ length: Math.floor(random() * 6) }, () => random() * 256);
      const sequenceNumber = Math.floor(random() * 65_536);
      const timestamp = Math.floor(random() * 2 ** 32);
      receive([{ ssrc: RTX_SSRC, payloadType: RTX, sequenceNumber, timestamp, marker: random() < 0.5, payload }]);
    }
    clock.turn(0.04);
  }
  assert.ok(shown().length > 60, `${shown().length} pictures`);
  video.close();
});

function makeAudio() {
  const clock = new ManualClock();
  const sender = new RecordingSender();
  const audio = new InboundAudio({
    payloadTypes: new Set([OPUS]),
    sender: sender as unknown as PacketSender,
    clock,
    ownSsrc: OWN_SSRC,
  });
  const heard: ReceivedAudio[] = [];
  audio.packet.on((packet) => heard.push(packet));
  function receive(numbers: readonly number[], ssrc = SSRC): void {
    for (const n of numbers) {
      const payload = Uint8Array.of(n & 0xff);
      audio.receive({ ssrc, payloadType: OPUS, sequenceNumber: n, timestamp: n * 960, marker: false, payload });
    }
  }
  return { clock, sender, audio, receive, numbers: () => heard.map(({ data }) => data?.[0] ?? null), heard };
}

Deno.test("sound: gives packets in order with a gap for each that is lost", () => {
  const { audio, receive, numbers, heard } = makeAudio();
  receive([10, 12, 11, 14, 15, 16, 17]);
  assert.deepEqual(numbers(), [10, 11, 12, null, 14, 15, 16, 17]);
  assert.equal(heard[0]?.receivedAt, ManualClock.EPOCH);
  assert.equal(
    audio.receive({
      ssrc: 1,
      payloadType: MEDIA,
      sequenceNumber: 1,
      timestamp: 1,
      marker: false,
      payload: new Uint8Array(1),
    }),
    false,
  );
  audio.close();
});

Deno.test("sound: goes on with a stream that takes the place of another, and reports on that one", () => {
  const { clock, sender, audio, receive, numbers } = makeAudio();
  receive([100, 101]);
  receive([50, 51], SSRC + 1);
  assert.deepEqual(numbers(), [100, 101, 50, 51]);
  audio.receiveReport({ kind: "sender_report", ssrc: SSRC + 1, compactNtp: 5 });
  clock.turn(1.01);
  const reports = sender.of("report");
  assert.deepEqual(reports.map(({ block }) => [block.ssrc, block.lastReport]), [[SSRC + 1, 5]]);
  assert.deepEqual(sender.of("nack"), []);
  audio.close();
});

Deno.test("sound: says and schedules nothing once it is closed, whatever still comes", () => {
  for (const before of [true, false]) {
    const { clock, sender, audio, receive, numbers } = makeAudio();
    if (before) receive([1]);
    audio.close();
    receive([2, 3]);
    clock.turn(5);
    assert.deepEqual(sender.sent, []);
    assert.deepEqual(numbers(), before ? [1] : []);
    assert.equal(clock.pending, 0);
  }
});
