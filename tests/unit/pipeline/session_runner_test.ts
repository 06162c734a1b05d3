import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "../../../src/pipeline/limits.ts";
import type { WorkerMessage } from "../../../src/pipeline/protocol.ts";
import { type SessionCalls, SessionRunner } from "../../../src/pipeline/session_runner.ts";
import { settle } from "../support/manual_clock.ts";

const BY_REQUEST = { code: "client_request", detail: "closed by request" };

function makeRunner(calls: Partial<SessionCalls>) {
  const told: WorkerMessage[] = [];
  const abort = new AbortController();
  const runner = new SessionRunner({
    id: "7",
    calls: { source: "pullChunks()", chunks: () => [], push: null, close: null, ...calls },
    abort,
    limits: DEFAULT_LIMITS,
    send: (message) => void told.push(message),
  });
  /** What was told, in short. */
  function brief(): string[] {
    return told.map((message) => {
      assert.equal((message as { id: string }).id, "7");
      if (message.t === "end") return `end ${message.during} ${message.error}`;
      if (message.t === "close_failed") return `close_failed ${message.during} ${message.detail}`;
      return message.t === "taken" ? `taken ${message.lane}` : message.t;
    });
  }
  return { runner, told, abort, brief };
}

function failing(words: string): never {
  throw new Error(words);
}

Deno.test("the generator begins at the first next, and one chunk is told for each", async () => {
  let begun = 0;
  const { runner, brief } = makeRunner({
    chunks: function* () {
      begun++;
      yield { step: 0 };
      yield { step: 1 };
    },
  });
  assert.equal(begun, 0);
  await runner.next();
  assert.deepEqual([begun, brief()], [1, ["chunk"]]);
  await runner.next();
  await runner.next();
  await runner.next();
  assert.deepEqual(brief(), ["chunk", "chunk", "end  null"], "the end is told once");
});

Deno.test("a promise of a next chunk is waited for, in async generators and plain ones", async () => {
  const { runner, told } = makeRunner({
    chunks: async function* () {
      yield await Promise.resolve({ step: 0 });
    },
  });
  await runner.next();
  assert.equal((told[0] as { chunk: { metadata: string } }).chunk.metadata, '{"step":0}');
});

for (
  const [what, chunks, words] of [
    ["when it is called", () => failing("called"), "called"],
    ["before its first chunk", function* () {
      yield failing("first");
    }, "first"],
    ["with what is no Error", () => {
      throw "just words";
    }, "just words"],
    ["with what has no words", () => {
      throw Object.create(null);
    }, "something was thrown that cannot be described; throw an Error with a message"],
    ["with what throws itself", () => {
      throw new Proxy(new Error("hidden"), {
        get: () => failing("looked at"),
        getPrototypeOf: () => failing("looked at"),
      });
    }, "something was thrown that cannot be described; throw an Error with a message"],
    ["by returning nothing", () => undefined, "pullChunks() returned nothing to iterate"],
    ["by returning a text", () => "chunks", "pullChunks() returned nothing to iterate"],
  ] as const
) {
  Deno.test(`a source that fails ${what} ends the session in words, once`, async () => {
    const { runner, told } = makeRunner({ chunks });
    await runner.next();
    await runner.next();
    const [end] = told as [WorkerMessage & { t: "end" }];
    assert.deepEqual([told.length, end.t, end.during], [1, "end", "pullChunks()"]);
    assert.ok(end.error?.startsWith(words), String(end.error));
  });
}

Deno.test("a message is said to be taken when the promise of pushChunk() is settled", async () => {
  const taken = Promise.withResolvers<void>();
  const got: unknown[] = [];
  const { runner, brief } = makeRunner({
    push: (message) => {
      got.push(message);
      return taken.promise;
    },
  });
  const pushing = runner.push("video", { type: "media" });
  await settle();
  assert.deepEqual([got, brief()], [[{ type: "media" }], []]);
  taken.resolve();
  await pushing;
  assert.deepEqual(brief(), ["taken video"]);
});

