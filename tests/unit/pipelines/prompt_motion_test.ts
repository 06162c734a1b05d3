import assert from "node:assert/strict";
import type { Chunk, RawFrame, StreamRequest } from "telefuser";
import { getService } from "../../../pipelines/prompt_motion.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

async function play(
  wishes: Record<string, unknown>,
  { most = Infinity, signal = new AbortController().signal }: { most?: number; signal?: AbortSignal } = {},
): Promise<Chunk[]> {
  const request: StreamRequest = { session_id: "s", task: "t2v", config: {}, ...wishes };
  const chunks: Chunk[] = [];
  for await (const chunk of getService().serve(request, { log: SILENT, signal })) {
    chunks.push(chunk);
    if (chunks.length >= most) break;
  }
  return chunks;
}

const SMALL = { width: 128, height: 72 };

function frames(chunks: readonly Chunk[]): RawFrame[] {
  return chunks.flatMap((chunk) => chunk.frames ?? []) as RawFrame[];
}

function sound(chunks: readonly Chunk[]): number[] {
  return chunks.flatMap((chunk) => [...(chunk.audio ?? [])]);
}

/** A number that changes when any byte changes. */
function digest(bytes: Iterable<number>): number {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619);
  return hash >>> 0;
}

Deno.test("frames are raw pictures of 640x360 at 24 frames a second, to be handed over", async () => {
  const [chunk] = await play({ prompt: "hello" }, { most: 1 });
  assert.equal(getService().defaultFps, 24);
  assert.equal(chunk?.fps, 24);
  assert.equal(chunk?.transfer, true);
  assert.equal(chunk?.resolution, "640x360");
  assert.equal(chunk?.prompt, "hello");
  assert.equal(chunk?.index, 0);
  assert.equal(chunk?.num_frames, chunk?.frames?.length);
  assert.equal(chunk?.audio_sample_rate, 48_000);
  assert.equal(chunk?.audio_channels, 2);
  for (const frame of frames(chunk === undefined ? [] : [chunk])) {
    assert.equal(frame.format, "rgba");
    assert.equal(frame.width, 640);
    assert.equal(frame.height, 360);
    assert.equal(frame.data.byteLength, 640 * 360 * 4);
    assert.ok(frame.data.every((byte, index) => index % 4 !== 3 || byte === 255), "every pixel is opaque");
  }
});

Deno.test("each picture has a buffer of its own", async () => {
  const pictures = frames(await play({ ...SMALL, duration_s: 1 }));
  assert.equal(new Set(pictures.map((picture) => picture.data.buffer)).size, 24);
});

Deno.test("the same prompt gives the same stream", async () => {
  const wishes = { ...SMALL, prompt: "the same again", duration_s: 1 };
  const [one, two] = await Promise.all([play(wishes), play(wishes)]);
  assert.deepEqual(frames(one).map(({ data }) => digest(data)), frames(two).map(({ data }) => digest(data)));
  assert.deepEqual(sound(one), sound(two));
});

Deno.test("other prompts give other pictures and sounds", async () => {
  const seen = new Set<number>();
  const heard = new Set<number>();
  for (const prompt of ["one", "two", "three", "four"]) {
    const chunks = await play({ ...SMALL, prompt, duration_s: 0.5 });
    seen.add(digest(frames(chunks).at(-1)?.data ?? []));
    heard.add(digest(sound(chunks)));
  }
  assert.equal(seen.size, 4);
  assert.equal(heard.size, 4);
});

Deno.test("without words it says what to do", async () => {
  for (const prompt of [undefined, "", "  "]) {
    const [chunk] = await play({ ...SMALL, ...(prompt === undefined ? {} : { prompt }) }, { most: 1 });
    assert.equal(chunk?.prompt, "say something");
  }
});

