import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { type ChannelMessage, connectViewer, Viewer } from "../support/viewer.ts";

const LIMIT = 262_144;

function ofType(viewer: Viewer, type: string): ChannelMessage[] {
  return viewer.messages.filter((message) => message.type === type);
}

function echoes(viewer: Viewer): unknown[] {
  return ofType(viewer, "chunk").flatMap(({ data }) => {
    const { echo } = data as { echo?: unknown };
    return echo === undefined ? [] : [echo];
  });
}

async function connectTwoWay(server: TestServer, fields: Record<string, unknown> = {}): Promise<Viewer> {
  const viewer = await connectViewer(server, { channel: true, audio: false, fields });
  await eventually("the greeting", () => ofType(viewer, "chunk").length > 0);
  return viewer;
}

/** Fails unless a control message still comes back. */
async function assertLives(viewer: Viewer): Promise<void> {
  const before = echoes(viewer).length;
  viewer.send({ type: "control", still: before });
  await eventually("an echo", () => echoes(viewer).length === before + 1);
  assert.deepEqual(echoes(viewer).at(-1), { type: "control", still: before });
}

async function statusOf(server: TestServer, id: string): Promise<{ code: number; body: Record<string, unknown> }> {
  const response = await server.fetch(`/v1/stream/sessions/${id}/status`);
  return { code: response.status, body: await response.json() };
}

Deno.test('{"type":"stop"} ends the session: a closed message, then 404', async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  viewer.send({ type: "stop" });
  await eventually("the closed message", () => ofType(viewer, "closed").length === 1);
  const { code, reason, session_id, timestamp } = viewer.messages.at(-1) ?? { type: "" };
  assert.deepEqual([code, session_id], ["client_request", viewer.sessionId]);
  assert.match(String(reason), /stopped by the viewer/);
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60);
  await eventually("the end", () => server.server.registry.size === 0);
  const again = await server.fetch(`/v1/stream/webrtc/${viewer.sessionId}`, { method: "DELETE" });
  assert.equal(again.status, 404);
  assert.match((await again.json()).detail, /is closed: stopped by the viewer/);
});

Deno.test("what is no JSON object is answered in words, reaches no pipeline and ends nothing", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  const faulty = ["up", "{", "[1]", "null", "3", '"text"', "true", Buffer.from('{"type":"control"}')];
  for (const message of faulty) viewer.send(message);
  await eventually("as many errors", () => ofType(viewer, "error").length === faulty.length);
  for (const { code, detail, session_id } of ofType(viewer, "error")) {
    assert.equal(code, "invalid_message");
    assert.equal(session_id, viewer.sessionId);
    assert.match(String(detail), /send (a JSON object as text|an object such as)/);
  }
  await assertLives(viewer);
  assert.equal(echoes(viewer).length, 1, "nothing else has reached the pipeline");
  const { body } = await statusOf(server, viewer.sessionId);
  assert.equal((body.stats as { controls_received: number }).controls_received, 1);
});

Deno.test("an empty text is an invalid message as well", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  sendEmpty(viewer);
  await eventually("the error", () => ofType(viewer, "error").length === 1);
  assert.equal(ofType(viewer, "error")[0]?.code, "invalid_message");
  await assertLives(viewer);
});

/** An empty text is one byte of payload protocol 56 (RFC 8831, section 6.6), which werift does not send by itself. */
function sendEmpty(viewer: Viewer): void {
  const { channel } = viewer;
  const { sctp } = viewer.peer.sctpTransport ?? {};
  if (channel === undefined || sctp === undefined) throw new Error("the viewer has no channel");
  void sctp.send(channel.id, 56, Buffer.alloc(1));
}

