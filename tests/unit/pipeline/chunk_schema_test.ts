import assert from "node:assert/strict";
import type { Chunk } from "../../../src/pipeline/contract.ts";
import { DEFAULT_LIMITS, MAX_METADATA } from "../../../src/pipeline/limits.ts";
import { parseChunk, type PipelineChunk } from "../../../src/pipeline/mod.ts";
import { packChunk } from "../../../src/pipeline/wire_chunk.ts";
import { isH264KeyFrame, isVp8KeyFrame } from "../../../src/rtp/mod.ts";
import { hex, noise } from "../support/bytes.ts";

const PROBE = { h264: isH264KeyFrame, vp8: isVp8KeyFrame };
const JPEG = hex("ff d8 ff d9");

/** What the server makes of a yielded chunk, over the port and all. */
function receive(yielded: unknown) {
  const { chunk, transfer } = packChunk(yielded);
  return parseChunk(structuredClone(chunk, { transfer }), { probe: PROBE, limits: DEFAULT_LIMITS });
}

function accepted(yielded: Chunk): PipelineChunk {
  const parsed = receive(yielded);
  assert.ok("chunk" in parsed, `refused: ${JSON.stringify(parsed)}`);
  return parsed.chunk;
}

function refusedFields(yielded: unknown): string[] {
  const parsed = receive(yielded);
  assert.ok("faults" in parsed, `accepted: ${JSON.stringify(yielded)}`);
  for (const { detail } of parsed.faults) assert.ok(detail.length > 3, "it says what is wrong");
  return parsed.faults.map(({ field }) => field);
}

/** A wire chunk as a worker gone wild might send it. */
function wire(changes: Record<string, unknown>): unknown {
  const empty = { fields: {}, frames: [], frameNames: [], audio: null, audioName: "audio", metadata: "{}", faults: [] };
  return { ...empty, ...changes };
}

Deno.test("carries every documented field", () => {
  const fields = {
    type: "chunk" as const,
    index: 3,
    fps: 30_000 / 1001,
    num_frames: 2,
    resolution: "1280x720",
    prompt: "a lake",
    timestamp: 1_700_000_000.5,
    audio_sample_rate: 44_100,
    audio_channels: 2 as const,
  };
  const chunk = accepted({
    ...fields,
    frames_b64: [JPEG.toBase64(), JPEG.toBase64()],
    audio: Int16Array.of(1, 2, 3, 4),
    seed: 7,
  });
  assert.equal(chunk.index, 3);
  assert.equal(chunk.fps, 30_000 / 1001, "fractions are exact");
  assert.deepEqual(chunk.pictures.map(({ format }) => format), ["jpeg", "jpeg"]);
  assert.deepEqual([...chunk.pictures[1]?.data ?? []], [...JPEG]);
  assert.deepEqual(chunk.audio, { samples: Int16Array.of(1, 2, 3, 4), sampleRate: 44_100, channels: 2 });
  assert.deepEqual(chunk.metadata, { ...fields, seed: 7 });
});

Deno.test("takes null for absent and fills in what the contract says", () => {
  const chunk = accepted({ index: null, fps: null, num_frames: null, audio_b64: "AQACAA==" } as unknown as Chunk);
  assert.equal(chunk.index, undefined);
  assert.equal(chunk.fps, undefined);
  assert.deepEqual(chunk.audio, { samples: Int16Array.of(1, 2), sampleRate: 48_000, channels: 1 });
  assert.deepEqual(chunk.metadata, {});
  assert.equal(accepted({}).audio, null);
  assert.equal(accepted({ audio: new Int16Array(0) }).audio, null);
});

Deno.test("reads samples as little endian, wherever the bytes lie", () => {
  const odd = new Uint8Array(7);
  odd.set(hex("01 02 ff ff"), 1);
  const parsed = parseChunk(wire({ audio: odd.subarray(1, 5) }), { probe: PROBE, limits: DEFAULT_LIMITS });
  assert.ok("chunk" in parsed);
  assert.deepEqual([...parsed.chunk.audio?.samples ?? []], [0x0201, -1]);
});

