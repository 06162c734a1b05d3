import assert from "node:assert/strict";
import { sleep, systemClock, withTimeLimit } from "../../../src/async/mod.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";

/** Watches a promise without waiting for it. */
function watch<T>(promise: Promise<T>) {
  const state: { value?: T; error?: unknown; done: boolean } = { done: false };
  promise.then(
    (value) => Object.assign(state, { value, done: true }),
    (error) => Object.assign(state, { error, done: true }),
  );
  return state;
}

/** Wall clock time, and monotonic time right before and right after it was read. */
function readings(): { from: number; unix: number; to: number } {
  const from = systemClock.now();
  const unix = systemClock.unixTime();
  return { from, unix, to: systemClock.now() };
}

Deno.test("the machine's clock calls once, after the time, and tells monotonic and wall clock time alike", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = readings();
  systemClock.schedule(0.02, resolve);
  await promise;
  const last = readings();
  assert.ok(last.from - first.to >= 0.019, `${last.from - first.to} s`);
  const passed = last.unix - first.unix;
  assert.ok(passed > last.from - first.to - 0.001 && passed < last.to - first.from + 0.001, `${passed} s`);
  const from = performance.now() / 1000;
  const now = systemClock.now();
  assert.ok(from <= now && now <= performance.now() / 1000, "it counts seconds");
  assert.ok(Math.abs(systemClock.unixTime() - Date.now() / 1000) < 5);
});

Deno.test("a timer that was cancelled, by hand or by scope, does not call and keeps nothing alive", async () => {
  let called = 0;
  const timer = systemClock.schedule(0, () => called++);
  timer.cancel();
  timer.cancel();
  {
    using _scoped = systemClock.schedule(0, () => called++);
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  const last = systemClock.schedule(-1, resolve);
  await promise;
  last.cancel();
  assert.equal(called, 0);
});

Deno.test("sleeps for that long", async () => {
  const clock = new ManualClock();
  const slept = watch(sleep(clock, 2));
  await clock.advance(1.9);
  assert.equal(slept.done, false);
  await clock.advance(0.2);
  assert.equal(slept.done, true);
});

Deno.test("wakes when the signal aborts, and leaves neither timer nor listener", async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  const slept = watch(sleep(clock, 100, abort.signal));
  await clock.advance(1);
  assert.equal(slept.done, false);
  abort.abort();
  await settle();
  assert.deepEqual([slept.done, slept.error], [true, undefined]);
  assert.equal(clock.pending, 0);
});

Deno.test("does not sleep at all when the signal has aborted before", async () => {
  const clock = new ManualClock();
  const slept = watch(sleep(clock, 100, AbortSignal.abort()));
  await settle();
  assert.equal(slept.done, true);
  assert.equal(clock.pending, 0);
});

Deno.test("takes its listener off the signal again when it has slept", async () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  for (let time = 0; time < 3; time++) {
    const slept = sleep(clock, 1, signal);
    await clock.advance(1.1);
    await slept;
  }
  assert.equal(listeners, 0);
});

Deno.test("gives what comes in time and drops the limit", async () => {
  const clock = new ManualClock();
  assert.equal(await withTimeLimit(clock, 5, Promise.resolve("value")), "value");
  assert.equal(clock.pending, 0);
  await assert.rejects(withTimeLimit(clock, 5, Promise.reject(new Error("refused"))), /refused/);
  assert.equal(clock.pending, 0);
});

Deno.test("gives up when the time is over, and takes care of what fails later", async () => {
  const clock = new ManualClock();
  const { promise, reject } = Promise.withResolvers<string>();
  const limited = watch(withTimeLimit(clock, 5, promise));
  await clock.advance(4.9);
  assert.equal(limited.done, false);
  await clock.advance(0.2);
  assert.equal(limited.value, "timeout");
  reject(new Error("too late"));
  await settle();
});
