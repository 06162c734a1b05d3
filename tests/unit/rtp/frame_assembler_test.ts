import assert from "node:assert/strict";
import {
  type AssembledFrame,
  depacketizeH264,
  depacketizeVp8,
  FrameAssembler,
  type MediaPacket,
} from "../../../src/rtp/mod.ts";

/** Pictures of a few packets each; every payload names its picture, so that a mixed-up one shows. */
class Sender {
  #sequence: number;
  #picture = 0;

  constructor(first = 0xfff0) {
    this.#sequence = first;
  }

  picture({ key = false, packets = 3 } = {}): MediaPacket[] {
    const number = ++this.#picture;
    return Array.from({ length: packets }, (_, index) => ({
      sequenceNumber: this.#next(),
      timestamp: number * 3000,
      marker: index === packets - 1,
      payload: Uint8Array.of(index === 0 ? 0x10 : 0x00, index === 0 ? (key ? 0x10 : 0x11) : number, number),
    }));
  }

  probe(): MediaPacket {
    return { sequenceNumber: this.#next(), timestamp: this.#picture * 3000, marker: false, payload: new Uint8Array(0) };
  }

  jump(by: number): void {
    this.#sequence = (this.#sequence + by) & 0xffff;
  }

  #next(): number {
    const sequenceNumber = this.#sequence;
    this.#sequence = (sequenceNumber + 1) & 0xffff;
    return sequenceNumber;
  }
}

/** Numbers of pictures: each is whole and unmixed, or this fails. */
function numbers(frames: readonly AssembledFrame[]): number[] {
  return frames.map(({ data }) => {
    const number = data[1] ?? -1;
    for (let at = 2; at < data.length; at++) assert.equal(data[at], number, "a picture of two pictures");
    return number;
  });
}

function feed(assembler: FrameAssembler, packets: readonly MediaPacket[], now = 0): number[] {
  return packets.flatMap((packet) => numbers(assembler.add(packet, now)));
}

Deno.test("gives out whole pictures in order, across the wrap of sequence numbers", () => {
  const sender = new Sender();
  const assembler = new FrameAssembler(depacketizeVp8);
  assert.equal(assembler.needsKeyFrame, true);
  const packets = Array.from({ length: 20 }, (_, index) => sender.picture({ key: index === 0 })).flat();
  assert.deepEqual(feed(assembler, packets), Array.from({ length: 20 }, (_, index) => index + 1));
  assert.equal(assembler.needsKeyFrame, false);
});

Deno.test("begins with a key frame only", () => {
  const sender = new Sender(0);
  const assembler = new FrameAssembler(depacketizeVp8);
  const [, ...rest] = sender.picture({ key: true });
  assert.deepEqual(feed(assembler, [...rest, ...sender.picture(), ...sender.picture({ key: true })]), [3]);
});

Deno.test("puts late packets in their place and ignores those that come twice", () => {
  const sender = new Sender();
  const assembler = new FrameAssembler(depacketizeVp8);
  const all = [...sender.picture({ key: true }), ...sender.picture(), ...sender.picture()];
  const shuffled = [0, 2, 1, 1, 5, 3, 4, 8, 7, 6, 3, 0].map((index) => all[index] as MediaPacket);
  assert.deepEqual(feed(assembler, shuffled), [1, 2, 3]);
});

Deno.test("steps over packets that only probe the path", () => {
  const sender = new Sender(0);
  const assembler = new FrameAssembler(depacketizeVp8);
  const packets = [...sender.picture({ key: true }), sender.probe(), sender.probe(), ...sender.picture()];
  assert.deepEqual(feed(assembler, packets), [1, 2]);
});