Deno.test("takes pictures of every format, base64 ones first", () => {
  const chunk = accepted({
    frames: [
      { format: "rgba", data: noise(16 * 16 * 4), width: 16, height: 16 },
      { format: "i420", data: noise(17 * 19 + 2 * 9 * 10), width: 17, height: 19 },
      { format: "vp8", data: hex("50 42 00"), key: false },
    ],
    frames_b64: [JPEG.toBase64()],
  });
  assert.deepEqual(chunk.pictures.map(({ format }) => format), ["jpeg", "rgba", "i420", "vp8"]);
  const [, , planar] = chunk.pictures;
  assert.ok(planar?.format === "i420");
  assert.deepEqual([planar.width, planar.height, planar.data.length], [17, 19, 17 * 19 + 180]);
});

Deno.test("reads from the data whether a picture is a key frame, unless the pipeline says", () => {
  const keys = (frame: { format: "h264" | "vp8"; data: Uint8Array; key?: boolean }) => {
    const [picture] = accepted({ frames: [frame] }).pictures;
    assert.ok(picture?.format === frame.format);
    return picture.key;
  };
  const idr = hex("00 00 00 01 65 88 84");
  const delta = hex("00 00 00 01 41 9a 24");
  assert.equal(keys({ format: "h264", data: idr }), true);
  assert.equal(keys({ format: "h264", data: delta }), false);
  assert.equal(keys({ format: "h264", data: delta, key: true }), true);
  assert.equal(keys({ format: "h264", data: idr, key: false }), false);
  assert.equal(keys({ format: "vp8", data: hex("50 42 00 9d 01 2a") }), true);
  assert.equal(keys({ format: "vp8", data: hex("b1 10 00") }), false);
});

Deno.test("names the field that does not hold", () => {
  const raw = { format: "rgba", data: noise(16 * 16 * 4), width: 16, height: 16 };
  const jpeg = { format: "jpeg", data: JPEG };
  const cases: readonly [Record<string, unknown>, readonly string[]][] = [
    [{ type: "frame" }, ["type"]],
    [{ index: -1 }, ["index"]],
    [{ index: 1.5 }, ["index"]],
    [{ index: "1" }, ["index"]],
    [{ fps: 0 }, ["fps"]],
    [{ fps: 0.09 }, ["fps"]],
    [{ fps: 241 }, ["fps"]],
    [{ fps: Number.NaN }, ["fps"]],
    [{ fps: "24" }, ["fps"]],
    [{ fps: () => 24 }, ["fps"]],
    [{ num_frames: -1 }, ["num_frames"]],
    [{ num_frames: 2, frames: [jpeg] }, ["num_frames"]],
    [{ resolution: 720 }, ["resolution"]],
    [{ resolution: "x".repeat(101) }, ["resolution"]],
    [{ prompt: 5 }, ["prompt"]],
    [{ prompt: "x".repeat(MAX_METADATA + 1) }, ["prompt"]],
    [{ note: "x".repeat(MAX_METADATA) }, ["note"]],
    [{ timestamp: "now" }, ["timestamp"]],
    [{ audio_sample_rate: 7999 }, ["audio_sample_rate"]],
    [{ audio_sample_rate: 192_001 }, ["audio_sample_rate"]],
    [{ audio_sample_rate: 44_100.5 }, ["audio_sample_rate"]],
    [{ audio_channels: 0 }, ["audio_channels"]],
    [{ audio_channels: 3 }, ["audio_channels"]],
    [{ audio_b64: hex("01 02 03").toBase64() }, ["audio_b64"]],
    [{ audio_b64: hex("01 02").toBase64(), audio_channels: 2 }, ["audio_b64"]],
    [{ frames: [jpeg, { ...jpeg, format: "png" }] }, ["frames[1].format"]],
    [{ frames: [{ ...jpeg, data: new Uint8Array(0) }] }, ["frames[0].data"]],
    [{ frames: [{ ...raw, width: undefined }] }, ["frames[0].width"]],
    [{ frames: [{ ...raw, width: 15 }] }, ["frames[0].width"]],
    [{ frames: [{ ...raw, height: 4097 }] }, ["frames[0].height"]],
    [{ frames: [{ ...raw, width: 16.5 }] }, ["frames[0].width"]],
    [{ frames: [raw, { ...raw, height: 17 }] }, ["frames[1].data"]],
    [{ frames: [{ ...raw, format: "i420" }] }, ["frames[0].data"]],
    [{ frames: [{ format: "vp8", data: JPEG, key: "yes" }] }, ["frames[0].key"]],
    [{ fps: 0, index: -1, prompt: 5 }, ["index", "fps", "prompt"]],
    [{ num_frames: 3, frames: [{ ...raw, height: 17 }], audio_b64: "AA==" }, [
      "frames[0].data",
      "num_frames",
      "audio_b64",
    ]],
  ];
  for (const [yielded, fields] of cases) {
    assert.deepEqual(refusedFields(yielded).toSorted(), fields.toSorted(), JSON.stringify(yielded).slice(0, 200));
  }
});

