import assert from "node:assert/strict";
import { SampleBuffer } from "../../../src/stream/mod.ts";

Deno.test("reads across blocks and reads silence where nothing was written", () => {
  const buffer = new SampleBuffer(1);
  buffer.write(10, Int16Array.of(1, 2, 3));
  buffer.write(13, Int16Array.of(4, 5));
  buffer.write(18, Int16Array.of(6));
  assert.deepEqual([...buffer.read(8, 12)], [0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 6, 0]);
});

Deno.test("keeps what lies behind the end of a read", () => {
  const buffer = new SampleBuffer(1);
  buffer.write(0, Int16Array.of(1, 2, 3, 4, 5, 6));
  assert.deepEqual([...buffer.read(0, 2)], [1, 2]);
  assert.deepEqual([...buffer.read(2, 3)], [3, 4, 5]);
  assert.deepEqual([...buffer.read(5, 3)], [6, 0, 0]);
});

Deno.test("forgets what was read, and what lay before it", () => {
  const buffer = new SampleBuffer(1);
  buffer.write(0, Int16Array.of(1, 2, 3, 4));
  buffer.read(2, 2);
  assert.deepEqual([...buffer.read(0, 4)], [0, 0, 0, 0]);
});

Deno.test("counts positions per channel and keeps channels together", () => {
  const buffer = new SampleBuffer(2);
  buffer.write(100, Int16Array.of(1, -1, 2, -2, 3, -3));
  assert.deepEqual([...buffer.read(99, 3)], [0, 0, 1, -1, 2, -2]);
  assert.deepEqual([...buffer.read(102, 2)], [3, -3, 0, 0]);
});

Deno.test("takes an empty block for nothing", () => {
  const buffer = new SampleBuffer(2);
  buffer.write(5, new Int16Array(0));
  assert.deepEqual([...buffer.read(4, 2)], [0, 0, 0, 0]);
});

Deno.test("turns what waits into stereo", () => {
  const mono = new SampleBuffer(1);
  mono.write(10, Int16Array.of(1, 2, 3, 4));
  mono.read(10, 1);
  const stereo = mono.toStereo();
  assert.equal(stereo.channels, 2);
  stereo.write(14, Int16Array.of(5, 6));
  assert.deepEqual([...stereo.read(11, 4)], [2, 2, 3, 3, 4, 4, 5, 6]);
});