Deno.test("asks for what is missing after a moment, again after a while, and goes on when it has come", () => {
  const sender = new Sender();
  const assembler = new FrameAssembler(depacketizeVp8);
  feed(assembler, sender.picture({ key: true }), 0);
  const [first, lost, last] = sender.picture() as [MediaPacket, MediaPacket, MediaPacket];
  assert.deepEqual(feed(assembler, [first, last, ...sender.picture()], 1), []);
  assert.deepEqual(assembler.poll(1.005).ask, [], "it may only be late");
  assert.deepEqual(assembler.poll(1.02).ask, [lost.sequenceNumber]);
  assert.deepEqual(assembler.poll(1.03).ask, []);
  assert.deepEqual(assembler.poll(1.08).ask, [lost.sequenceNumber]);
  assert.deepEqual(feed(assembler, [lost], 1.1), [2, 3]);
  assert.deepEqual(assembler.poll(1.2).ask, []);
  assert.equal(assembler.needsKeyFrame, false);
});

Deno.test("gives up what does not come and shows nothing that hangs on it, up to the next key frame", () => {
  const sender = new Sender();
  const assembler = new FrameAssembler(depacketizeVp8);
  feed(assembler, sender.picture({ key: true }), 0);
  const [, ...cut] = sender.picture();
  feed(assembler, [...cut, ...sender.picture()], 1);
  assert.deepEqual(assembler.poll(1.29).frames, []);
  assert.equal(assembler.needsKeyFrame, false);
  assert.deepEqual(numbers(assembler.poll(1.31).frames), []);
  assert.equal(assembler.needsKeyFrame, true);
  assert.deepEqual(feed(assembler, [...sender.picture(), ...sender.picture({ key: true }), ...sender.picture()], 2), [
    5,
    6,
  ]);
  assert.ok(assembler.framesLost > 0);
});

Deno.test("whole pictures that are lost are missed as well, though those behind them are complete", () => {
  for (const lost of [1, 4]) {
    const sender = new Sender();
    const assembler = new FrameAssembler(depacketizeVp8);
    feed(assembler, sender.picture({ key: true }), 0);
    for (let n = 0; n < lost; n++) sender.picture();
    assert.deepEqual(feed(assembler, [...sender.picture(), ...sender.picture()], 1), []);
    assert.deepEqual(numbers(assembler.poll(1.31).frames), [], "what they are built on never came");
    assert.deepEqual(feed(assembler, [...sender.picture(), ...sender.picture({ key: true })], 2), [lost + 5]);
  }
});

Deno.test("a whole key frame does not wait for what is missing before it", () => {
  const sender = new Sender();
  const assembler = new FrameAssembler(depacketizeVp8);
  feed(assembler, sender.picture({ key: true }), 0);
  const [, ...cut] = sender.picture();
  const shown = feed(assembler, [...cut, ...sender.picture({ key: true }), ...sender.picture()], 1);
  assert.deepEqual(shown, [3, 4]);
  assert.deepEqual(assembler.poll(1.02).ask, [], "what nobody needs any more is not asked for");
  assert.equal(assembler.needsKeyFrame, false);
});

Deno.test("a key frame with a gap of its own is repaired, though an older gap before it is given up", () => {
  const sender = new Sender();
  const assembler = new FrameAssembler(depacketizeVp8);
  feed(assembler, sender.picture({ key: true }), 0);
  const [, ...cut] = sender.picture();
  feed(assembler, cut, 1);
  const [begin, lost, ...rest] = sender.picture({ key: true, packets: 5 }) as [MediaPacket, MediaPacket];
  assert.deepEqual(feed(assembler, [begin, ...rest, ...sender.picture()], 1.25), []);
  const { ask, frames } = assembler.poll(1.31);
  assert.deepEqual(frames, []);
  assert.deepEqual(ask, [lost.sequenceNumber]);
  assert.deepEqual(feed(assembler, [lost], 1.35), [3, 4]);
});

Deno.test("a key frame right behind a gap that is given up is not lost, though it is still on its way", () => {
  const sender = new Sender();
  const assembler = new FrameAssembler(depacketizeVp8);
  feed(assembler, sender.picture({ key: true }), 0);
  const [...cut] = sender.picture().slice(0, 2);
  feed(assembler, cut, 1);
  const [begin, ...rest] = sender.picture({ key: true, packets: 4 }) as [MediaPacket];
  feed(assembler, [begin], 1);
  assert.deepEqual(numbers(assembler.poll(1.31).frames), []);
  assert.deepEqual(feed(assembler, rest, 1.32), [3]);
});