for (const way of ["at once", "later"]) {
  Deno.test(`pushChunk() that throws ${way} ends the session and returns the generator`, async () => {
    let returned = 0;
    const { runner, brief } = makeRunner({
      chunks: function* () {
        try {
          for (;;) yield {};
        } finally {
          returned++;
        }
      },
      push: () => way === "at once" ? failing("no room") : Promise.reject(new Error("no room")),
    });
    await runner.next();
    await runner.push("control", {});
    await settle();
    assert.deepEqual(brief(), ["chunk", "end pushChunk() no room"]);
    assert.equal(returned, 1);
    await runner.push("control", {});
    await runner.next();
    assert.equal(brief().length, 2, "nothing is called after the end");
  });
}

Deno.test("messages for a service that takes none are left alone", async () => {
  const { runner, brief } = makeRunner({});
  await runner.push("control", {});
  assert.deepEqual(brief(), []);
});

Deno.test("closing aborts, tells the service once, and returns the generator", async () => {
  const calls: string[] = [];
  const { runner, abort, brief } = makeRunner({
    chunks: function* () {
      try {
        for (;;) yield {};
      } finally {
        calls.push(`returned, aborted: ${abort.signal.aborted}`);
      }
    },
    close: ({ code }) => void calls.push(`close ${code}, aborted: ${abort.signal.aborted}`),
  });
  await runner.next();
  await Promise.all([runner.close(BY_REQUEST), runner.close({ code: "shutting_down", detail: "" })]);
  await runner.close(BY_REQUEST);
  assert.deepEqual(calls, ["returned, aborted: true", "close client_request, aborted: true"]);
  assert.deepEqual(brief(), ["chunk"]);
});

Deno.test("a generator that waits for input does not hold closing up: closeSession() is called and wakes it", async () => {
  const input = Promise.withResolvers<void>();
  let finished = false;
  const { runner } = makeRunner({
    chunks: async function* () {
      try {
        await input.promise;
        yield {};
      } finally {
        finished = true;
      }
    },
    close: () => input.resolve(),
  });
  const next = runner.next();
  await runner.close(BY_REQUEST);
  await next;
  await settle();
  assert.equal(finished, true);
});

Deno.test("a generator that never wakes up does not hold closing up when the service has closeSession()", async () => {
  const { runner, brief } = makeRunner({
    chunks: async function* () {
      await new Promise(() => undefined);
      yield {};
    },
    close: () => undefined,
  });
  void runner.next();
  await runner.close(BY_REQUEST);
  assert.deepEqual(brief(), []);
});

Deno.test("a chunk that comes after closing, or a throw, is told to nobody", async () => {
  for (const way of ["chunk", "throw", "push"]) {
    const late = Promise.withResolvers<void>();
    const { runner, brief } = makeRunner({
      chunks: async function* () {
        await late.promise;
        if (way === "throw") failing("too late");
        yield {};
      },
      push: () => late.promise.then(() => failing("too late")),
      close: () => undefined,
    });
    const underWay = way === "push" ? runner.push("control", {}) : runner.next();
    await runner.close(BY_REQUEST);
    late.resolve();
    await underWay;
    await settle();
    assert.deepEqual(brief(), [], way);
  }
});

Deno.test("what fails while closing is told with the method's name, and closing goes on", async () => {
  const { runner, brief } = makeRunner({
    chunks: function* () {
      try {
        yield {};
      } finally {
        failing("stuck generator");
      }
    },
    close: () => failing("stuck door"),
  });
  await runner.next();
  await runner.close(BY_REQUEST);
  await settle();
  assert.deepEqual(brief().toSorted(), [
    "chunk",
    "close_failed closeSession() stuck door",
    "close_failed pullChunks() stuck generator",
  ]);
});

Deno.test("a session that has failed is still closed, and its generator is not returned twice", async () => {
  let closed = 0;
  const { runner, brief } = makeRunner({ chunks: () => failing("broken"), close: () => void closed++ });
  await runner.next();
  await runner.close({ code: "pipeline_failed", detail: "broken" });
  assert.deepEqual([closed, brief()], [1, ["end pullChunks() broken"]]);
});
