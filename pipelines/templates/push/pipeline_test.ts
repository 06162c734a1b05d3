import assert from "node:assert/strict";
import type { Chunk, RawFrame, SessionContext } from "telefuser";
import { getService } from "./pipeline.ts";

const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}

/** The first chunks that a viewer gets who asks for this. */
async function firstChunks(count: number, wishes: Record<string, unknown> = {}): Promise<Chunk[]> {
  const session: SessionContext = { log, signal: new AbortController().signal };
  const request = { session_id: "test", task: "t2v", config: {}, ...wishes };
  const chunks: Chunk[] = [];
  for await (const chunk of getService().serve(request, session)) {
    chunks.push(chunk);
    if (chunks.length === count) break;
  }
  return chunks;
}

/** The pictures of chunks, as this pipeline yields them. */
function picturesOf(chunks: readonly Chunk[]): RawFrame[] {
  return chunks.flatMap(({ frames = [] }) => frames as readonly RawFrame[]);
}

function isSame(one?: RawFrame, other?: RawFrame): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.data.length === other.data.length && one.data.every((byte, at) => byte === other.data[at]);
}

Deno.test("every picture has four bytes for each pixel, and the next one differs", async () => {
  const pictures = picturesOf(await firstChunks(3));
  assert.ok(pictures.length >= 3, `${pictures.length} pictures`);
  for (const [index, picture] of pictures.entries()) {
    assert.equal(picture.format, "rgba");
    assert.equal(picture.data.length, picture.width * picture.height * 4);
    assert.ok(!isSame(picture, pictures[index + 1]), `picture ${index} is shown twice`);
  }
});

Deno.test("the prompt decides the colour and comes back with every chunk", async () => {
  const chunks = await firstChunks(2, { prompt: "a lake" });
  assert.deepEqual(chunks.map(({ prompt }) => prompt), ["a lake", "a lake"]);
  const [lake] = picturesOf(chunks);
  const [forest] = picturesOf(await firstChunks(1, { prompt: "a forest" }));
  assert.ok(!isSame(lake, forest), "both have the same colour");
});

Deno.test("frames per second are those that were asked for, else 24", async () => {
  assert.deepEqual((await firstChunks(1, { fps: 12.5 })).map(({ fps }) => fps), [12.5]);
  assert.deepEqual((await firstChunks(1)).map(({ fps }) => fps), [24]);
});

Deno.test("a wish that does not fit is refused before the first chunk, in words that name it", async () => {
  for (const fps of [0, 61, "24", null]) await assert.rejects(firstChunks(1, { fps }), /^Error: fps: give a number/);
  await assert.rejects(firstChunks(1, { prompt: 5 }), /^Error: prompt: give a text/);
});

Deno.test("nothing more is made when the viewer has left", async () => {
  const leaving = new AbortController();
  const request = { session_id: "test", task: "t2v", config: {} };
  const chunks = getService().serve(request, { log, signal: leaving.signal })[Symbol.asyncIterator]();
  assert.equal((await chunks.next()).done, false);
  leaving.abort();
  assert.equal((await chunks.next()).done, true);
});
