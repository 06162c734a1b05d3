import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { type ChannelMessage, connectViewer, type Viewer } from "../support/viewer.ts";

function chunks(viewer: Viewer): Record<string, unknown>[] {
  return viewer.messages.filter(({ type }) => type === "chunk").map(({ data }) => data as Record<string, unknown>);
}

async function last(viewer: Viewer): Promise<ChannelMessage> {
  await eventually("the last message", () => viewer.messages.some(({ type }) => type === "closed"));
  return viewer.messages.at(-1) as ChannelMessage;
}

Deno.test("a message reaches the pipeline as it is, and what it answers comes back", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectViewer(server, {
    channel: true,
    fields: { prompt: "offer", config: { prompt: "config", steps: 4 } },
  });
  await eventually("the first chunk", () => chunks(viewer).length === 1);
  const { config } = chunks(viewer)[0] as { config: Record<string, unknown> };
  assert.deepEqual(config, { task: "t2v", prompt: "offer", steps: 4, session_id: viewer.sessionId });
  const message = { type: "control", key: "ArrowUp", action: "press", nested: { list: [1, null, "ä"] } };
  viewer.send(message);
  await eventually("the echo", () => chunks(viewer).length === 2);
  assert.deepEqual(chunks(viewer)[1]?.echo, message);
  for (let n = 0; n < 40; n++) viewer.send({ n });
  await eventually("all echoes", () => chunks(viewer).length === 42);
  const echoed = chunks(viewer).slice(2).map(({ echo }) => (echo as { n: number }).n);
  assert.deepEqual(echoed, Array.from({ length: 40 }, (_, n) => n));
});

Deno.test("pictures go out as media, never on the channel, nested ones as well", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectViewer(server, { channel: true });
  viewer.send({ do: "nested" });
  await eventually("a picture", () => viewer.frames > 0);
  await eventually("its message", () => chunks(viewer).length === 2);
  assert.deepEqual(chunks(viewer)[1], { fps: 24, outer: 1, data: { note: "nested" } });
  viewer.send({ do: "picture", id: "c1" });
  await eventually("the traced chunk", () => chunks(viewer).length === 3);
  const traced = viewer.messages.filter(({ type }) => type === "chunk").at(-1);
  await eventually("its picture", () => viewer.video.some(({ timestamp }) => timestamp === traced?.rtp_timestamp));
  const status = await (await server.fetch(`/v1/stream/sessions/${viewer.sessionId}/status`)).json();
  assert.equal(status.stats.control_to_send.count, 1);
  assert.ok(status.stats.control_to_send.p50 >= 0 && status.stats.control_to_send.p50 < 1000);
  viewer.send({ type: "control_trace", id: "c1", latency_ms: 42 });
  viewer.send({ do: "finish" });
  assert.deepEqual((await last(viewer)).code, "finished");
  const metadata = await (await server.fetch("/v1/service/metadata")).json();
  assert.deepEqual(metadata.control_latency, { count: 1, p50: 42, p95: 42, p99: 42 });
});

for (const what of ["throw in push", "throw in pull"]) {
  Deno.test(`a pipeline that throws (${what}) ends only its own session, in words`, async () => {
    await using server = await startTestServer(testPipeline("two_way"));
    await using bystander = await connectViewer(server, { channel: true });
    await using viewer = await connectViewer(server, { channel: true });
    viewer.send({ do: what });
    const closed = await last(viewer);
    assert.equal(closed.code, "pipeline_failed");
    assert.match(String(closed.reason), /pushed too far|pulled too hard/);
    assert.equal(viewer.messages.at(-2)?.type, "error");
    bystander.send({ type: "control", still: "here" });
    await eventually("the bystander's echo", () => chunks(bystander).some(({ echo }) => echo !== undefined));
  });
}

Deno.test("createSession() refuses in its own words: 400, or 409 for a conflict", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  const refusals = [
    { fields: { config: { refuse: "steps must be 1 to 50" } }, status: 400, words: "steps must be 1 to 50" },
    { fields: { config: { conflict: true } }, status: 409, words: "the model is taken" },
  ];
  for (const { fields, status, words } of refusals) {
    await assert.rejects(connectViewer(server, { channel: true, fields }), (error) => {
      assert.match(String(error), new RegExp(`refused: ${status} .*${words}`));
      return true;
    });
  }
  await using first = await connectViewer(server, { channel: true, fields: { config: { own_id: "model" } } });
  assert.ok(first);
  await assert.rejects(
    connectViewer(server, { channel: true, fields: { config: { own_id: "model" } } }),
    /refused: 409 .*another session's id/,
  );
  const health = await (await server.fetch("/v1/service/health")).json();
  assert.equal(health.webrtc_bidirectional_sessions, 1);
});

Deno.test("a failure to close is logged, and the answer is still 200", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { fail_to_close: true } } });
  await eventually("the first chunk", () => chunks(viewer).length === 1);
  const response = await server.fetch(`/v1/stream/webrtc/${viewer.sessionId}`, { method: "DELETE" });
  assert.equal(response.status, 200);
  assert.ok(server.logged.some((line) => line.includes("closeSession() failed: the door is stuck")));
  await using next = await connectViewer(server, { channel: true });
  await eventually("the first chunk", () => chunks(next).length === 1);
  assert.deepEqual(chunks(next)[0]?.last_end, { code: "client_request", detail: "closed by request" });
});