Deno.test("262144 bytes pass and one more does not; the session lives", async () => {
  await using server = await startTestServer(testPipeline("two_way_counter"));
  await using viewer = await connectViewer(server, { channel: true, audio: false });
  const frame = '{"type":"control","n":1,"a":""}'.length;
  viewer.send({ type: "control", n: 1, a: "x".repeat(LIMIT - frame) });
  await eventually("the echo", () => seen(viewer).length === 1);
  viewer.send({ type: "control", n: 2, a: "x".repeat(LIMIT - frame + 1) });
  await eventually("the error", () => ofType(viewer, "error").length === 1);
  const [error] = ofType(viewer, "error");
  assert.equal(error?.code, "message_too_large");
  assert.match(String(error?.detail), /262145 bytes, 262144 are taken/);
  viewer.send({ type: "control", n: 3 });
  await eventually("an answer", () => seen(viewer).length > 1);
  assert.deepEqual(seen(viewer), [1, 3]);
});

Deno.test("a chunk whose data are larger than the viewer takes is answered for in words, and ends nothing", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  viewer.send({ type: "control", a: "x".repeat(100_000) });
  await eventually("the error", () => ofType(viewer, "error").length === 1);
  const [error] = ofType(viewer, "error");
  assert.deepEqual([error?.code, error?.session_id], ["message_too_large", viewer.sessionId]);
  assert.match(String(error?.detail), /of type chunk was left out: max-message-size exceeded/);
  await assertLives(viewer);
});

Deno.test("a message of 900 kB is answered and does not break the association", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  viewer.send({ type: "control", a: "x".repeat(900_000) });
  await eventually("the error", () => ofType(viewer, "error").length === 1, 30_000);
  assert.equal(ofType(viewer, "error")[0]?.code, "message_too_large");
  await assertLives(viewer);
});

Deno.test("control_trace is counted when it is a latency, and refused in words when not", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  for (const latency_ms of [40, 60.04]) viewer.send({ type: "control_trace", id: "a", latency_ms });
  const faulty = [{}, { latency_ms: "40" }, { latency_ms: -1 }, { latency_ms: 60_001 }, { latency_ms: null }];
  for (const fields of faulty) viewer.send({ type: "control_trace", id: "a", ...fields });
  await eventually("the errors", () => ofType(viewer, "error").length === faulty.length);
  for (const { code, detail } of ofType(viewer, "error")) {
    assert.equal(code, "invalid_message");
    assert.match(String(detail), /latency_ms of control_trace must be a number/);
  }
  await assertLives(viewer);
  assert.equal(echoes(viewer).length, 1, "no trace has reached the pipeline");
  const { body } = await statusOf(server, viewer.sessionId);
  const stats = body.stats as Record<string, unknown>;
  assert.deepEqual(stats.control_latency, { count: 2, p50: 40, p95: 60, p99: 60 });
  assert.deepEqual(stats.control_to_send, { count: 0, p50: null, p95: null, p99: null });
});

Deno.test('the type "media" is kept for tracks', async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  viewer.send({ type: "media", video_frames: [] });
  await eventually("the error", () => ofType(viewer, "error").length === 1);
  assert.equal(ofType(viewer, "error")[0]?.code, "invalid_message");
  assert.match(String(ofType(viewer, "error")[0]?.detail), /send tracks instead/);
  await assertLives(viewer);
});

Deno.test("a pipeline that only pushes answers no_input, and is stopped by stop", async () => {
  await using server = await startTestServer(testPipeline("plain_color"));
  await using viewer = await connectViewer(server, { channel: true, fields: { rgb: [10, 20, 30] } });
  await eventually("a picture", () => viewer.frames > 0);
  viewer.send({ type: "control", key: "ArrowUp", action: "press" });
  await eventually("the error", () => ofType(viewer, "error").length === 1);
  assert.equal(ofType(viewer, "error")[0]?.code, "no_input");
  assert.match(String(ofType(viewer, "error")[0]?.detail), /takes no messages.*"stop"/);
  const frames = viewer.frames;
  await eventually("more pictures", () => viewer.frames > frames + 2);
  viewer.send({ type: "stop" });
  await eventually("the closed message", () => ofType(viewer, "closed").length === 1);
  await eventually("the end", () => server.server.registry.size === 0);
  assert.equal((await statusOf(server, viewer.sessionId)).code, 404);
});

