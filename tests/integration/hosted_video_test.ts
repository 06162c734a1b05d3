import assert from "node:assert/strict";
import { startTestServer, testPipeline } from "../support/test_server.ts";

/** MiB that reading may add to the server: what decodes four files, and a few pictures of 64 MiB on their way. */
const GROWTH_LIMIT = 1200;

for (const isolation of ["worker", "process"]) {
  Deno.test(`in a ${isolation}: the largest pictures of four files at once, and the sound, are read to the end`, async () => {
    await using server = await startTestServer(testPipeline("large_pictures"), { isolation });
    const { status } = server.server.pipeline;
    assert.equal(status.state, "running", JSON.stringify(status));
    const read = server.logged.find((line) => line.includes(": read "));
    assert.match(read ?? "", /lengths=\[134217728\] samples=[1-9]\d+$/);
  });
}

Deno.test("the server holds only a few of the pictures that an isolated pipeline reads", async () => {
  const before = Deno.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => most = Math.max(most, Deno.memoryUsage().rss), 20);
  try {
    await using server = await startTestServer(testPipeline("large_pictures"), { isolation: "process" });
    assert.equal(server.server.pipeline.status.state, "running");
  } finally {
    clearInterval(timer);
  }
  const grown = (most - before) / 2 ** 20;
  assert.ok(grown < GROWTH_LIMIT, `${grown.toFixed(0)} MiB more`);
});