Deno.test("names sound by the field it came in", () => {
  assert.deepEqual(refusedFields({ audio: Int16Array.of(1, 2, 3), audio_channels: 2 }), ["audio"]);
  assert.deepEqual(refusedFields({ audio: hex("01") }), ["audio"]);
});

Deno.test("names pictures by the list and the place they came in", () => {
  const small = { format: "rgba", data: noise(9), width: 16, height: 16 };
  assert.deepEqual(refusedFields({ frames_b64: [JPEG.toBase64(), ""] }), ["frames_b64[1]"]);
  assert.deepEqual(refusedFields({ frames_b64: [JPEG.toBase64()], frames: [small] }), ["frames[0].data"]);
  assert.deepEqual(refusedFields({ frames_b64: [JPEG.toBase64()], frames: [{ ...small, width: 1 }] }), [
    "frames[0].width",
  ]);
});

Deno.test("says how many bytes a raw picture takes", () => {
  const parsed = receive({ frames: [{ format: "rgba", data: noise(9), width: 32, height: 16 }] });
  assert.ok("faults" in parsed);
  assert.match(parsed.faults[0]?.detail ?? "", /32x16 takes 2048 bytes, got 9/);
});

Deno.test("refuses a chunk as a whole when a part of it is broken", () => {
  assert.deepEqual(refusedFields({ frames_b64: [JPEG.toBase64(), "%"], prompt: "fine" }), ["frames_b64[1]"]);
});

Deno.test("refuses whatever a worker gone wild sends, without throwing", () => {
  for (
    const strange of [
      undefined,
      null,
      7,
      "chunk",
      [],
      {},
      wire({ fields: null }),
      wire({ frames: "x" }),
      wire({ frames: [null] }),
      wire({ frames: [{ format: "jpeg", data: [1, 2] }] }),
      wire({ audio: "x" }),
      wire({ metadata: 5 }),
      wire({ metadata: JSON.stringify({ note: "x".repeat(MAX_METADATA) }) }),
      wire({ fields: { prompt: "x".repeat(MAX_METADATA + 1) } }),
      wire({ faults: [{ field: "x".repeat(MAX_METADATA), detail: "is too long" }] }),
      wire({ metadata: "{" }),
      wire({ metadata: "" }),
      wire({ metadata: "[1]" }),
      wire({ metadata: "null" }),
      wire({ frameNames: 5, frames: [null] }),
      wire({ frames: [{ format: "rgba", data: hex("00"), width: 16, height: 16 }] }),
      wire({ faults: "none" }),
    ]
  ) {
    const parsed = parseChunk(strange, { probe: PROBE, limits: DEFAULT_LIMITS });
    assert.ok("faults" in parsed && parsed.faults.length > 0, JSON.stringify(strange));
    for (const { field } of parsed.faults) assert.ok(field !== "" && field.length <= 1000);
  }
});

Deno.test("takes the ends of every range", () => {
  const ranges: readonly [keyof Chunk, readonly (number | string)[]][] = [
    ["index", [0]],
    ["fps", [0.1, 240]],
    ["num_frames", [0]],
    ["resolution", ["", "x".repeat(100)]],
    ["timestamp", [0, -1]],
    ["audio_sample_rate", [8000, 192_000]],
    ["audio_channels", [1, 2]],
  ];
  for (const [field, values] of ranges) {
    for (const value of values) assert.equal(accepted({ [field]: value }).metadata[field], value);
  }
  for (const [width, height] of [[16, 4096], [4096, 16]] as const) {
    assert.equal(
      accepted({ frames: [{ format: "rgba", data: new Uint8Array(16 * 4096 * 4), width, height }] }).pictures.length,
      1,
    );
  }
});
