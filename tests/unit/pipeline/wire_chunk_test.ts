import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { MAX_METADATA } from "../../../src/pipeline/limits.ts";
import { packChunk } from "../../../src/pipeline/wire_chunk.ts";
import { concat, hex, noise } from "../support/bytes.ts";

type Packed = ReturnType<typeof packChunk>;

function faultFields({ chunk }: Packed): string[] {
  return chunk.faults.map(({ field }) => field);
}

/** A frame as it lies in the packed chunk. */
function frameAt({ chunk }: Packed, index: number): { format: unknown; data: Uint8Array; [field: string]: unknown } {
  const frame = chunk.frames[index];
  assert.ok(typeof frame === "object" && frame !== null && "data" in frame && frame.data instanceof Uint8Array);
  return { format: undefined, ...frame, data: frame.data };
}

Deno.test("turns base64 into the bytes of JPEG pictures, in order", () => {
  const pictures = [hex("ff d8 ff d9"), noise(1000), hex("ff")];
  const packed = packChunk({ frames_b64: pictures.map((picture) => picture.toBase64()) });
  assert.deepEqual(packed.chunk.faults, []);
  assert.equal(packed.chunk.frames.length, 3);
  for (const [index, picture] of pictures.entries()) {
    const { format, data } = frameAt(packed, index);
    assert.equal(format, "jpeg");
    assert.deepEqual([...data], [...picture]);
    assert.ok(packed.transfer.includes(data.buffer as ArrayBuffer), "it moves without a copy");
  }
});

Deno.test("copies what a view covers, and no more, unless it may be moved", () => {
  const source = noise(100_000);
  const packed = packChunk({ frames: [{ format: "rgba", data: source.subarray(10, 74), width: 4, height: 4 }] });
  const { data, ...rest } = frameAt(packed, 0);
  assert.deepEqual([...data], [...source.subarray(10, 74)]);
  assert.deepEqual(rest, { format: "rgba", width: 4, height: 4, key: undefined });
  assert.equal(data.buffer.byteLength, 64);
  structuredClone(packed.chunk, { transfer: packed.transfer });
  assert.equal(source.length, 100_000, "the pipeline keeps its own");
});

Deno.test("moves the very buffers when the pipeline lets them go", () => {
  const picture = noise(64);
  const audio = Int16Array.of(1, 2, 3);
  const packed = packChunk({ frames: [{ format: "jpeg", data: picture }], audio, transfer: true });
  assert.ok(frameAt(packed, 0).data.buffer === picture.buffer);
  assert.ok(packed.chunk.audio?.buffer === audio.buffer);
  const crossed = structuredClone(packed.chunk, { transfer: packed.transfer });
  assert.equal(picture.length, 0, "they are empty afterwards");
  assert.equal(audio.length, 0);
  assert.deepEqual([...crossed.audio ?? []], [1, 0, 2, 0, 3, 0]);
});

Deno.test("moves a buffer that several frames share once", () => {
  const both = noise(128);
  const frames = [{ format: "jpeg", data: both.subarray(0, 64) }, { format: "jpeg", data: both.subarray(64) }];
  const packed = packChunk({ frames, transfer: true });
  assert.deepEqual(packed.transfer, [both.buffer]);
  const [first, second] = structuredClone(packed.chunk, { transfer: packed.transfer }).frames as { data: Uint8Array }[];
  assert.deepEqual([...concat(first?.data ?? hex(""), second?.data ?? hex(""))], [...noise(128)]);
});

Deno.test("copies shared memory even when it may be moved", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(16)).fill(7);
  const packed = packChunk({ frames: [{ format: "jpeg", data: shared }], transfer: true });
  assert.ok(frameAt(packed, 0).data.buffer instanceof ArrayBuffer);
  structuredClone(packed.chunk, { transfer: packed.transfer });
});