for (
  const [label, words] of [["telefuser", /already; use that one/], [
    "chat",
    /must be called "telefuser", not "chat"/,
  ]] as const
) {
  Deno.test(`a further channel "${label}" is refused in words and closed; the first one lives`, async () => {
    await using server = await startTestServer(testPipeline("two_way"));
    await using viewer = await connectTwoWay(server);
    const { channel, messages } = viewer.openChannel(label);
    await eventually("the refusal", () => messages.length === 1);
    assert.deepEqual([messages[0]?.type, messages[0]?.code], ["error", "channel_refused"]);
    assert.match(String(messages[0]?.detail), words);
    await eventually("its end", () => channel.readyState === "closed");
    await assertLives(viewer);
    assert.equal(ofType(viewer, "error").length, 0);
  });
}

Deno.test("an offer without a DataChannel is refused with what to do", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = new Viewer();
  const response = await viewer.connect(server);
  const body = await response.json();
  assert.deepEqual([response.status, body.code, body.field], [400, "invalid_sdp", "sdp"]);
  assert.match(body.detail, /call pc\.createDataChannel\("telefuser"\) before createOffer\(\)/);
  assert.equal(server.server.registry.size, 0);
});

Deno.test("a session whose only channel has another name is released, and says why", async () => {
  await using server = await startTestServer(testPipeline("two_way"), { webrtcDataChannelTimeoutSeconds: "1" });
  await using viewer = await connectViewer(server, { channel: "chat" });
  await eventually("the refusal", () => ofType(viewer, "error").length === 1);
  assert.equal(viewer.messages[0]?.code, "channel_refused");
  await eventually("the end", () => server.server.registry.size === 0);
  const { code, body } = await statusOf(server, viewer.sessionId);
  assert.equal(code, 404);
  assert.match(String(body.detail), /"telefuser" did not open within 1 s; call pc\.createDataChannel/);
  assert.equal(ofType(viewer, "chunk").length, 0);
});

Deno.test("a viewer that closes the channel ends its session", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  viewer.channel?.close();
  await eventually("the end", () => server.server.registry.size === 0);
  const { code, body } = await statusOf(server, viewer.sessionId);
  assert.equal(code, 404);
  assert.match(String(body.detail), /the viewer closed the control channel/);
});

Deno.test("a thousand messages keep their order, none lost", async () => {
  await using server = await startTestServer(testPipeline("two_way_counter"));
  await using viewer = await connectViewer(server, { channel: true, audio: false });
  for (let n = 0; n < 1000; n++) {
    viewer.send({ type: "control", n });
    // In bunches that the pipeline's inbox holds.
    if (n % 40 === 39) await eventually(`message ${n}`, () => seen(viewer).length > n);
  }
  assert.deepEqual(seen(viewer), Array.from({ length: 1000 }, (_, n) => n));
  const { body } = await statusOf(server, viewer.sessionId);
  const { controls_received, controls_dropped } = body.stats as Record<string, number>;
  assert.deepEqual([controls_received, controls_dropped], [1000, 0]);
});

function seen(viewer: Viewer): number[] {
  return ofType(viewer, "chunk").flatMap(({ data }) => (data as { seen?: number[] }).seen ?? []);
}

for (const form of ["/v1/stream/webrtc/", "/v1/stream/sessions/"]) {
  Deno.test(`DELETE ${form} ends a two-way session: 200, then 404`, async () => {
    await using server = await startTestServer(testPipeline("two_way_faults"));
    await using viewer = await connectViewer(server, { channel: true });
    await eventually("a picture", () => viewer.frames > 0);
    const closed = await server.fetch(form + viewer.sessionId, { method: "DELETE" });
    assert.equal(closed.status, 200);
    assert.deepEqual(await closed.json(), { session_id: viewer.sessionId, status: "closed" });
    const again = await server.fetch(form + viewer.sessionId, { method: "DELETE" });
    assert.deepEqual([again.status, (await again.json()).code], [404, "session_not_found"]);
    assert.deepEqual(closings(server), ["client_request 1"]);
    assert.equal(viewer.messages.at(-1)?.type, "closed");
  });
}

/** What `closeSession()` of `two_way_faults` was called with, and how often for that session. */
function closings(server: TestServer): string[] {
  return server.logged.filter((line) => line.includes("closeSession was called")).map((line) => {
    return `${/code=(\S+)/.exec(line)?.[1]} ${/times=(\S+)/.exec(line)?.[1]}`;
  });
}

