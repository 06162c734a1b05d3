import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer } from "../support/viewer.ts";

timedTest("every frame of a finite pipeline arrives, then the session closes with its reason", async () => {
  await using server = await startTestServer(testPipeline("counted_frames"));
  await using viewer = await connectViewer(server, { channel: true, fields: { frames: 36, tone: true } });
  await eventually("the session closes", () => viewer.messages.some((message) => message.type === "closed"));
  assert.equal(viewer.frames, 36);
  const types = viewer.messages.map((message) => message.type);
  assert.deepEqual(types.slice(-2), ["done", "closed"]);
  const done = viewer.messages.find((message) => message.type === "done");
  assert.equal(done?.total_chunks, 6);
  assert.equal(done?.session_id, viewer.sessionId);
  const closed = viewer.messages.at(-1);
  assert.equal(closed?.code, "finished");
  const status = await server.fetch(`/v1/stream/sessions/${viewer.sessionId}/status`);
  assert.equal(status.status, 404);
  assert.match((await status.json()).detail, /everything has been played/);
});
