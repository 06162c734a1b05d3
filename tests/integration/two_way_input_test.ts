import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { connectViewer, type Viewer } from "../support/viewer.ts";

function seen(viewer: Viewer): number[] {
  return viewer.messages.filter(({ type }) => type === "chunk").flatMap(({ data }) =>
    (data as { seen: number[] }).seen
  );
}

Deno.test("a pipeline that takes 50 ms for a message gets the newest of each kind out of 500", async () => {
  await using server = await startTestServer(testPipeline("two_way_counter"));
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { push_ms: 50 } } });
  const keys = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Space"];
  for (let n = 0; n < 500; n++) viewer.send({ type: "control", key: keys[n % 5], action: "press", n });
  const statusOf = async () => {
    const response = await server.fetch(`/v1/stream/sessions/${viewer.sessionId}/status`);
    return (await response.json()).stats as Record<string, number>;
  };
  await eventually("the last message", () => seen(viewer).includes(499));
  const { controls_received, controls_dropped = 0 } = await statusOf();
  assert.equal(controls_received, 500);
  assert.ok(controls_dropped >= 400, `${controls_dropped} were left out`);
  const got = seen(viewer);
  assert.equal(got.length, 500 - controls_dropped);
  assert.deepEqual(got, got.toSorted((a, b) => a - b));
  for (const n of [495, 496, 497, 498, 499]) {
    assert.ok(got.includes(n), `message ${n}, the newest of its kind, is there`);
  }
});