Deno.test("a session that is deleted while createSession() runs is closed once it is there", async () => {
  await using server = await startTestServer(testPipeline("two_way_faults"));
  await using viewer = new Viewer({ channel: true });
  const fields = { session_id: "slow", config: { create_ms: 2000 } };
  const connecting = viewer.connect(server, { fields });
  await eventually("the beginning", () => server.logged.some((line) => line.includes("createSession has begun")));
  const closed = await server.fetch("/v1/stream/sessions/slow", { method: "DELETE" });
  assert.deepEqual([closed.status, (await closed.json()).status], [200, "closed"]);
  const response = await connecting;
  const body = await response.json();
  assert.deepEqual([response.status, body.code], [404, "session_not_found"]);
  assert.match(body.detail, /closed/);
  await eventually("closeSession()", () => closings(server).length > 0);
  await using next = await connectViewer(server, { channel: true, fields: { session_id: "slow" } });
  await eventually("a picture", () => next.frames > 0);
  assert.deepEqual(closings(server), ["client_request 1"]);
});

Deno.test("an id in use is refused with 409, and free as soon as DELETE has returned", async () => {
  await using server = await startTestServer(testPipeline("two_way_faults"));
  for (let round = 0; round < 3; round++) {
    await using viewer = await connectViewer(server, { channel: true, fields: { session_id: "mine" } });
    await using second = new Viewer({ channel: true });
    const refused = await second.connect(server, { fields: { session_id: "mine" } });
    assert.deepEqual([refused.status, (await refused.json()).code], [409, "session_exists"]);
    await eventually("a picture", () => viewer.frames > 0);
    const closed = await server.fetch("/v1/stream/webrtc/mine", { method: "DELETE" });
    await closed.body?.cancel();
    assert.equal(closed.status, 200);
  }
  assert.deepEqual(closings(server), new Array(3).fill("client_request 1"));
});

for (
  const [fault, words] of [["create", /^create broke$/], [
    "no id",
    /createSession\(\) returned no id; return a text/,
  ]] as const
) {
  Deno.test(`createSession() that fails (${fault}) refuses only that viewer, in words`, async () => {
    await using server = await startTestServer(testPipeline("two_way_faults"));
    await using bystander = await connectViewer(server, { channel: true });
    await using viewer = new Viewer({ channel: true });
    const response = await viewer.connect(server, { fields: { config: { fault } } });
    const body = await response.json();
    assert.deepEqual([response.status, body.code], [400, "pipeline_failed"]);
    assert.match(body.detail, words);
    assert.equal(server.server.registry.size, 1);
    await assertPlays(bystander);
    assert.deepEqual(closings(server), [], "there is no session to close");
  });
}

/** Fails unless more pictures come. */
async function assertPlays(viewer: Viewer): Promise<void> {
  const frames = viewer.frames;
  await eventually("more pictures", () => viewer.frames > frames + 2);
}

for (const fault of ["push", "push later", "pull", "first chunk", "midway"]) {
  Deno.test(`a throw in a method (${fault}) ends only its session, in words`, async () => {
    await using server = await startTestServer(testPipeline("two_way_faults"));
    await using bystander = await connectViewer(server, { channel: true });
    await eventually("a picture", () => bystander.frames > 0);
    await using viewer = await connectViewer(server, { channel: true, fields: { config: { fault } } });
    viewer.send({ type: "control", key: "ArrowUp", action: "press" });
    await eventually("the closed message", () => ofType(viewer, "closed").length === 1);
    const [error, closed] = viewer.messages.slice(-2);
    assert.deepEqual([error?.type, error?.code, error?.detail], ["error", "pipeline_failed", `${fault} broke`]);
    assert.deepEqual([closed?.code, closed?.reason], ["pipeline_failed", `the pipeline failed: ${fault} broke`]);
    await eventually("the end", () => server.server.registry.size === 1);
    const { code, body } = await statusOf(server, viewer.sessionId);
    assert.equal(code, 404);
    assert.match(String(body.detail), new RegExp(`is closed: the pipeline failed: ${fault} broke`));
    assert.deepEqual(closings(server), ["pipeline_failed 1"]);
    await assertPlays(bystander);
  });
}

