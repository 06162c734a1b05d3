import assert from "node:assert/strict";
import type { BidirectionalService, Chunk, RawFrame } from "telefuser";
import { getService } from "./pipeline.ts";

const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}

/** One viewer of the pipeline. */
class Viewer {
  readonly #service: BidirectionalService;
  readonly #chunks: AsyncIterator<Chunk>;
  readonly #leaving = new AbortController();
  readonly #id: string;

  private constructor(service: BidirectionalService, id: string, leaving: AbortController) {
    this.#service = service;
    this.#id = id;
    this.#leaving = leaving;
    this.#chunks = service.pullChunks(id)[Symbol.asyncIterator]();
  }

  static async join(service: BidirectionalService, wishes: Record<string, unknown> = {}): Promise<Viewer> {
    const leaving = new AbortController();
    const config = { session_id: crypto.randomUUID(), task: "bidirectional", ...wishes };
    const id = await service.createSession(config, { log, signal: leaving.signal });
    return new Viewer(service, id, leaving);
  }

  async send(message: Record<string, unknown>): Promise<void> {
    await this.#service.pushChunk(this.#id, message);
  }

  /** The next chunk; null when there is none. */
  async next(): Promise<Chunk | null> {
    const { done, value } = await this.#chunks.next();
    return done ? null : value;
  }

  /** The picture of the next chunk, which has one. */
  async see(): Promise<RawFrame> {
    const pictures = (await this.next())?.frames as readonly RawFrame[];
    const [picture] = pictures;
    assert.ok(pictures.length === 1 && picture !== undefined, `${pictures.length} pictures`);
    assert.equal(picture.data.length, picture.width * picture.height * 4);
    return picture;
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#service.closeSession(this.#id, { code: "client_request", detail: "the viewer left" });
  }
}

function isSame(one: RawFrame, other: RawFrame): boolean {
  return one.data.length === other.data.length && one.data.every((byte, at) => byte === other.data[at]);
}

Deno.test("a key that is held changes every picture, from the very next one on, until it is released", async () => {
  const viewer = await Viewer.join(getService());
  const before = await viewer.see();
  assert.ok(isSame(await viewer.see(), before), "something moves though no key is held");
  await viewer.send({ key: "ArrowRight", action: "press" });
  const first = await viewer.see();
  const second = await viewer.see();
  assert.ok(!isSame(first, before) && !isSame(second, first), "nothing moves though a key is held");
  await viewer.send({ key: "ArrowRight", action: "release" });
  assert.ok(isSame(await viewer.see(), second), "it moves on though the key was released");
});

Deno.test("each arrow has a way of its own, and the square stays in the picture", async () => {
  const seen: RawFrame[] = [];
  for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) {
    const viewer = await Viewer.join(getService());
    await viewer.send({ key, action: "press" });
    for (let picture = 0; picture < 100; picture++) await viewer.see();
    const last = await viewer.see();
    assert.ok(isSame(await viewer.see(), last), `${key} goes on at the edge`);
    assert.ok(seen.every((other) => !isSame(last, other)), `${key} leads where another key led`);
    seen.push(last);
  }
});

Deno.test("the first picture that shows a message names its id, once", async () => {
  const viewer = await Viewer.join(getService());
  await viewer.send({ key: "ArrowUp", action: "press", id: "first" });
  await viewer.send({ key: "ArrowUp", action: "release", id: 2 });
  assert.deepEqual((await viewer.next())?.applied_controls, ["first", 2]);
  assert.deepEqual((await viewer.next())?.applied_controls, []);
});

Deno.test("what is not known is ignored", async () => {
  const viewer = await Viewer.join(getService());
  const before = await viewer.see();
  for (const message of [{}, { key: "KeyQ", action: "press" }, { key: "ArrowUp", action: 5 }, { type: "media" }]) {
    await viewer.send(message);
  }
  assert.ok(isSame(await viewer.see(), before));
});

Deno.test("viewers do not steer each other", async () => {
  const service = getService();
  const [one, other] = [await Viewer.join(service), await Viewer.join(service)];
  const before = await other.see();
  await one.send({ key: "ArrowDown", action: "press" });
  assert.ok(!isSame(await one.see(), before), "nothing moves for the one who pressed");
  assert.ok(isSame(await other.see(), before), "it moves for the other one, too");
});

Deno.test("a wish that does not fit is refused in words that name it", async () => {
  for (const fps of [0, 61, "24", null]) await assert.rejects(Viewer.join(getService(), { fps }), /fps: give a number/);
});

Deno.test("nothing more is made when the viewer has left", async () => {
  const viewer = await Viewer.join(getService());
  await viewer.see();
  await viewer.leave();
  assert.ok(await viewer.next() === null);
});
