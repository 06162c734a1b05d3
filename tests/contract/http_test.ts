import assert from "node:assert/strict";
import { startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer, Viewer } from "../support/viewer.ts";

const OFFER = "/v1/stream/webrtc/offer";

async function post(server: TestServer, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await server.fetch(OFFER, { method: "POST", body: text });
  return { status: response.status, body: await response.json() };
}

async function validOffer(): Promise<{ viewer: Viewer; offer: { sdp: string; type: string; task: string } }> {
  const viewer = new Viewer();
  return { viewer, offer: { sdp: await viewer.offer(), type: "offer", task: "t2v" } };
}

Deno.test("POST offer answers 200 with session_id, sdp and type", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  await using viewer = new Viewer();
  const response = await viewer.connect(server);
  assert.equal(response.status, 200);
  const body = await response.json();
  const fields = ["hold_seconds", "resume_token", "resumed", "sdp", "session_id", "type"];
  assert.deepEqual(Object.keys(body).sort(), fields);
  assert.deepEqual([body.hold_seconds, body.resumed], [30, false]);
  assert.match(body.resume_token, /^[0-9a-f]{32}$/);
  assert.equal(body.type, "answer");
  assert.match(body.sdp, /^v=0\r\n/);
  assert.match(body.session_id, /^[0-9a-f-]{36}$/);
});

Deno.test("extra fields of the offer reach the pipeline as they came", async () => {
  await using server = await startTestServer(testPipeline("echo_request"));
  const fields = { prompt: "a cat", fps: 12.5, duration_s: 3, config: { steps: 4 }, style: ["x", { y: null }] };
  await using viewer = await connectViewer(server, { channel: true, fields });
  while (!viewer.messages.some((message) => message.type === "chunk")) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const chunk = viewer.messages.find((message) => message.type === "chunk");
  const request = (chunk?.data as { request: Record<string, unknown> }).request;
  const id = viewer.sessionId;
  assert.deepEqual(request, { ...fields, task: "t2v", session_id: id, task_id: id });
});

Deno.test("POST offer answers 400 with the field and what to do", async (context) => {
  await using server = await startTestServer(testPipeline("paused"));
  const { viewer, offer } = await validOffer();
  await using _viewer = viewer;
  const wrongSdp = offer.sdp.replaceAll(/a=fingerprint:.*\r\n/g, "");
  const noVideo = offer.sdp.slice(0, offer.sdp.indexOf("m=video")).replace("BUNDLE 0 1", "BUNDLE 1") +
    offer.sdp.slice(offer.sdp.indexOf("m=audio"));
  const onlyVp9 = offer.sdp.replaceAll("H264/90000", "VP9/90000").replaceAll("VP8/90000", "VP9/90000");
  const cases: [string, unknown, string, RegExp][] = [
    ["no JSON", "{", "invalid_json", /not JSON/],
    ["an array", [], "invalid_request", /./],
    ["no sdp", { type: "offer", task: "t2v" }, "invalid_request", /^sdp is missing/],
    ["wrong type", { ...offer, type: "answer" }, "invalid_request", /^type must be "offer"/],
    ["no task", { sdp: offer.sdp, type: "offer" }, "invalid_request", /^task is missing/],
    ["fps of 0", { ...offer, fps: 0 }, "invalid_request", /^fps must be 0.1 to 240/],
    ["fps as text", { ...offer, fps: "24" }, "invalid_request", /^fps must be a number/],
    ["negative duration", { ...offer, duration_s: -1 }, "invalid_request", /^duration_s must be more than 0/],
    ["prompt of a number", { ...offer, prompt: 3 }, "invalid_request", /^prompt must be a text/],
    ["config of a list", { ...offer, config: [] }, "invalid_request", /^config must be an object/],
    ["id with a slash", { ...offer, session_id: "a/b" }, "invalid_request", /^session_id takes/],
    ["two faults", { ...offer, fps: 0, prompt: 3 }, "invalid_request", /prompt must.*fps must|fps must.*prompt must/],
    ["garbage SDP", { ...offer, sdp: "hello" }, "invalid_sdp", /does not begin with "v=0"/],
    ["SDP without media", { ...offer, sdp: "v=0\r\n" }, "invalid_sdp", /offers no media/],
    ["SDP without fingerprint", { ...offer, sdp: wrongSdp }, "invalid_sdp", /a=fingerprint/],
    ["SDP without video", { ...offer, sdp: noVideo }, "invalid_sdp", /no video section/],
    ["no common codec", { ...offer, sdp: onlyVp9 }, "no_common_codec", /offers VP9/],
  ];
  for (const [name, body, code, detail] of cases) {
    await context.step(name, async () => {
      const answer = await post(server, body);
      assert.equal(answer.status, 400, JSON.stringify(answer.body));
      assert.equal(answer.body.code, code);
      assert.match(String(answer.body.detail), detail);
      assert.equal(answer.body.status, 400);
      assert.equal(answer.body.title, "Bad Request");
      assert.equal(server.server.registry.size, 0);
    });
  }
});

