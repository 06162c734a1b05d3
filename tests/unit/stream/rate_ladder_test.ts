import assert from "node:assert/strict";
import { RateLadder } from "../../../src/stream/rate_ladder.ts";

const HD = { width: 1280, height: 720, fps: 24 };

/** Of ten pictures, how many are sent. */
function sent(ladder: RateLadder): number {
  return Array.from({ length: 12 }, () => ladder.takes()).filter(Boolean).length;
}

Deno.test("all pictures are sent while there are bits for them", () => {
  const ladder = new RateLadder(2_000_000);
  for (const bitrate of [2_000_000, 800_000, 450_000]) {
    ladder.update(bitrate, HD);
    assert.deepEqual([ladder.divisor, sent(ladder)], [1, 12], `${bitrate} bit/s`);
  }
});

Deno.test("on a narrow network every second or third is sent, and more only when that is well affordable", () => {
  const ladder = new RateLadder(2_000_000);
  ladder.update(400_000, HD);
  assert.deepEqual([ladder.divisor, sent(ladder)], [2, 6]);
  ladder.update(200_000, HD);
  assert.deepEqual([ladder.divisor, sent(ladder)], [3, 4]);
  ladder.update(260_000, HD);
  assert.equal(ladder.divisor, 3);
  ladder.update(320_000, HD);
  assert.equal(ladder.divisor, 2);
  ladder.update(500_000, HD);
  assert.equal(ladder.divisor, 2);
  ladder.update(650_000, HD);
  assert.equal(ladder.divisor, 1);
});

Deno.test("who asks for few bits on a good network gets all pictures", () => {
  const ladder = new RateLadder(150_000);
  ladder.update(150_000, HD);
  assert.equal(ladder.divisor, 1);
});
