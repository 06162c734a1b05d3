import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer, type Viewer } from "../support/viewer.ts";

/** Longest that `/health` may take, and longest gap between pictures of a session beside, in milliseconds. */
const HEALTH_LIMIT = 200;
const GAP_LIMIT = 250;

/** What comes of a fault: the session ends for a reason, or lives on and the log says what happened. */
interface Case {
  readonly fault: string;
  readonly reason?: RegExp;
  readonly logged?: RegExp;
  /** The worker is replaced, so that what came with it is over. */
  readonly replaced?: boolean;
}

const CASES: readonly Case[] = [
  { fault: "loop", reason: /no sign of life for 2 s/, replaced: true },
  { fault: "throw", reason: /the pipeline failed: it threw/ },
  { fault: "wordless", reason: /something was thrown that cannot be described/ },
  { fault: "timer", logged: /nobody caught: it threw in a timer/ },
  { fault: "rejection", logged: /nobody caught: nobody awaits this/ },
  { fault: "log", logged: /logs too much; lines were left out/ },
  { fault: "console", logged: /logs too much; lines were left out/ },
  { fault: "exit", reason: /ended its own worker by calling Deno\.exit\(\)/, replaced: true },
  { fault: "close", reason: /ended its own worker by calling self\.close\(\)/, replaced: true },
  { fault: "nonsense", logged: /chunk left out: chunk is a number/ },
  { fault: "many", logged: /chunk left out: chunk has 10000 frames, at most 1000/ },
  { fault: "huge", logged: /chunk left out: chunk has 2147483640 bytes/ },
  { fault: "metadata", logged: /chunk left out: note has 64000011 characters, at most 1048576 of metadata/ },
  { fault: "strange", logged: /chunk left out: (?:fps|frames\[0\])/ },
];

const BOMBS: readonly Case[] = [
  { fault: "memory", reason: /held \d+ MiB of memory, --pipeline-memory allows 512 MiB/, replaced: true },
  { fault: "objects", reason: /held \d+ MiB of memory, --pipeline-memory allows 512 MiB/, replaced: true },
];

/** Milliseconds of the longest pause between two pictures that came after that moment. */
function longestGap(viewer: Viewer, from: number): number {
  const times = viewer.video.filter(({ marker }) => marker).map(({ at }) => at).filter((at) => at >= from);
  return Math.max(...times.map((at, index) => at - (times[index - 1] ?? at)), performance.now() - (times.at(-1) ?? 0));
}

/** Asks for the health again and again. */
function watchHealth(server: TestServer): AsyncDisposable & { slowest(): number } {
  let isOver = false;
  let slowest = 0;
  const done = (async () => {
    while (!isOver) {
      const begin = performance.now();
      await (await server.fetch("/v1/service/health")).text();
      slowest = Math.max(slowest, performance.now() - begin);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    slowest: () => slowest,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await done;
    },
  };
}

/** Has a session go wrong and looks at what comes of it. */
async function misbehave(server: TestServer, { fault, reason, logged, replaced = false }: Case): Promise<void> {
  server.clearLog();
  const restarts = server.server.pipeline.counters.restarts;
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { fault } } });
  await using health = watchHealth(server);
  if (reason !== undefined) {
    await eventually("the viewer hears of it", () => viewer.messages.at(-1)?.type === "closed", 15_000);
    const last = viewer.messages.at(-1);
    assert.equal(last?.code, "pipeline_failed");
    assert.match(String(last?.reason), reason);
  }
  if (logged !== undefined) {
    await eventually("it is logged", () => server.logged.some((line) => logged.test(line)), 15_000);
    const before = viewer.frames;
    await eventually("the session goes on", () => viewer.frames > before + 20);
  }
  if (replaced) {
    await eventually("the worker is replaced", () => {
      return server.server.pipeline.status.state === "running" && server.server.pipeline.counters.restarts > restarts;
    }, 40_000);
    const begin = performance.now();
    await using next = await connectViewer(server, { fields: { config: {} } });
    await eventually("a new session works", () => next.frames > 5, 3000);
    assert.ok(performance.now() - begin < 3000);
  }
  assert.ok(health.slowest() <= HEALTH_LIMIT, `/health took ${health.slowest().toFixed(0)} ms`);
}

for (const one of CASES) {
  timedTest(`in a worker: ${one.fault} costs its own sessions and nothing else`, async () => {
    await using server = await startTestServer(testPipeline("misbehaving"), { pipelineHeartbeatSeconds: "2" });
    await misbehave(server, one);
  });
}

