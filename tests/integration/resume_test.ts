import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer, Viewer } from "../support/viewer.ts";

interface Answer {
  readonly session_id: string;
  readonly resume_token: string;
  readonly sdp: string;
}

/** Offers and gets an answer, which is not taken up. */
async function offerOnly(viewer: Viewer, server: TestServer, fields: Record<string, unknown> = {}): Promise<Answer> {
  const body = JSON.stringify({ sdp: await viewer.offer(), type: "offer", task: "t2v", ...fields });
  const response = await server.fetch("/v1/stream/webrtc/offer", { method: "POST", body });
  const answer = await response.json();
  assert.equal(response.status, 200, answer.detail);
  return answer;
}

/** Takes a session over. */
async function comeBack(viewer: Viewer, server: TestServer, { session_id, resume_token }: Answer): Promise<void> {
  const response = await viewer.connect(server, { fields: { session_id, resume_token } });
  const { detail, resumed } = await response.json();
  assert.deepEqual([response.status, resumed], [200, true], detail);
}

Deno.test("the time to connect begins with the answer, however long the pipeline takes for the session", async () => {
  const flags = { webrtcConnectTimeoutSeconds: "1" };
  await using server = await startTestServer(testPipeline("two_way_faults"), flags);
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { create_ms: 2500 } } });
  await eventually("a picture", () => viewer.frames > 0);
});

Deno.test("a page that is loaded again before it was connected gets its picture all the same", async () => {
  await using server = await startTestServer(testPipeline("two_way_faults"));
  await using first = new Viewer({ channel: true });
  const answer = await offerOnly(first, server);
  await using second = new Viewer({ channel: true });
  await comeBack(second, server, answer);
  await eventually("a picture", () => second.frames > 5);
  assert.equal(server.server.registry.get(answer.session_id).state, "live");
});

Deno.test("a page that comes back with the channel that it had not opened before is not blamed for that", async () => {
  const flags = { webrtcDataChannelTimeoutSeconds: "2" };
  await using server = await startTestServer(testPipeline("two_way_faults"), flags);
  await using first = new Viewer({ channel: "chat" });
  const answer = await (await first.connect(server)).json();
  await eventually("it is connected", () => server.server.registry.get(answer.session_id).state === "live");
  await using second = new Viewer({ channel: true });
  await comeBack(second, server, answer);
  await eventually("a picture", () => second.frames > 0);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assert.equal(server.server.registry.get(answer.session_id).state, "live");
});

Deno.test("where sessions are not held nobody can come back, and the session that was asked for goes on", async () => {
  await using server = await startTestServer(testPipeline("two_way_faults"), { webrtcHoldSeconds: "0" });
  await using viewer = new Viewer({ channel: true });
  const { session_id, resume_token } = await (await viewer.connect(server)).json();
  await eventually("a picture", () => viewer.frames > 0);
  await using second = new Viewer({ channel: true });
  const refused = await second.connect(server, { fields: { session_id, resume_token } });
  const { code, detail, field } = await refused.json();
  assert.deepEqual([refused.status, code, field], [403, "resume_refused", "resume_token"]);
  assert.match(detail, /--webrtc-hold-seconds is 0/);
  assert.equal(server.server.registry.get(session_id).state, "live");
});

timedTest("a viewer that is just coming back when the time is over has its session", async () => {
  const flags = { webrtcHoldSeconds: "2", webrtcDisconnectedGraceSeconds: "1" };
  await using server = await startTestServer(testPipeline("two_way_faults"), flags);
  await using first = new Viewer({ channel: true });
  const answer: Answer = await (await first.connect(server)).json();
  await eventually("a picture", () => first.frames > 0);
  first.fallSilent();
  const state = () => server.server.registry.get(answer.session_id).state;
  await eventually("it is held", () => state() === "interrupted");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await using second = new Viewer({ channel: true });
  const { session_id, resume_token } = answer;
  const again = await offerOnly(second, server, { session_id, resume_token });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await second.peer.setRemoteDescription({ type: "answer", sdp: again.sdp });
  await eventually("a picture", () => second.frames > 0);
  assert.equal(state(), "live");
});

Deno.test("a place is free when the pipeline has let go of it, and not before", async () => {
  await using server = await startTestServer(testPipeline("two_way_faults"), { webrtcMaxSessions: "1" });
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { close_ms: 4000 } } });
  await eventually("a picture", () => viewer.frames > 0);
  const closing = server.fetch(`/v1/stream/webrtc/${viewer.sessionId}`, { method: "DELETE" });
  await new Promise((resolve) => setTimeout(resolve, 3400));
  await assert.rejects(connectViewer(server, { channel: true }), /503 .*are in use/);
  assert.equal((await closing).status, 200);
  await using next = await connectViewer(server, { channel: true });
  await eventually("a picture of the next", () => next.frames > 0);
});
