import assert from "node:assert/strict";
import { encodeFrame, FrameError, FrameReader } from "../../../src/pipeline/frames.ts";

const LIMITS = { maxHeader: 10_000, maxParts: 1_000_000 };

/** The bytes of a message as they stand in the pipe. */
function bytesOf(message: unknown): Uint8Array {
  const parts = encodeFrame(message);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What comes out when bytes come in pieces of that size. */
function readInPieces(bytes: Uint8Array, size: number): unknown[] {
  const reader = new FrameReader(LIMITS);
  const messages: unknown[] = [];
  for (let at = 0; at < bytes.length; at += size) messages.push(...reader.read(bytes.subarray(at, at + size)));
  return messages;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A frame whose header is that text. */
function frameOf(header: string, options: { parts?: Uint8Array; claimed?: number } = {}): Uint8Array {
  const { parts = new Uint8Array(0) } = options;
  const text = new TextEncoder().encode(header);
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setUint32(0, text.length);
  new DataView(prefix.buffer).setUint32(4, options.claimed ?? parts.length);
  return joined(prefix, text, parts);
}

const MESSAGES = [
  { t: "ping" },
  {
    t: "chunk",
    id: "7",
    chunk: {
      fields: { fps: 24, prompt: "a \u{1f40b} – \u0000" },
      frames: [{ format: "jpeg", data: Uint8Array.of(1, 2, 3) }, { format: "jpeg", data: new Uint8Array(0) }],
      audio: Uint8Array.of(9, 8),
      metadata: '{"__proto__":{"a":1}}',
    },
  },
  { t: "push", lane: "audio", message: { type: "media", audio_pcm: Int16Array.of(-1, 256, 32_767) } },
  { t: "reply", value: [{ data: new Uint8Array(70_000).fill(5) }], call: 3, nothing: null, list: [[], {}, [null]] },
];

for (const size of [1, 7, 64 * 1024, 10_000_000]) {
  Deno.test(`messages come out as they went in, in pieces of ${size} bytes`, () => {
    const bytes = joined(...MESSAGES.map(bytesOf));
    assert.deepEqual(readInPieces(bytes, size), MESSAGES);
  });
}

Deno.test("a view crosses as just what it covers, and each part comes out with memory of its own", () => {
  const whole = Uint8Array.from({ length: 100 }, (_, at) => at);
  const [read] = readInPieces(bytesOf({ a: whole.subarray(10, 12), b: whole.subarray(20, 21) }), 1000) as [
    { a: Uint8Array; b: Uint8Array },
  ];
  assert.deepEqual(read, { a: Uint8Array.of(10, 11), b: Uint8Array.of(20) });
  assert.deepEqual([read.a.buffer.byteLength, read.b.buffer.byteLength], [2, 1]);
});

Deno.test("fields without a value are left out, and a name such as __proto__ is a name like any other", () => {
  const [read] = readInPieces(bytesOf(JSON.parse('{"__proto__":{"x":1}}')), 1000) as [object];
  assert.deepEqual(Object.keys(read), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
  assert.deepEqual(readInPieces(bytesOf({ a: undefined, b: 1 }), 1000), [{ b: 1 }]);
});

Deno.test("a message that is nested without end cannot be written", () => {
  let nested: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) nested = [nested];
  assert.throws(() => encodeFrame(nested), RangeError);
});

const BAD: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["a header that is too long", frameOf(`{"m":"${"x".repeat(10_001)}","p":[]}`), /header of \d+ bytes, at most 10000/],
  ["no header", frameOf(""), /header of 0 bytes/],
  ["parts that are too long", frameOf('{"m":1,"p":[]}', { claimed: 1_000_001 }), /parts of 1000001 bytes/],
  ["a header that is not JSON", frameOf('{"m":1,'), /not JSON/],
  ["a header without parts", frameOf('{"m":1}'), /not of the form/],
  ["a header that is null", frameOf("null"), /not of the form/],
  ["a part of an unknown kind", frameOf('{"m":{"a":null},"p":[[["a"],"f64",0]]}'), /not of the form/],
  ["a kind of the prototype's", frameOf('{"m":{"a":null},"p":[[["a"],"constructor",0]]}'), /not of the form/],
  ["half a sample", frameOf('{"m":{"a":null},"p":[[["a"],"i16",3]]}', { parts: new Uint8Array(3) }), /not of the form/],
  ["a negative length", frameOf('{"m":{"a":null},"p":[[["a"],"u8",-1]]}'), /not of the form/],
  [
    "a part beyond the end",
    frameOf('{"m":{"a":null},"p":[[["a"],"u8",5]]}', { parts: new Uint8Array(4) }),
    /longer than/,
  ],
  ["a part in place of a value", frameOf('{"m":{"a":1},"p":[[["a"],"u8",0]]}'), /belongs nowhere/],
  ["a part in the prototype", frameOf('{"m":{},"p":[[["__proto__","x"],"u8",0]]}'), /belongs nowhere/],
  ["a part in a text", frameOf('{"m":"abc","p":[[["length"],"u8",0]]}'), /belongs nowhere/],
];

for (const [name, bytes, words] of BAD) {
  Deno.test(`${name} is refused`, () => {
    assert.throws(
      () => readInPieces(bytes, 1000),
      (error: Error) => error instanceof FrameError && words.test(error.message),
    );
  });
}

Deno.test("memory is taken for a message only when its length is within the limits", () => {
  const reader = new FrameReader(LIMITS);
  assert.throws(() => [...reader.read(Uint8Array.of(0, 0, 0, 9, 255, 255, 255, 255))], /parts of 4294967295 bytes/);
});