for (const one of [...CASES, ...BOMBS]) {
  timedTest(`in a process: ${one.fault} does not disturb a session beside`, async () => {
    await using good = await startTestServer(testPipeline("fast_generator"), { isolation: "process" });
    await using beside = await connectViewer(good);
    await eventually("the session beside plays", () => beside.frames > 20);
    const from = performance.now();
    await using server = await startTestServer(testPipeline("misbehaving"), {
      isolation: "process",
      pipelineHeartbeatSeconds: "2",
      pipelineMemory: "512",
    });
    await misbehave(server, one);
    const gap = longestGap(beside, from);
    assert.ok(gap < GAP_LIMIT, `the longest gap is ${gap.toFixed(0)} ms`);
  });
}

timedTest("a native crash in its own process costs its sessions, which hear of it, and nothing beside", async () => {
  await using good = await startTestServer(testPipeline("fast_generator"), { isolation: "process" });
  await using beside = await connectViewer(good);
  await eventually("the session beside plays", () => beside.frames > 20);
  const from = performance.now();
  await using server = await startTestServer(testPipeline("crashing"), {
    isolation: "process",
    securityLevel: "permissive",
  });
  await using other = await connectViewer(server, { channel: true, fields: { config: {} } });
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { crash: true } } });
  for (const one of [viewer, other]) {
    await eventually("the viewer hears of it", () => one.messages.at(-1)?.type === "closed", 15_000);
    const last = one.messages.at(-1);
    assert.equal(last?.code, "pipeline_failed");
    assert.match(String(last?.reason), /the pipeline's worker ended: its process was ended by SIGSEGV/);
  }
  await eventually("its process is replaced", () => {
    const { status, counters } = server.server.pipeline;
    return status.state === "running" && counters.restarts === 1;
  }, 15_000);
  await using next = await connectViewer(server, { fields: { config: {} } });
  await eventually("a new session works", () => next.frames > 5, 3000);
  const gap = longestGap(beside, from);
  assert.ok(gap < GAP_LIMIT, `the longest gap is ${gap.toFixed(0)} ms`);
});

timedTest("a memory bomb in its own process leaves the server's memory as it was", async () => {
  await using server = await startTestServer(testPipeline("misbehaving"), {
    isolation: "process",
    pipelineMemory: "512",
  });
  const before = Deno.memoryUsage().rss;
  await misbehave(server, BOMBS[0] as Case);
  const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(grown < 100, `${grown.toFixed(0)} MiB more`);
});

for (const isolation of ["worker", "process"]) {
  Deno.test(`in a ${isolation}: what hangs is given up in time, and the next session works`, async (test) => {
    await using server = await startTestServer(testPipeline("two_way_hanging"), {
      isolation,
      pipelineOpenSeconds: "1",
      pipelineCloseSeconds: "1",
    });
    await test.step("createSession()", async () => {
      await assert.rejects(
        connectViewer(server, { channel: true, fields: { config: { hang: "createSession" } } }),
        /createSession\(\) took more than 1 s/,
      );
    });
    for (const hang of ["pushChunk", "pullChunks", "closeSession"]) {
      await test.step(`${hang}()`, async () => {
        await using viewer = await connectViewer(server, { channel: true, fields: { config: { hang } } });
        await eventually("pictures come", () => viewer.frames > 0);
        viewer.send({ type: "anything" });
        const begin = performance.now();
        const closed = await server.fetch(`/v1/stream/sessions/${viewer.sessionId}`, { method: "DELETE" });
        assert.equal(closed.status, 200);
        assert.ok(performance.now() - begin < 3000, "the close waits for the pipeline");
      });
    }
    await test.step("closeSession(), whose id is then refused at once", async () => {
      const options = { channel: true, fields: { session_id: "stuck", config: { hang: "closeSession" } } };
      await using viewer = await connectViewer(server, options);
      await eventually("pictures come", () => viewer.frames > 0);
      assert.equal((await server.fetch("/v1/stream/sessions/stuck", { method: "DELETE" })).status, 200);
      const begin = performance.now();
      const refused = /refused: 409 .*closeSession\(\) of the session before it has not returned/;
      await assert.rejects(connectViewer(server, options), refused);
      assert.ok(performance.now() - begin < 800, "it waits for what does not come");
    });
    await test.step("stop()", async () => {
      const begin = performance.now();
      await server.server.stop();
      assert.ok(performance.now() - begin < 4000);
      assert.ok(server.logged.some((line) => line.includes("stop() took more than 1 s")));
    });
  });
}

Deno.test("start() that hangs is a failure after the limit, which health tells", async () => {
  await using server = await startTestServer(testPipeline("start_hangs"), { pipelineStartSeconds: "1" });
  const response = await server.fetch("/v1/service/health");
  const health = await response.json();
  assert.deepEqual([response.status, health.status], [503, "unhealthy"]);
  assert.match(health.detail, /not ready within 1 s/);
});

Deno.test("a pipeline that throws while it is loaded is a failure in its own words", async () => {
  await using server = await startTestServer(testPipeline("import_throws"));
  const health = await (await server.fetch("/v1/service/health")).json();
  assert.match(health.detail, /import failed: it threw while it was loaded/);
});
