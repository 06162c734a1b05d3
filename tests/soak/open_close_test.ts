import assert from "node:assert/strict";
import { eventually, testPipeline } from "../support/test_server.ts";
import { startServerProcess } from "../support/server_process.ts";
import { connectViewer } from "../support/viewer.ts";

/** Rounds until the allocator has all the memory it is going to keep. */
const WARM_UP = 110;
const ROUNDS = 50;
/** Times ten rounds that the garbage collector gets to come by; a leak only grows in them. */
const SETTLING = 4;

Deno.test("after 50 rounds of opening and closing, memory and descriptors are back where they were", async () => {
  await using server = await startServerProcess([testPipeline("counted_frames")]);
  const fields = { frames: 1000, width: 320, height: 192, tone: true };
  async function rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      await using viewer = await connectViewer(server.url, { channel: true, fields });
      await eventually("frames arrive", () => viewer.frames >= 5);
      const closed = await fetch(`${server.url}/v1/stream/webrtc/${viewer.sessionId}`, { method: "DELETE" });
      assert.equal(closed.status, 200);
      await closed.body?.cancel();
    }
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
  await rounds(WARM_UP);
  const before = { memory: server.memory(), descriptors: server.descriptors(), threads: server.threads() };
  await rounds(ROUNDS);
  // The garbage collector comes when it likes: memory counts as back once it is, within a few rounds more.
  for (let more = 0; more < SETTLING && server.memory() > before.memory * 1.05; more++) await rounds(10);
  const after = { memory: server.memory(), descriptors: server.descriptors(), threads: server.threads() };
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.log(
    `memory ${mib(before.memory)} → ${mib(after.memory)} MiB, descriptors ${before.descriptors} → ` +
      `${after.descriptors}, threads ${before.threads} → ${after.threads}`,
  );
  assert.ok(after.memory <= before.memory * 1.05, `memory ${mib(before.memory)} → ${mib(after.memory)} MiB`);
  assert.ok(
    Math.abs(after.descriptors - before.descriptors) <= 1,
    `descriptors ${before.descriptors} → ${after.descriptors}`,
  );
});
