import assert from "node:assert/strict";
import { Emitter } from "../../../src/async/mod.ts";

Deno.test("calls every listener with the value, in order, until it leaves", () => {
  const emitter = new Emitter<number>();
  const heard: string[] = [];
  const leave = emitter.on((value) => heard.push(`a${value}`));
  emitter.on((value) => heard.push(`b${value}`));
  emitter.emit(1);
  leave();
  leave();
  emitter.emit(2);
  assert.deepEqual(heard, ["a1", "b1", "b2"]);
});

Deno.test("calls the others when one throws, and tells what it threw", () => {
  const errors: unknown[] = [];
  const emitter = new Emitter<void>((error) => errors.push(error));
  const failure = new Error("boo");
  let called = 0;
  emitter.on(() => {
    throw failure;
  });
  emitter.on(() => called++);
  emitter.emit();
  assert.equal(called, 1);
  assert.deepEqual(errors, [failure]);
});

Deno.test("throws again outside of emit when nobody takes errors", async () => {
  const emitter = new Emitter<void>();
  const failure = new Error("boo");
  let called = 0;
  emitter.on(() => {
    throw failure;
  });
  emitter.on(() => called++);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  function take(event: ErrorEvent): void {
    event.preventDefault();
    resolve(event.error);
  }
  globalThis.addEventListener("error", take, { once: true });
  emitter.emit();
  assert.equal(called, 1);
  assert.equal(await promise, failure);
});

Deno.test("lets listeners come and go while it calls", () => {
  const emitter = new Emitter<void>();
  const heard: string[] = [];
  const leave = emitter.on(() => {
    heard.push("first");
    leave();
    emitter.on(() => heard.push("new"));
  });
  emitter.on(() => heard.push("second"));
  emitter.emit();
  assert.deepEqual(heard, ["first", "second"], "one that comes is called from the next time on");
  emitter.emit();
  assert.deepEqual(heard, ["first", "second", "second", "new"]);
});

Deno.test("forgets every listener", () => {
  const emitter = new Emitter<void>();
  let called = 0;
  emitter.on(() => called++);
  emitter.clear();
  emitter.emit();
  assert.equal(called, 0);
});