Deno.test("names a frame whose buffer has been moved before", () => {
  const frame = { format: "jpeg", data: noise(64) };
  const first = packChunk({ frames: [frame], transfer: true });
  structuredClone(first.chunk, { transfer: first.transfer });
  for (const transfer of [true, false]) {
    const again = packChunk({ frames: [{ format: "jpeg", data: noise(8) }, frame], transfer });
    assert.deepEqual(faultFields(again), ["frames[1].data"], `transfer: ${transfer}`);
  }
});

Deno.test("takes clamped arrays and other views for bytes", () => {
  const clamped = new Uint8ClampedArray([1, 2, 3, 4]);
  const packed = packChunk({
    frames: [{ format: "jpeg", data: clamped }, { format: "jpeg", data: Buffer.from("ab") }],
  });
  assert.deepEqual([...frameAt(packed, 0).data], [1, 2, 3, 4]);
  assert.deepEqual([...frameAt(packed, 1).data], [97, 98]);
});

Deno.test("takes sound as samples, bytes or base64", () => {
  const samples = Int16Array.of(1, -2, 300);
  const bytes = new Uint8Array(samples.buffer.slice(0));
  for (const source of [{ audio: samples }, { audio: bytes }, { audio_b64: bytes.toBase64() }]) {
    const { chunk, transfer } = packChunk(source);
    assert.deepEqual(chunk.faults, []);
    assert.deepEqual([...chunk.audio ?? []], [...bytes]);
    assert.equal(transfer.length, 1);
  }
  for (const source of [{}, { audio: null }, { audio_b64: "" }, { audio_b64: undefined }]) {
    assert.equal(packChunk(source).chunk.audio, null);
  }
});

Deno.test("parts fields with a meaning from metadata and leaves media out of both", () => {
  const { chunk } = packChunk({
    type: "chunk",
    index: 3,
    fps: 29.97,
    num_frames: 0,
    resolution: "1280x720",
    prompt: "a lake",
    timestamp: 12.5,
    audio_sample_rate: 44_100,
    audio_channels: 2,
    frames_b64: [],
    frames: [],
    audio_b64: "",
    transfer: false,
    seed: 7,
    nested: { steps: [1, 2] },
  });
  assert.deepEqual(chunk.fields, {
    type: "chunk",
    index: 3,
    fps: 29.97,
    num_frames: 0,
    resolution: "1280x720",
    prompt: "a lake",
    timestamp: 12.5,
    audio_sample_rate: 44_100,
    audio_channels: 2,
  });
  assert.deepEqual(JSON.parse(chunk.metadata), { seed: 7, nested: { steps: [1, 2] } });
});

Deno.test("names every value that is not what it should be", () => {
  const cases: readonly [unknown, readonly string[]][] = [
    [undefined, ["chunk"]],
    [null, ["chunk"]],
    ["text", ["chunk"]],
    [{ frames_b64: "abcd" }, ["frames_b64"]],
    [{ frames_b64: ["/9g=", 7, "!!", "/9g="] }, ["frames_b64[1]", "frames_b64[2]"]],
    [{ frames: noise(4) }, ["frames"]],
    [{ frames: [{ format: "jpeg" }, null, { format: "jpeg", data: "text" }] }, [
      "frames[0].data",
      "frames[1].data",
      "frames[2].data",
    ]],
    [{ audio: [1, 2, 3] }, ["audio"]],
    [{ audio: new Float32Array(3) }, ["audio"]],
    [{ audio_b64: 12 }, ["audio_b64"]],
    [{ audio_b64: "%%%" }, ["audio_b64"]],
    [{ frames_b64: 1, frames: 2, audio: 3 }, ["frames_b64", "frames", "audio"]],
  ];
  for (const [yielded, fields] of cases) {
    const packed = packChunk(yielded);
    assert.deepEqual(faultFields(packed), fields, JSON.stringify(yielded));
    for (const { detail } of packed.chunk.faults) assert.ok(detail.length > 5);
    structuredClone(packed.chunk, { transfer: packed.transfer });
  }
});

Deno.test("names metadata that does not turn into JSON", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  for (const value of [10n, circular]) {
    const packed = packChunk({ extra: value });
    assert.deepEqual(faultFields(packed), ["extra"]);
  }
});

