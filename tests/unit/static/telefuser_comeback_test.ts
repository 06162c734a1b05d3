import assert from "node:assert/strict";
import { FakeTime } from "./fake_time.ts";

interface Way {
  go(): Promise<boolean>;
  limitMs: number;
}

interface Options {
  limitMs: number;
  isAway: () => boolean;
  pause: (ms: number) => Promise<boolean>;
}

/** The modules as they are used here: their own types are those of a browser. */
interface ComebackModule {
  bringBack(ways: Way[], options: Options): Promise<boolean>;
  waitBefore(attempt: number): number;
}
interface ErrorsModule {
  StreamError: new (code: string, message: string, options?: { status?: number }) => Error;
}

const [COMEBACK, ERRORS]: string[] = ["../../../static/telefuser-comeback.js", "../../../static/telefuser-errors.js"];
const { bringBack, waitBefore } = await import(COMEBACK ?? "") as ComebackModule;
const { StreamError } = await import(ERRORS ?? "") as ErrorsModule;

/** A pause that nobody ends. */
function pause(ms: number): Promise<boolean> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}

/** A way that notes when it is gone. */
function makeWay(gone: string[], { name, go = () => true, limitMs = 1000 }: {
  name: string;
  go?: () => boolean;
  limitMs?: number;
}): Way {
  return {
    // deno-lint-ignore require-await -- what it throws is to be a rejection
    go: async () => {
      gone.push(`${name} ${performance.now()}`);
      return go();
    },
    limitMs,
  };
}

Deno.test("tries to come back begin at once and settle at one second", () => {
  assert.deepEqual([0, 1, 2, 3, 100].map(waitBefore), [0, 500, 1000, 1000, 1000]);
});

Deno.test("the second way is gone only when the first one has had its time, or knows that it leads nowhere", async () => {
  using time = new FakeTime();
  const gone: string[] = [];
  let isAway = true;
  const back = bringBack([
    makeWay(gone, { name: "restart", limitMs: 2000, go: () => gone.length < 3 }),
    makeWay(gone, { name: "replace", limitMs: 4000 }),
  ], { limitMs: 30_000, isAway: () => isAway, pause });
  await time.pass(6600);
  isAway = false;
  await time.pass(100);
  assert.equal(await back, true);
  assert.deepEqual(gone, ["restart 0", "replace 2000", "restart 6500", "replace 6500"]);
});

Deno.test("a way that throws ends its round and not the tries", async () => {
  using time = new FakeTime();
  const gone: string[] = [];
  const broken = () => {
    throw new TypeError("fetch failed");
  };
  const back = bringBack([makeWay(gone, { name: "a", go: broken }), makeWay(gone, { name: "b" })], {
    limitMs: 5000,
    isAway: () => true,
    pause,
  });
  await time.pass(20_000);
  assert.equal(await back, false);
  assert.deepEqual(
    gone,
    ["a 0", "a 500", "a 1500", "a 2500", "a 3500", "a 4500", "a 5000"],
    "the last when the time is over",
  );
});

Deno.test("a server that says that the session is over ends it at once", async () => {
  for (const [code, status] of [["session_not_found", 404], ["resume_refused", 403]] as const) {
    using time = new FakeTime();
    const gone: string[] = [];
    const refuse = () => {
      throw new StreamError(code, "It is over.", { status });
    };
    const back = bringBack([makeWay(gone, { name: "a", go: refuse })], { limitMs: 30_000, isAway: () => true, pause });
    await time.pass(10);
    assert.equal(await back, false);
    assert.deepEqual(gone, ["a 0"]);
  }
});

Deno.test("a connection that recovers before the first try needs none", async () => {
  using time = new FakeTime();
  const gone: string[] = [];
  const back = bringBack([makeWay(gone, { name: "a" })], { limitMs: 30_000, isAway: () => false, pause });
  await time.pass(10);
  assert.equal(await back, true);
  assert.deepEqual(gone, []);
});

Deno.test("a pause that ends early is followed by a try at once, and then by short pauses again", async () => {
  using time = new FakeTime();
  const gone: string[] = [];
  let end = () => {};
  const broken = () => {
    throw new TypeError("fetch failed");
  };
  const back = bringBack([makeWay(gone, { name: "a", go: broken })], {
    limitMs: 4000,
    isAway: () => true,
    pause: (ms) =>
      new Promise((resolve) => {
        end = () => resolve(true);
        setTimeout(() => resolve(false), ms);
      }),
  });
  await time.pass(1700);
  end();
  await time.pass(20_000);
  assert.equal(await back, false);
  assert.deepEqual(gone, ["a 0", "a 500", "a 1500", "a 1700", "a 2200", "a 3200", "a 4000"]);
});