Deno.test("a field that is null counts as not given", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const { viewer, offer } = await validOffer();
  await using _viewer = viewer;
  assert.equal((await post(server, { ...offer, fps: null, prompt: null, session_id: null })).status, 200);
});

timedTest("a pipeline that refuses a request at once makes it a 400 with the pipeline's words", async () => {
  await using server = await startTestServer(testPipeline("refusing"));
  const { viewer, offer } = await validOffer();
  await using _viewer = viewer;
  const answer = await post(server, offer);
  assert.equal(answer.status, 400);
  assert.equal(answer.body.code, "pipeline_failed");
  assert.match(String(answer.body.detail), /steps must be 1 to 50/);
  assert.equal(server.server.registry.size, 0);
});

Deno.test("a body over the limit is refused with 413, whether its length is announced or not", async () => {
  await using server = await startTestServer(testPipeline("paused"), { maxBodyBytes: "2048" });
  const big = JSON.stringify({ sdp: "x".repeat(4000), type: "offer", task: "t" });
  const announced = await post(server, big);
  assert.equal(announced.status, 413);
  assert.equal(announced.body.code, "body_too_large");
  const streamed = await server.fetch(OFFER, { method: "POST", body: new Blob([big]).stream() });
  assert.equal(streamed.status, 413);
  await streamed.body?.cancel();
});

Deno.test("409 for an id in use, 503 when full", async () => {
  await using server = await startTestServer(testPipeline("paused"), { webrtcMaxSessions: "1" });
  await using _first = await connectViewer(server, { fields: { session_id: "one" } });
  const { viewer, offer } = await validOffer();
  await using _viewer = viewer;
  const conflict = await post(server, { ...offer, session_id: "one" });
  assert.deepEqual([conflict.status, conflict.body.code], [409, "session_exists"]);
  const full = await post(server, offer);
  assert.deepEqual([full.status, full.body.code], [503, "sessions_full"]);
  assert.match(String(full.body.detail), /all 1 are in use/);
});

Deno.test("closing and status: 200 while active, 404 with the reason afterwards", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  for (const form of ["/v1/stream/webrtc/", "/v1/stream/sessions/"]) {
    await using viewer = await connectViewer(server);
    const id = viewer.sessionId;
    const status = await (await server.fetch(`/v1/stream/sessions/${id}/status`)).json();
    assert.equal(status.session_id, id);
    assert.equal(status.status, "active");
    assert.equal(status.stream_mode, "server_push");
    const closed = await server.fetch(form + id, { method: "DELETE" });
    assert.equal(closed.status, 200);
    assert.deepEqual(await closed.json(), { session_id: id, status: "closed" });
    const again = await server.fetch(form + id, { method: "DELETE" });
    assert.equal(again.status, 404);
    assert.match((await again.json()).detail, /is closed: closed by request/);
    const gone = await server.fetch(`/v1/stream/sessions/${id}/status`);
    assert.deepEqual([gone.status, (await gone.json()).code], [404, "session_not_found"]);
  }
  const unknown = await server.fetch("/v1/stream/sessions/nobody/status");
  assert.equal(unknown.status, 404);
  assert.equal((await unknown.json()).detail, "session nobody not found");
});