for (const fault of ["close", "close later"]) {
  Deno.test(`a throw in closeSession() (${fault}) is logged, and harms nobody`, async () => {
    await using server = await startTestServer(testPipeline("two_way_faults"));
    await using bystander = await connectViewer(server, { channel: true });
    await using viewer = await connectViewer(server, { channel: true, fields: { config: { fault } } });
    await eventually("a picture", () => viewer.frames > 0);
    const closed = await server.fetch(`/v1/stream/sessions/${viewer.sessionId}`, { method: "DELETE" });
    await closed.body?.cancel();
    assert.equal(closed.status, 200);
    assert.ok(server.logged.some((line) => line.includes(`closeSession() failed: ${fault} broke`)));
    await assertPlays(bystander);
  });
}

Deno.test("a throw with a message longer than a viewer takes still ends the session, with its beginning", async () => {
  await using server = await startTestServer(testPipeline("two_way_faults"));
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { fault: "wordy" } } });
  viewer.send({ type: "control" });
  await eventually("the closed message", () => ofType(viewer, "closed").length === 1);
  assert.match(String(viewer.messages.at(-1)?.reason), /^the pipeline failed: wordy x+…$/);
  await eventually("the end", () => server.server.registry.size === 0);
});

Deno.test("a message nested too deeply is answered in words, however short it is; one of 100 levels passes", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  const nested = (levels: number) => `{"type":"control","a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  for (const levels of [101, 5000, 100_000]) viewer.send(nested(levels));
  await eventually("the errors", () => ofType(viewer, "error").length === 3);
  for (const { code, detail } of ofType(viewer, "error")) {
    assert.equal(code, "invalid_message");
    assert.match(String(detail), /nested deeper than 100 levels/);
  }
  assert.equal(echoes(viewer).length, 0);
  viewer.send(nested(100));
  await eventually("the echo", () => echoes(viewer).length === 1);
  assert.deepEqual(echoes(viewer)[0], JSON.parse(nested(100)));
  await assertLives(viewer);
});

Deno.test("an offer whose config is nested too deeply is refused with 400 and leaves nothing behind", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = new Viewer({ channel: true });
  const offer = { sdp: await viewer.offer(), type: "offer", task: "t", config: { deep: 0 } };
  const body = JSON.stringify(offer).replace('"deep":0', `"deep":${"[".repeat(60_000)}${"]".repeat(60_000)}`);
  const headers = { "Content-Type": "application/json" };
  const response = await server.fetch("/v1/stream/webrtc/offer", { method: "POST", headers, body });
  const problem = await response.json();
  assert.deepEqual([response.status, problem.code], [400, "invalid_request"]);
  assert.match(problem.detail, /nest its fields less deeply/);
  assert.equal(server.server.registry.size, 0);
});

Deno.test("fields of any name pass as they are", async () => {
  await using server = await startTestServer(testPipeline("two_way"));
  await using viewer = await connectTwoWay(server);
  const texts = [
    '{"__proto__":{"polluted":true},"constructor":1,"type":5}',
    '{"":"","type":null,"id":{"no":"id"},"session_id":"mine","timestamp":-1}',
    '{"a":"\\ud800","b":"\\u0000","c":1e308,"d":-0.5,"e":"ä\u2028😀"}',
  ];
  for (const text of texts) viewer.send(text);
  await eventually("the echoes", () => echoes(viewer).length === texts.length);
  assert.deepEqual(
    echoes(viewer).map((echo) => JSON.stringify(echo)),
    texts.map((text) => JSON.stringify(JSON.parse(text))),
  );
});

Deno.test("a pipeline that is done says so, with the number of its chunks, and then why the session is closed", async () => {
  await using server = await startTestServer(testPipeline("two_way_faults"));
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { chunks: 5 } } });
  await eventually("the closed message", () => ofType(viewer, "closed").length === 1);
  assert.deepEqual(ofType(viewer, "chunk").map(({ index }) => index), [0, 1, 2, 3, 4]);
  assert.ok(viewer.frames >= 5, `${viewer.frames} pictures came before the end`);
  const [done, closed] = viewer.messages.slice(-2);
  assert.deepEqual([done?.type, done?.total_chunks, done?.session_id], ["done", 5, viewer.sessionId]);
  assert.deepEqual([closed?.type, closed?.code], ["closed", "finished"]);
  await eventually("the end", () => server.server.registry.size === 0);
  assert.deepEqual(closings(server), ["finished 1"]);
});

timedTest("a channel that opens late but in time is taken", async () => {
  await using server = await startTestServer(testPipeline("two_way"), { webrtcDataChannelTimeoutSeconds: "5" });
  await using viewer = await connectViewer(server, { channel: "chat", audio: false });
  await eventually("the refusal of the other one", () => ofType(viewer, "error").length === 1);
  const { messages } = viewer.openChannel("telefuser");
  await eventually("the greeting", () => messages.some(({ type }) => type === "chunk"));
  assert.equal((await statusOf(server, viewer.sessionId)).code, 200);
});

for (const how of [{ ordered: false }, { maxRetransmits: 3 }, { maxPacketLifeTime: 500 }]) {
  Deno.test(`a channel with ${JSON.stringify(how)} is refused in words, and one without it is taken`, async () => {
    await using server = await startTestServer(testPipeline("two_way"), { webrtcDataChannelTimeoutSeconds: "5" });
    await using viewer = await connectViewer(server, { channel: "chat", audio: false });
    await eventually("the refusal of the other one", () => ofType(viewer, "error").length === 1);
    const refusals: string[] = [];
    const channel = viewer.peer.createDataChannel("telefuser", how);
    channel.onMessage.subscribe((data) => refusals.push(data.toString()));
    await eventually("the refusal", () => refusals.length === 1);
    assert.match(refusals[0] ?? "", /channel_refused.*must be ordered and reliable/);
    await eventually("its end", () => channel.readyState === "closed");
    const { messages } = viewer.openChannel("telefuser");
    await eventually("the greeting", () => messages.some(({ type }) => type === "chunk"));
  });
}

Deno.test("a viewer that never connects is closed in the pipeline too, once", async () => {
  await using server = await startTestServer(testPipeline("two_way_faults"), { webrtcConnectTimeoutSeconds: "1" });
  await using viewer = new Viewer({ channel: true });
  const body = JSON.stringify({ sdp: await viewer.offer(), type: "offer", task: "t" });
  const headers = { "Content-Type": "application/json" };
  const response = await server.fetch("/v1/stream/webrtc/offer", { method: "POST", headers, body });
  assert.equal(response.status, 200);
  await response.body?.cancel();
  await eventually("the end", () => server.server.registry.size === 0);
  assert.deepEqual(closings(server), ["connection_lost 1"]);
});

Deno.test("stopping the server closes every session in the pipeline before stop(), whose throw is only logged", async () => {
  const server = await startTestServer(testPipeline("two_way_faults"));
  await using one = await connectViewer(server, { channel: true });
  await using two = await connectViewer(server, { channel: true, fields: { config: { fault: "close" } } });
  await eventually("pictures", () => one.frames > 0 && two.frames > 0);
  await server[Symbol.asyncDispose]();
  for (const viewer of [one, two]) assert.equal(viewer.messages.at(-1)?.code, "shutting_down");
  assert.deepEqual(closings(server), ["shutting_down 1", "shutting_down 1"]);
  const order = server.logged.filter((line) =>
    /Session was called|stop was called|stop\(\) failed: stop broke/.test(line)
  );
  assert.match(order.at(-2) ?? "", /stop was called/);
  assert.match(order.at(-1) ?? "", /stop\(\) failed/);
  assert.equal(order.length, 4);
});

Deno.test("when start() of a two-way pipeline throws, offers are answered with 503 and its words", async () => {
  await using server = await startTestServer(testPipeline("two_way_start_fails"));
  await using viewer = new Viewer({ channel: true });
  const response = await viewer.connect(server);
  const body = await response.json();
  assert.deepEqual([response.status, body.code], [503, "service_not_running"]);
  assert.match(body.detail, /start\(\) failed: the weights are missing/);
});
