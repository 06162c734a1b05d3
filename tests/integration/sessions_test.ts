import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer, Viewer } from "../support/viewer.ts";

timedTest("ten sessions at once get at least 97% of their frames; the eleventh gets 503 with a reason", async () => {
  await using server = await startTestServer(testPipeline("counted_frames"));
  const fields = { frames: 240, width: 320, height: 192, tone: true };
  const viewers: Viewer[] = [];
  for (let index = 0; index < 10; index++) viewers.push(await connectViewer(server, { fields }));
  await assert.rejects(connectViewer(server, { fields }), /503 .*all 10 are in use/);
  assert.equal((await (await server.fetch("/v1/service/health")).json()).webrtc_active_sessions, 10);
  await eventually("all sessions end", () => server.server.registry.size === 0, 30_000);
  for (const [index, viewer] of viewers.entries()) {
    assert.ok(viewer.frames >= 233, `viewer ${index} got ${viewer.frames} of 240`);
  }
  await Promise.all(viewers.map((viewer) => viewer.peer.close()));
});

Deno.test("an id in use is refused with 409; after closing it can be used again", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const fields = { session_id: "mine" };
  await using _first = await connectViewer(server, { fields });
  await assert.rejects(connectViewer(server, { fields }), /409 .*session mine is in use/);
  assert.equal((await server.fetch("/v1/stream/sessions/mine", { method: "DELETE" })).status, 200);
  assert.equal((await server.fetch("/v1/stream/sessions/mine", { method: "DELETE" })).status, 404);
  await using second = await connectViewer(server, { fields });
  assert.equal(second.sessionId, "mine");
});

Deno.test("a viewer that closes its peer frees its slot", async () => {
  await using server = await startTestServer(testPipeline("paused"), {
    webrtcDisconnectedGraceSeconds: "3",
    webrtcHoldSeconds: "0",
  });
  const viewer = await connectViewer(server);
  await eventually("frames arrive", () => viewer.frames > 0);
  await viewer.peer.close();
  await eventually("the slot is free", () => server.server.registry.size === 0);
});

Deno.test("a viewer that falls silent is let go after the grace time", async () => {
  await using server = await startTestServer(testPipeline("fast_generator"), {
    webrtcDisconnectedGraceSeconds: "2",
    webrtcHoldSeconds: "0",
  });
  await using viewer = await connectViewer(server);
  await eventually("frames arrive", () => viewer.frames > 0);
  viewer.fallSilent();
  await eventually("the slot is free", () => server.server.registry.size === 0);
  assert.ok(server.logged.some((line) => line.includes("nothing was heard from the viewer for 2 s")));
});

Deno.test("an answer that nobody takes up is dropped after the connect time limit", async () => {
  await using server = await startTestServer(testPipeline("paused"), { webrtcConnectTimeoutSeconds: "1" });
  await using viewer = new Viewer();
  const sdp = await viewer.offer();
  const response = await server.fetch("/v1/stream/webrtc/offer", {
    method: "POST",
    body: JSON.stringify({ sdp, type: "offer", task: "t2v" }),
  });
  const { session_id } = await response.json();
  await eventually("the slot is free", () => server.server.registry.size === 0);
  const status = await (await server.fetch(`/v1/stream/sessions/${session_id}/status`)).json();
  assert.match(status.detail, /no connection within 1 s/);
});

Deno.test("stopping the server closes sessions with a reason and refuses new ones", async () => {
  const server = await startTestServer(testPipeline("paused"));
  await using viewer = await connectViewer(server, { channel: true });
  await eventually("frames arrive", () => viewer.frames > 0);
  await server[Symbol.asyncDispose]();
  await eventually("the reason arrives", () => viewer.messages.at(-1)?.code === "shutting_down", 2000);
});

timedTest("a session that is closed while its channel is coming up still tells the viewer why", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  for (let round = 0; round < 3; round++) {
    await using viewer = await connectViewer(server, { channel: true });
    await viewer.peer.connectionStateChange.watch((state) => state === "connected" || state === "failed");
    assert.equal(viewer.peer.connectionState, "connected");
    assert.equal(viewer.channel?.readyState, "connecting");
    const response = await server.fetch(`/v1/stream/sessions/${viewer.sessionId}`, { method: "DELETE" });
    await response.body?.cancel();
    await eventually("the reason arrives", () => viewer.messages.at(-1)?.code === "client_request", 2000);
  }
});