Deno.test("crosses the port whatever fields hold, and keeps their names for the schema", () => {
  const strange = {
    index: () => 1,
    fps: { valueOf: () => 24 },
    prompt: Symbol("x"),
    frames: [{ format: new Map(), data: noise(4), width: () => 1 }],
  };
  const { chunk, transfer } = packChunk(strange);
  const crossed = structuredClone(chunk, { transfer });
  assert.deepEqual(Object.keys(crossed.fields), ["index", "fps", "prompt"]);
  for (const value of Object.values(crossed.fields)) assert.equal(typeof value, "object", "no number by accident");
});

function wordlessTraps(): ProxyHandler<object> {
  return {
    ownKeys: () => {
      throw { toString: () => ({}) };
    },
  };
}

Deno.test("never throws, not even when reading a field does", () => {
  const hostile = {
    get frames_b64(): string[] {
      throw new Error("boo");
    },
  };
  const wordless = {
    get frames_b64(): string[] {
      throw Object.create(null);
    },
  };
  for (
    const yielded of [hostile, wordless, {
      extra: { toJSON: () => hostile.frames_b64 },
    }, new Proxy({}, wordlessTraps())]
  ) {
    assert.equal(packChunk(yielded).chunk.faults.length, 1);
  }
});

Deno.test("says what kind of value was there instead", () => {
  const said = (yielded: unknown) => packChunk(yielded).chunk.faults[0]?.detail ?? "";
  assert.match(said(null), /^is null/);
  assert.match(said(5), /^is a number/);
  assert.match(said({ frames_b64: {} }), /^is Object/);
  assert.match(said({ audio: [] }), /^is an array/);
  assert.match(said({ audio: new Float32Array(1) }), /^is Float32Array/);
});

Deno.test("metadata that is larger than a message to the viewer does not cross, and its largest field is named", () => {
  const note = "x".repeat(MAX_METADATA);
  for (
    const [yielded, field, words] of [
      [{ note }, "note", /^has 1048587 characters, at most 1048576 of metadata/],
      [{ data: { frames_b64: [], note } }, "data", /^has \d+ characters/],
      [
        { small: 1, note: Array(9).fill("x".repeat(200_000)), other: "y".repeat(5000) },
        "note",
        /and all metadata \d+$/,
      ],
      [{ prompt: `${note}x` }, "prompt", /^has 1048577 characters/],
      [{ ["k".repeat(2_000_000)]: 1 }, `${"k".repeat(100)}…`, /^has 2000006 characters/],
    ] as const
  ) {
    const { chunk } = packChunk(yielded);
    assert.deepEqual(chunk.faults.map((fault) => fault.field), [field]);
    assert.match(chunk.faults[0]?.detail ?? "", words);
    assert.ok(JSON.stringify(chunk).length < 2000, "it stays in the worker");
  }
  assert.equal(packChunk({ prompt: note, note: note.slice(0, -11) }).chunk.faults.length, 0, "as much as fits");
});

Deno.test("no name that a pipeline gives crosses at any length", () => {
  const long = "x".repeat(1_000_000);
  const named = new (class {
    static readonly name = long;
  })();
  const frames = [{ format: long, data: noise(4), width: long, key: long }];
  for (const yielded of [{ audio: named }, { index: named }, { frames }, { resolution: long }, { [long]: 10n }]) {
    const { chunk } = packChunk(yielded);
    assert.ok(
      JSON.stringify({ ...chunk, frames: chunk.frames.map((frame) => ({ ...frame as object, data: 0 })) }).length <
        3000,
    );
  }
});

function metadataOf(yielded: unknown): unknown {
  return JSON.parse(packChunk(yielded).chunk.metadata);
}

