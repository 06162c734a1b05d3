import assert from "node:assert/strict";
import { StreamError } from "../../../src/errors.ts";
import { type PipelineChunk, PipelineSession } from "../../../src/pipeline/mod.ts";
import { settle } from "../support/manual_clock.ts";

function makeSession() {
  const asked: string[] = [];
  const stream: PipelineSession = new PipelineSession({
    requestNext: () => asked.push("next"),
    push: (lane) => asked.push(`push ${lane}`),
    close: ({ code }) => asked.push(`close ${code}`),
  });
  return { stream, asked };
}

function chunk(index: number): PipelineChunk {
  return { index, fps: undefined, pictures: [], audio: null, metadata: {} };
}

Deno.test("asks for one chunk at a time, only when one is wanted", async () => {
  const { stream, asked } = makeSession();
  assert.deepEqual(asked, []);
  for (let index = 0; index < 3; index++) {
    const next = stream.next();
    assert.equal(asked.length, index + 1);
    stream.deliver(chunk(index));
    assert.deepEqual(await next, { done: false, value: chunk(index) });
  }
  await settle();
  assert.deepEqual(asked, ["next", "next", "next"]);
});

Deno.test("has the first chunk ready when it was asked for ahead of time, and asks for it once", async () => {
  const { stream, asked } = makeSession();
  stream.prefetch();
  stream.prefetch();
  stream.deliver(chunk(0));
  assert.deepEqual(await stream.next(), { done: false, value: chunk(0) });
  assert.deepEqual(asked, ["next"]);
  const waiting = makeSession();
  waiting.stream.prefetch();
  const next = waiting.stream.next();
  waiting.stream.deliver(chunk(5));
  assert.equal((await next).value?.index, 5);
  assert.deepEqual(waiting.asked, ["next"]);
});

Deno.test("asks again in place of a chunk that did not hold", async () => {
  const { stream, asked } = makeSession();
  const next = stream.next();
  stream.skip();
  assert.deepEqual(asked, ["next", "next"]);
  stream.deliver(chunk(1));
  assert.equal((await next).value?.index, 1);
});

Deno.test("hands out what is ready before it ends", async () => {
  const { stream } = makeSession();
  stream.prefetch();
  stream.deliver(chunk(0));
  stream.end(null);
  assert.equal((await stream.next()).value?.index, 0);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  assert.equal(stream.failure, null);
});

Deno.test("ends the wait for a chunk that never comes", async () => {
  const { stream, asked } = makeSession();
  const next = stream.next();
  stream.end(null);
  assert.deepEqual(await next, { done: true, value: undefined });
  await stream.next();
  stream.skip();
  assert.deepEqual(asked, ["next"], "and asks for nothing more");
});

Deno.test("throws the pipeline's failure at whoever waits or comes later", async () => {
  const failure = new StreamError("pipeline_failed", "out of memory");
  const early = makeSession().stream;
  const next = early.next();
  early.end(failure);
  await assert.rejects(next, (error) => error === failure);
  await assert.rejects(early.next(), (error) => error === failure);
  assert.equal(early.failure, failure);
  const late = makeSession().stream;
  late.end(failure);
  await settle();
  await assert.rejects(late.next(), (error) => error === failure, "an end that nobody waited for stays unharmed");
});

Deno.test("keeps to its first outcome", async () => {
  const { stream } = makeSession();
  stream.end(null);
  stream.end(new StreamError("pipeline_failed", "too late"));
  assert.equal(stream.failure, null);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

const GONE = { code: "client_request", detail: "closed by request" };

Deno.test("closes the worker's side once, and is released when the worker says so", async () => {
  const { stream, asked } = makeSession();
  const seen: (number | undefined)[] = [];
  stream.prefetch();
  stream.deliver(chunk(0));
  for await (const { index } of stream) {
    seen.push(index);
    break;
  }
  let released = false;
  const closing = stream.close(GONE).then(() => released = true);
  void stream.close(GONE);
  await settle();
  assert.deepEqual(seen, [0]);
  assert.deepEqual(asked, ["next", "close client_request"]);
  assert.equal(released, false);
  stream.release();
  await closing;
});

Deno.test("takes no input once it has ended, and closes the worker's side all the same", async () => {
  const { stream, asked } = makeSession();
  stream.inbox.control({ type: "control" });
  stream.end(null);
  stream.inbox.control({ type: "control" });
  void stream.close(GONE);
  await settle();
  assert.deepEqual(asked, ["push control", "close client_request"]);
});

Deno.test("is opened when the service accepts it, and refused with the service's words", async () => {
  const accepted = makeSession().stream;
  accepted.accept();
  await accepted.opened;
  const failure = new StreamError("pipeline_failed", "fps must be 1 to 60");
  const refused = makeSession().stream;
  refused.end(failure);
  await assert.rejects(refused.opened, (error) => error === failure);
});

Deno.test("gives nothing more after it was left, though a chunk was on its way", async () => {
  const { stream } = makeSession();
  const waiting = stream.next();
  await stream.return();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  stream.deliver(chunk(0));
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

Deno.test("tells when its first chunk is there, or that it has ended without one", async () => {
  const { stream } = makeSession();
  let there = false;
  const first = stream.first.then(() => there = true);
  stream.prefetch();
  stream.skip();
  await settle();
  assert.equal(there, false, "a chunk that did not hold is none");
  stream.deliver(chunk(0));
  await first;
  const failed = makeSession().stream;
  failed.end(new StreamError("pipeline_failed", "no such style"));
  await failed.first;
  const left = makeSession().stream;
  await left.return();
  await left.first;
});

Deno.test("counts chunks in a row that did not hold", () => {
  const { stream } = makeSession();
  stream.prefetch();
  assert.deepEqual([stream.skip(), stream.skip()], [1, 2]);
  stream.deliver(chunk(0));
  assert.equal(stream.skip(), 1);
});
