import assert from "node:assert/strict";
import { AudioReorder } from "../../../src/webrtc/audio_reorder.ts";

/** Feeds packets whose payload is their own number; gaps come out as null. */
function feed(reorder: AudioReorder, numbers: readonly number[]): (number | null)[] {
  return numbers.flatMap((number) => {
    const payload = Uint8Array.of(number >> 8, number & 0xff);
    return reorder.add({ sequenceNumber: number, payload }).map((data) => {
      return data === null ? null : ((data[0] ?? 0) << 8) | (data[1] ?? 0);
    });
  });
}

Deno.test("gives packets out at once while they come in order, across the wrap", () => {
  const reorder = new AudioReorder();
  for (const number of [65_534, 65_535, 0, 1]) assert.deepEqual(feed(reorder, [number]), [number]);
});

Deno.test("waits for a late packet and puts it in its place", () => {
  const reorder = new AudioReorder();
  assert.deepEqual(feed(reorder, [10, 12, 13]), [10]);
  assert.deepEqual(feed(reorder, [11]), [11, 12, 13]);
});

Deno.test("gives a gap for each packet that has not come when four later ones have", () => {
  const reorder = new AudioReorder();
  assert.deepEqual(feed(reorder, [10, 12, 13, 14]), [10]);
  assert.deepEqual(feed(reorder, [15]), [null, 12, 13, 14, 15]);
  assert.deepEqual(feed(reorder, [18, 19, 20, 21]), [null, null, 18, 19, 20, 21]);
});

Deno.test("ignores what comes twice and what comes after its gap", () => {
  const reorder = new AudioReorder();
  assert.deepEqual(feed(reorder, [10, 10, 12, 12, 13, 14, 15, 11, 13]), [10, null, 12, 13, 14, 15]);
});

Deno.test("steps over packets without sound and a pause of the sender without gaps", () => {
  const reorder = new AudioReorder();
  feed(reorder, [10]);
  assert.deepEqual(reorder.add({ sequenceNumber: 11, payload: new Uint8Array(0) }), []);
  assert.deepEqual(feed(reorder, [12, 500, 501]), [12, 500, 501]);
});

Deno.test("goes on when the sender begins anew at lower numbers", () => {
  const reorder = new AudioReorder();
  feed(reorder, Array.from({ length: 50 }, (_, index) => 30_000 + index));
  const heard = feed(reorder, Array.from({ length: 50 }, (_, index) => 20_000 + index));
  assert.ok(heard.length >= 35, `${heard.length} of 50 packets`);
  assert.deepEqual(heard.slice(-3), [20_047, 20_048, 20_049]);
});

Deno.test("holds a few packets, whatever comes", () => {
  const reorder = new AudioReorder();
  let state = 1;
  const random = () => (state = (state * 48_271) % 0x7fffffff);
  for (let round = 0; round < 5000; round++) {
    assert.ok(reorder.add({ sequenceNumber: random() & 0xffff, payload: Uint8Array.of(1) }).length <= 15);
  }
});