Deno.test("takes the media fields from data when they stand there, and those that tell of them", () => {
  const picture = hex("ff d8 ff d9");
  const data = {
    frames_b64: [picture.toBase64()],
    frames: [{ format: "jpeg", data: picture }],
    audio: Int16Array.of(1, 2),
    audio_sample_rate: 24_000,
    fps: 12,
    applied_controls: ["a"],
    note: { deep: true },
  };
  const packed = packChunk({ type: "chunk", data, outer: 1 });
  assert.deepEqual(packed.chunk.faults, []);
  assert.deepEqual([0, 1].map((index) => [...frameAt(packed, index).data]), [[...picture], [...picture]]);
  assert.equal(packed.chunk.audio?.length, 4);
  assert.deepEqual(packed.chunk.fields, { audio_sample_rate: 24_000, fps: 12, type: "chunk" });
  assert.deepEqual(JSON.parse(packed.chunk.metadata), {
    applied_controls: ["a"],
    outer: 1,
    data: { note: { deep: true } },
  });
  assert.deepEqual(packed.chunk.frameNames, ["data.frames_b64[0]", "data.frames[0]"]);
  assert.equal(packed.chunk.audioName, "data.audio");
  structuredClone(packed.chunk, { transfer: packed.transfer });
  assert.equal(picture.length, 4, "without transfer the pipeline keeps its own");
});

Deno.test("nested buffers are moved when data says so", () => {
  const picture = noise(64);
  const packed = packChunk({ data: { frames: [{ format: "jpeg", data: picture }], transfer: true } });
  structuredClone(packed.chunk, { transfer: packed.transfer });
  assert.equal(picture.length, 0);
});

Deno.test("what stands outside wins over what stands in data", () => {
  const { chunk } = packChunk({ fps: 30, data: { frames_b64: [], fps: 12, index: 4 } });
  assert.deepEqual(chunk.fields, { fps: 30, index: 4 });
});

Deno.test("names what is wrong with nested media by their full name", () => {
  const cases: readonly [unknown, readonly string[]][] = [
    [{ frames_b64: "abcd" }, ["data.frames_b64"]],
    [{ frames_b64: ["!!"] }, ["data.frames_b64[0]"]],
    [{ frames: [{ format: "jpeg" }] }, ["data.frames[0].data"]],
    [{ audio_b64: 5 }, ["data.audio_b64"]],
    [{ audio: new Float32Array(2) }, ["data.audio"]],
  ];
  for (const [data, fields] of cases) assert.deepEqual(faultFields(packChunk({ data })), fields, JSON.stringify(data));
});

Deno.test("data without media is metadata like any other", () => {
  for (const data of [{ steps: 3, fps: 5 }, { audio: true, frames: 12 }, [1, 2], "text", 7, null]) {
    const packed = packChunk({ data, a: 1 });
    assert.deepEqual([packed.chunk.faults, packed.chunk.fields], [[], {}], JSON.stringify(data));
    assert.deepEqual(JSON.parse(packed.chunk.metadata), { data, a: 1 });
  }
});

Deno.test("bytes never travel as metadata, however deep and of whatever kind", () => {
  const kinds = [
    noise(9),
    new Uint8ClampedArray(4),
    new Int16Array(4),
    new Float64Array(2),
    new DataView(new ArrayBuffer(4)),
    new ArrayBuffer(8),
    new SharedArrayBuffer(8),
    Buffer.from("bytes"),
  ];
  for (const bytes of kinds) {
    const name = bytes.constructor.name;
    const metadata = packChunk({ bytes, list: [bytes, 1], deep: { er: { bytes, kept: "yes" } } }).chunk.metadata;
    assert.ok(metadata.length < 100, `${name}: ${metadata}`);
    const { deep, list } = JSON.parse(metadata);
    assert.deepEqual([deep.er.kept, list[1]], ["yes", 1], name);
    assert.doesNotMatch(metadata, /\d\D+\d/, `${name}: no numbers beside the one that was given`);
  }
  const base64 = { frames_b64: ["/9j/"], audio_b64: "AAAA", kept: 1 };
  assert.deepEqual(metadataOf({ a: [base64], b: { data: { data: base64 } } }), {
    a: [{ kept: 1 }],
    b: { data: { data: { kept: 1 } } },
  });
});
