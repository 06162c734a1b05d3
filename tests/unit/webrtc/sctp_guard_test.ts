import assert from "node:assert/strict";
import { isWellFormed } from "../../../src/webrtc/sctp_guard.ts";

/** A packet of these chunks; the checksum is not looked at here. */
function packet(...chunks: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([...new Array(12).fill(0), ...chunks.flat()]);
}

/** A chunk with a right length, padded. */
function chunk(type: number, body: readonly number[]): number[] {
  const length = body.length + 4;
  return [type, 0, length >> 8, length & 255, ...body, ...new Array((4 - length % 4) % 4).fill(0)];
}

const zeros = (count: number): number[] => new Array(count).fill(0);

Deno.test("takes packets whose chunks and parameters lead on", () => {
  const data = chunk(0, [...zeros(12), 1, 2, 3]);
  for (
    const good of [
      packet(data),
      packet(data, data, chunk(10, zeros(20))),
      packet(chunk(1, [...zeros(16), 0xc0, 0, 0, 4, 0x80, 8, 0, 6, 130, 192, 0, 0])),
      packet(chunk(4, [0, 1, 0, 8, 1, 2, 3, 4])),
      packet(chunk(130, [0, 13, 0, 18, ...zeros(14)])),
      packet(chunk(3, [...zeros(8), 0, 1, 0, 1, 0, 2, 0, 5, 0, 0, 0, 9])),
      packet(chunk(14, [])),
    ]
  ) assert.ok(isWellFormed(good), String(good));
});

Deno.test("refuses lengths that lead nowhere, beyond the end, or to endless work", () => {
  for (
    const [name, bad] of Object.entries({
      "nothing": new Uint8Array(0),
      "a header alone": packet(),
      "a chunk of length 0": packet([0, 0, 0, 0]),
      "a chunk of length 3": packet([0, 0, 0, 3]),
      "a chunk that goes beyond the end": packet([0, 0, 0, 200, 1, 2]),
      "a second chunk of length 0": packet(chunk(0, zeros(12)), [0, 0, 0, 0]),
      "a parameter of length 0": packet(chunk(1, [...zeros(16), 0, 7, 0, 0])),
      "a parameter that goes beyond its chunk": packet(chunk(130, [0, 13, 0, 99])),
      "an acknowledgement cut short": packet(chunk(3, zeros(8))),
      "fewer gaps than were said": packet(chunk(3, [...zeros(8), 0, 9, 0, 0])),
      "gaps of millions": packet(chunk(3, [...zeros(8), 0, 1, 0, 0, 0, 0, 255, 255])),
    })
  ) assert.ok(!isWellFormed(bad), name);
});