Deno.test("the picture moves and the letters are seen", async () => {
  const pictures = frames(await play({ prompt: "WWW", duration_s: 2.5, fps: 8, width: 320, height: 180 }));
  assert.equal(new Set(pictures.map(({ data }) => digest(data))).size, pictures.length);
  const first = pictures[0]?.data ?? new Uint8Array();
  const later = pictures.at(-1)?.data ?? new Uint8Array();
  let changed = 0;
  for (let at = 0; at < first.length; at += 4) {
    if (Math.abs((first[at] ?? 0) - (later[at] ?? 0)) + Math.abs((first[at + 1] ?? 0) - (later[at + 1] ?? 0)) > 60) {
      changed++;
    }
  }
  assert.ok(changed > 320 * 180 * 0.1, `${changed} pixels changed`);
});

Deno.test("sound is exact to the sample at a fractional rate", async () => {
  const fps = 30_000 / 1001;
  const chunks = await play({ ...SMALL, fps, duration_s: 10 });
  let shown = 0;
  let heard = 0;
  for (const chunk of chunks) {
    shown += chunk.num_frames ?? 0;
    heard += (chunk.audio?.length ?? 0) / 2;
    assert.equal(heard, Math.round((shown / fps) * 48_000));
  }
  assert.equal(shown, 300);
});

Deno.test("the sound is the same however the stream is cut into frames", async () => {
  const slow = sound(await play({ ...SMALL, prompt: "tick", fps: 5, duration_s: 4 }));
  const fast = sound(await play({ ...SMALL, prompt: "tick", fps: 60, duration_s: 4 }));
  assert.equal(slow.length, 4 * 48_000 * 2);
  assert.ok(slow.every((value, index) => Math.abs(value - (fast[index] ?? 0)) <= 1));
});

Deno.test("the sound is neither silent nor clipped", async () => {
  for (const prompt of ["quiet please", "LOUD!!!", "a long prompt with many words that fill several cards"]) {
    const samples = sound(await play({ ...SMALL, prompt, fps: 4, duration_s: 12 }));
    const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(peak > 3000 && peak < 29_000, `${prompt}: peak ${peak}`);
  }
});

Deno.test("duration_s ends the stream on its frame; without it there is no end", async () => {
  assert.equal(frames(await play({ ...SMALL, duration_s: 1.5 })).length, 36);
  assert.equal(frames(await play({ ...SMALL, duration_s: 0.001 })).length, 1);
  assert.equal((await play(SMALL, { most: 30 })).length, 30);
});

Deno.test("a viewer that leaves ends the stream", async () => {
  assert.equal((await play(SMALL, { signal: AbortSignal.abort() })).length, 0);
});

Deno.test("any even size from 64 to 1280 can be asked for", async () => {
  for (const [width, height] of [[64, 64], [1280, 64], [64, 1280], [222, 354]] as const) {
    const [chunk] = await play({ width, height, prompt: "size" }, { most: 1 });
    const [frame] = frames(chunk === undefined ? [] : [chunk]);
    assert.equal(frame?.data.byteLength, width * height * 4);
    assert.equal(chunk?.resolution, `${width}x${height}`);
  }
});

Deno.test("bad wishes are refused with the field's name and a remedy", async () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ width: 62 }, /width is 62: give an even number from 64 to 1280, or leave it out for 640/],
    [{ width: 641 }, /width is 641/],
    [{ height: 1282 }, /height is 1282/],
    [{ height: "360" }, /height is "360"/],
    [{ fps: -1 }, /fps is -1/],
    [{ duration_s: 0 }, /duration_s is 0/],
    [{ prompt: 7 }, /prompt is 7: give a text/],
  ];
  for (const [wishes, message] of wrong) await assert.rejects(play(wishes, { most: 1 }), message);
});

Deno.test("prompts of every script and length are shown", async () => {
  const prompts = [
    "你好，世界",
    "здравствуй мир",
    "🎈",
    "ĉŝñ ǽ",
    "a",
    "x".repeat(500),
    "word ".repeat(200),
    "|",
    "e\u0301",
  ];
  for (const prompt of prompts) {
    const pictures = frames(await play({ ...SMALL, prompt, fps: 2, duration_s: 4 }));
    assert.equal(pictures.length, 8, prompt);
    assert.ok(new Set(pictures.map(({ data }) => digest(data))).size > 4, prompt);
  }
});