Deno.test("H.264: a part of a picture behind a gap is never taken for a whole one", () => {
  const start = [0, 0, 0, 1];
  const slices = [0x67, 0x68, 0x65, 0x65].map((header) => Uint8Array.from([header, 0x80, 1, 2, 3]));
  const packets = [...slices, Uint8Array.from([0x41, 0x80, 9])].map((payload, index) => ({
    sequenceNumber: index + 1,
    timestamp: index < 4 ? 3000 : 6000,
    marker: index >= 3,
    payload,
  }));
  for (let lost = 0; lost < 4; lost++) {
    const assembler = new FrameAssembler(depacketizeH264);
    const before = { sequenceNumber: 0, timestamp: 0, marker: true, payload: Uint8Array.of(0x41, 0x80) };
    const left = packets.filter((_, index) => index !== lost);
    const frames = [before, ...left].flatMap((packet) => assembler.add(packet, 0));
    assert.deepEqual([...frames, ...assembler.poll(0.4).frames], [], `packet ${lost} is missing`);
  }
  const assembler = new FrameAssembler(depacketizeH264);
  const [whole] = packets.flatMap((packet) => assembler.add(packet, 0));
  assert.deepEqual(whole?.data, Uint8Array.from(slices.flatMap((slice) => [...start, ...slice])));
});

Deno.test("begins anew when the sender does", () => {
  const sender = new Sender(100);
  const assembler = new FrameAssembler(depacketizeVp8);
  assert.deepEqual(feed(assembler, sender.picture({ key: true })), [1]);
  sender.jump(20_000);
  assert.deepEqual(feed(assembler, [...sender.picture(), ...sender.picture({ key: true })]), [3]);
});

Deno.test("begins anew when the sender goes back by a little and stays there", () => {
  const sender = new Sender(30_000);
  const assembler = new FrameAssembler(depacketizeVp8);
  feed(assembler, sender.picture({ key: true }));
  sender.jump(-1000);
  const shown = Array.from({ length: 80 }, (_, index) => feed(assembler, sender.picture({ key: index % 10 === 0 })))
    .flat();
  assert.ok(shown.length > 30, `${shown.length} of 80 pictures`);
});

Deno.test("a picture that never ends is not kept for ever", () => {
  const assembler = new FrameAssembler(depacketizeVp8);
  const begin = Uint8Array.of(0x10, 0x10, 1);
  for (let n = 0; n < 10_000; n++) {
    const payload = n === 0 ? begin : Uint8Array.of(0, 1);
    const packet = { sequenceNumber: n, timestamp: 1, marker: false, payload };
    assert.deepEqual(assembler.add(packet, n / 1000), []);
  }
  const key = { sequenceNumber: 10_000, timestamp: 2, marker: true, payload: begin };
  assert.deepEqual(assembler.add(key, 11).map((frame) => frame.key), [true]);
});

Deno.test("what did not decode is followed by a key frame", () => {
  const sender = new Sender(100);
  const assembler = new FrameAssembler(depacketizeVp8);
  feed(assembler, sender.picture({ key: true }));
  assembler.demandKeyFrame();
  assert.deepEqual(feed(assembler, [...sender.picture(), ...sender.picture({ key: true })]), [3]);
});

Deno.test("holds a bounded number of packets, whatever comes, and gives out nothing mixed up", () => {
  const sender = new Sender();
  const assembler = new FrameAssembler(depacketizeVp8);
  let state = 1;
  const random = () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
  const shown: number[] = [];
  for (let round = 0; round < 120; round++) {
    const packets = sender.picture({ key: round % 12 === 0, packets: 1 + Math.floor(random() * 6) });
    const arrived = packets.filter(() => random() > 0.1).sort(() => random() - 0.5);
    const now = round / 25;
    shown.push(...feed(assembler, arrived, now), ...numbers(assembler.poll(now).frames));
  }
  assert.ok(shown.length > 10 && shown.length < 120, String(shown.length));
  assert.deepEqual(shown, shown.toSorted((a, b) => a - b));
});
