import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer } from "../support/viewer.ts";

timedTest("a generator that never waits stays about a second ahead of what is played", async () => {
  await using server = await startTestServer(testPipeline("fast_generator"));
  await using viewer = await connectViewer(server);
  await eventually("three seconds are played", () => viewer.frames >= 72);
  const made = server.logged.filter((line) => line.includes("made ")).length;
  const playedChunks = viewer.frames / 6;
  const aheadSeconds = (made - playedChunks) * 0.25;
  assert.ok(aheadSeconds <= 1.6, `${aheadSeconds} s ahead`);
  assert.ok(aheadSeconds >= 0.5, `only ${aheadSeconds} s ahead`);
});

timedTest("a chunk that breaks the schema is named with its field and left out; the stream goes on", async () => {
  await using server = await startTestServer(testPipeline("broken_chunks"));
  await using viewer = await connectViewer(server, { channel: true });
  await eventually("the stream ends", () => viewer.messages.some((message) => message.type === "done"));
  assert.equal(viewer.frames, 14);
  assert.equal(server.server.pipeline.counters.invalidChunks, 13);
  const warnings = server.logged.filter((line) => line.includes("chunk left out"));
  const fields = ["chunk", "frames_b64", "frames_b64[0]", "frames[0].data", "fps", "num_frames", "index", "note"];
  for (const field of [...fields, "frames[0].format", "audio_b64", "audio_sample_rate"]) {
    assert.ok(warnings.some((line) => line.includes(`left out: ${field} `)), `${field} in ${warnings.join("\n")}`);
  }
  assert.ok(server.logged.some((line) => line.includes("frame left out: the picture is not a JPEG")));
});

Deno.test("when start() throws the server stays up, says why, and answers offers with 503", async () => {
  await using server = await startTestServer(testPipeline("start_fails"));
  const health = await server.fetch("/v1/service/health");
  assert.equal(health.status, 503);
  const body = await health.json();
  assert.equal(body.status, "unhealthy");
  assert.match(body.detail, /the weights are missing/);
  assert.equal((await (await server.fetch("/v1/service/ready")).json()).status, "not_ready");
  await assert.rejects(connectViewer(server), /503 .*the weights are missing/);
  assert.ok(server.logged.some((line) => line.includes("ERROR") && line.includes("the weights are missing")));
});

timedTest("a key frame is answered at once while the pipeline pauses, with the last picture", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  await using viewer = await connectViewer(server);
  await eventually("the frames arrive", () => viewer.frames >= 3);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const before = viewer.frames;
  await viewer.requestKeyFrame();
  await eventually("a frame comes", () => viewer.frames > before, 500);
  const first = viewer.video.findIndex((_, at) =>
    at > 0 && viewer.video.slice(0, at).filter((p) => p.marker).length === before
  );
  const types = viewer.video.slice(first).flatMap((packet) => nalTypes(packet.payload));
  assert.ok(types.includes(7) && types.includes(5), `SPS and IDR in ${types}`);
});

Deno.test("leaving ends the pipeline's generator and aborts its signal", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  await using viewer = await connectViewer(server);
  await eventually("the frames arrive", () => viewer.frames >= 3);
  const deleted = await server.fetch(`/v1/stream/webrtc/${viewer.sessionId}`, { method: "DELETE" });
  assert.deepEqual(await deleted.json(), { session_id: viewer.sessionId, status: "closed" });
  await eventually("the signal aborts", () => server.logged.some((line) => line.includes("left the pause")));
  assert.equal(server.server.registry.size, 0);
});

Deno.test("the size may change in mid-stream, odd sizes lose their last row and column", async () => {
  await using server = await startTestServer(testPipeline("resizing"));
  await using viewer = await connectViewer(server, { channel: true });
  await eventually("the stream ends", () => viewer.messages.some((message) => message.type === "done"));
  assert.equal(viewer.frames, 24);
  const keys = viewer.video.flatMap((packet) => nalTypes(packet.payload)).filter((type) => type === 7);
  assert.equal(keys.length, 4);
});

for (
  const [attempt, path] of [
    ["read", "/etc/hostname"],
    ["write", "/tmp/telefuser-must-not-exist"],
    ["fetch", "http://127.0.0.1:18999/"],
    ["env", ""],
    ["run", ""],
  ] as const
) {
  Deno.test(`at strict a pipeline cannot ${attempt}`, async () => {
    await using server = await startTestServer(testPipeline("reaching_out"));
    await using viewer = await connectViewer(server, { channel: true, fields: { attempt, path } });
    await eventually("the chunk comes", () => viewer.messages.some((message) => message.type === "chunk"));
    const chunk = viewer.messages.find((message) => message.type === "chunk");
    assert.match(String((chunk?.data as { outcome?: string }).outcome), /^refused: NotCapable: /);
  });
}

Deno.test("at standard a pipeline reads its own folder and what --allow-read adds, nothing else", async () => {
  const extra = await Deno.makeTempFile();
  await Deno.writeTextFile(extra, "granted");
  const own = testPipeline("paused");
  await using server = await startTestServer(testPipeline("reaching_out"), {
    securityLevel: "standard",
    allowRead: [extra],
  });
  const outcomes: string[] = [];
  for (const path of [own, extra, "/etc/hostname"]) {
    await using viewer = await connectViewer(server, { channel: true, fields: { attempt: "read", path } });
    await eventually("the chunk comes", () => viewer.messages.some((message) => message.type === "chunk"));
    const chunk = viewer.messages.find((message) => message.type === "chunk");
    outcomes.push(String((chunk?.data as { outcome?: string }).outcome));
  }
  await Deno.remove(extra);
  assert.match(outcomes[0] ?? "", /^read: import type/);
  assert.match(outcomes[1] ?? "", /^read: granted/);
  assert.match(outcomes[2] ?? "", /^refused: NotCapable/);
});

/** NAL unit types of an RTP payload; of a fragmented unit only where it starts (RFC 6184). */
function nalTypes(payload: Uint8Array): number[] {
  const type = (payload[0] ?? 0) & 0x1f;
  if (type === 28) return (payload[1] ?? 0) & 0x80 ? [(payload[1] ?? 0) & 0x1f] : [];
  if (type !== 24) return [type];
  const types: number[] = [];
  for (let at = 1; at + 2 < payload.length;) {
    types.push((payload[at + 2] ?? 0) & 0x1f);
    at += 2 + ((payload[at] ?? 0) << 8 | (payload[at + 1] ?? 0));
  }
  return types;
}
