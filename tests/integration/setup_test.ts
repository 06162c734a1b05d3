import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { Viewer } from "../support/viewer.ts";

/** A way to a STUN server that swallows everything. */
const SILENT_STUN = "stun:127.0.0.1:9";

/** What the pipeline asks for. */
const FIELDS = { rgb: [90, 90, 90] };

/** Connects with an offer that was changed on its way; returns how long the answer took, in ms. */
async function connect(viewer: Viewer, server: TestServer, change: (sdp: string) => string): Promise<number> {
  const sdp = change(await viewer.offer());
  const began = performance.now();
  const response = await server.fetch("/v1/stream/webrtc/offer", {
    method: "POST",
    body: JSON.stringify({ sdp, type: "offer", task: "t2v", ...FIELDS }),
  });
  const took = performance.now() - began;
  const answer = await response.json();
  assert.equal(response.status, 200, answer.detail);
  viewer.sessionId = answer.session_id;
  viewer.answerSdp = answer.sdp;
  await viewer.peer.setRemoteDescription(answer);
  return took;
}

const without = (pattern: RegExp) => (sdp: string) =>
  sdp.split("\r\n").filter((line) => !pattern.test(line)).join("\r\n");

Deno.test("we take the DTLS server's part, and our candidates are those of this machine", async () => {
  await using server = await startTestServer(testPipeline("plain_color"));
  await using viewer = new Viewer();
  await connect(viewer, server, (sdp) => sdp);
  assert.match(viewer.answerSdp, /^a=setup:passive\r$/m);
  const candidates = viewer.answerSdp.match(/^a=candidate:.*$/gm) ?? [];
  assert.ok(candidates.length > 0 && candidates.every((line) => line.includes(" typ host")), candidates.join("\n"));
  await eventually("a picture", () => viewer.frames > 0);
});

Deno.test("an offer without candidates connects, also one that says that there will be none", async () => {
  await using server = await startTestServer(testPipeline("plain_color"));
  for (const end of ["", "a=end-of-candidates\r\n"]) {
    await using viewer = new Viewer();
    const bare = without(/^a=(candidate:|end-of-candidates)/);
    await connect(viewer, server, (sdp) => bare(sdp).replace(/(?=^m=audio)/m, end));
    await eventually("a picture", () => viewer.frames > 0);
  }
});

timedTest("names of mDNS are not looked up, which would take seconds", async () => {
  await using server = await startTestServer(testPipeline("plain_color"));
  await using viewer = new Viewer();
  const hidden = (sdp: string) =>
    sdp.replace(/^(a=candidate:\S+ 1 udp \d+ )\S+/gm, "$17e1d9f3c-1b2a-4c3d-9e8f-000000000000.local");
  const took = await connect(viewer, server, hidden);
  assert.ok(took < 2000, `the answer took ${took} ms`);
  await eventually("a picture", () => viewer.frames > 0, 3000);
});

timedTest(
  "a STUN server that does not answer delays nobody who trickles, and the others by no more than its limit",
  async () => {
    await using server = await startTestServer(testPipeline("plain_color"), { stunServers: SILENT_STUN });
    await using patient = new Viewer();
    const waited = await connect(patient, server, (sdp) => sdp);
    assert.ok(waited < 4000, `${waited} ms`);
    await eventually("a picture", () => patient.frames > 0);
    await using viewer = new Viewer();
    const began = performance.now();
    const response = await viewer.connect(server, { fields: { ...FIELDS, trickle: true } });
    assert.equal(response.status, 200);
    assert.ok(performance.now() - began < 1500, `${performance.now() - began} ms`);
    await eventually("a picture", () => viewer.frames > 0);
  },
);

Deno.test("a viewer that comes back with the token has its session; without it, or with another's, it has not", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  await using first = new Viewer();
  const { session_id, resume_token } = await (await first.connect(server)).json();
  await eventually("a picture", () => first.frames > 0);
  const offer = async (viewer: Viewer, fields: Record<string, unknown>) => {
    const response = await viewer.connect(server, { fields });
    return { status: response.status, body: await response.json() };
  };
  await using wrong = new Viewer();
  const refused = await offer(wrong, { session_id, resume_token: "0".repeat(32) });
  assert.deepEqual([refused.status, refused.body.code], [403, "resume_refused"]);
  await using unknown = new Viewer();
  const gone = await offer(unknown, { session_id: "nobody", resume_token });
  assert.deepEqual([gone.status, gone.body.code], [404, "session_not_found"]);
  await using nameless = new Viewer();
  const unclear = await offer(nameless, { resume_token });
  assert.deepEqual([unclear.status, unclear.body.field], [400, "session_id"]);
  await using second = new Viewer();
  const { status, body } = await offer(second, { session_id, resume_token });
  assert.deepEqual([status, body.session_id, body.resumed], [200, session_id, true]);
  await eventually("a picture over the new connection", () => second.frames > 0);
  assert.equal(server.server.registry.size, 1);
});

Deno.test("a session that is held stands still: no chunk is made until its viewer is back", async () => {
  await using server = await startTestServer(testPipeline("fast_generator"), { webrtcDisconnectedGraceSeconds: "3" });
  await using viewer = new Viewer();
  const { session_id, resume_token } = await (await viewer.connect(server)).json();
  await eventually("pictures", () => viewer.frames > 24);
  viewer.fallSilent();
  const stateOf = async () => (await (await server.fetch(`/v1/stream/sessions/${session_id}/status`)).json()).state;
  await eventually("it is interrupted", () => server.server.registry.get(session_id).state === "interrupted");
  assert.equal(await stateOf(), "interrupted");
  const made = () => server.logged.filter((line) => line.includes("made ")).length;
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = made();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.ok(made() <= before + 1, `${made() - before} chunks were made while nobody watched`);
  await using back = new Viewer();
  assert.equal((await back.connect(server, { fields: { session_id, resume_token } })).status, 200);
  await eventually("pictures again", () => back.frames > 24);
  assert.equal(await stateOf(), "live");
  assert.ok(made() > before + 1);
});

Deno.test("a viewer that shows a certificate and does not prove that it has its key is not connected", async () => {
  await using server = await startTestServer(testPipeline("plain_color"));
  await using viewer = new Viewer();
  for (const transport of viewer.peer.dtlsTransports) {
    transport.onStateChange.subscribe((state) => {
      if (state !== "connecting") return;
      queueMicrotask(() => {
        const { cipher } = transport.dtls as unknown as {
          cipher: { signatureData: (data: Uint8Array, hash: string) => Uint8Array };
        };
        const sign = cipher.signatureData.bind(cipher);
        cipher.signatureData = (_data, hash) => sign(new TextEncoder().encode("another handshake"), hash);
      });
    });
  }
  await connect(viewer, server, (sdp) => sdp);
  await eventually("the session is over", () => server.server.registry.size === 0);
  assert.equal(viewer.frames, 0);
  const { detail } = await (await server.fetch(`/v1/stream/sessions/${viewer.sessionId}/status`)).json();
  assert.match(detail, /did not prove that its certificate is its own/);
});