Deno.test("health, ready and metadata carry the documented fields", async () => {
  await using server = await startTestServer(testPipeline("paused"), { webrtcVideoBitrate: "1500000" });
  const health = await (await server.fetch("/v1/service/health")).json();
  const counts = {
    webrtc_active_sessions: 0,
    webrtc_server_push_sessions: 0,
    webrtc_bidirectional_sessions: 0,
    webrtc_max_sessions: 10,
  };
  const { timestamp, version, ...fixed } = health;
  assert.deepEqual(fixed, {
    status: "healthy",
    ready: true,
    pipeline_ready: true,
    stream_ready: true,
    stream_mode: "server_push",
    ...counts,
    pipeline_restarts: 0,
    pipeline_uncaught_errors: 0,
    pipeline_invalid_chunks: 0,
  });
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
  assert.match(version, /^\d+\.\d+\.\d+/);
  const ready = await server.fetch("/v1/service/ready");
  assert.deepEqual([ready.status, (await ready.json()).status], [200, "ready"]);
  const metadata = await (await server.fetch("/v1/service/metadata")).json();
  const { default_fps, permissions, version: _version, control_latency, control_to_send, ...documented } = metadata;
  for (const latency of [control_latency, control_to_send]) {
    assert.deepEqual(latency, { count: 0, p50: null, p95: null, p99: null });
  }
  assert.deepEqual(documented, {
    service_type: "stream",
    stream_mode: "server_push",
    pipeline_file: testPipeline("paused"),
    security_level: "STRICT",
    runner: "StreamPipelineService",
    ...counts,
    webrtc_video_codec: "H264",
    webrtc_video_bitrate: 1_500_000,
  });
  assert.equal(default_fps, null);
  assert.match(permissions, /read its own module/);
});

Deno.test("every origin may call the API, preflight included", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const headers = { Origin: "https://elsewhere.example" };
  const simple = await server.fetch("/v1/service/health", { headers });
  await simple.body?.cancel();
  assert.equal(simple.headers.get("access-control-allow-origin"), "*");
  const preflight = await server.fetch(OFFER, {
    method: "OPTIONS",
    headers: {
      ...headers,
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "content-type",
    },
  });
  await preflight.body?.cancel();
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-headers"), "content-type");
  assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /POST.*DELETE/);
  const refused = await server.fetch(OFFER, { method: "POST", body: "{", headers });
  await refused.body?.cancel();
  assert.equal(refused.headers.get("access-control-allow-origin"), "*", "errors are readable across origins too");
});

Deno.test("pages and the client library are served; nothing outside static/ is", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  for (
    const [path, type] of [
      ["/", "text/html"],
      ["/demo/player", "text/html"],
      ["/static/telefuser-client.js", "text/javascript"],
      ["/static/style.css", "text/css"],
      ["/favicon.ico", "image/svg+xml"],
    ] as const
  ) {
    const response = await server.fetch(path);
    await response.body?.cancel();
    assert.equal(response.status, 200, path);
    assert.ok(response.headers.get("content-type")?.startsWith(type), path);
  }
  for (const path of ["/static/..%2fdeno.json", "/static/%2e%2e/deno.json", "/static/none.js", "/deno.json", "/v1/x"]) {
    const response = await server.fetch(path);
    assert.equal(response.status, 404, path);
    assert.match((await response.json()).detail, /there is no GET/);
  }
});
