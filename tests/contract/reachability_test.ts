import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { type Outcome, telefuser as runTelefuser } from "../support/command_line.ts";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { freeUdpRange } from "../support/udp_ports.ts";
import { connectViewer, Viewer } from "../support/viewer.ts";

const root = new URL("../../", import.meta.url).pathname;
const TRICKLE_ICE = "application/trickle-ice-sdpfrag";
const NEW_FRAGMENT = "a=ice-ufrag:renewed\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n";
const CANDIDATE = "a=candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host\r\n";

interface IceServers {
  readonly ice_servers: readonly { urls: readonly string[]; username?: string; credential?: string }[];
  readonly ice_transport_policy: string;
  readonly ttl_seconds: number | null;
}

async function iceServers(flags: Parameters<typeof startTestServer>[1]): Promise<IceServers> {
  await using server = await startTestServer(testPipeline("paused"), flags);
  const response = await server.fetch("/v1/stream/ice-servers", { headers: { Origin: "https://page.example" } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  assert.equal(response.headers.get("cache-control"), "no-store");
  return await response.json();
}

/** Sends an ICE fragment to a session. */
async function patch(
  server: TestServer,
  { id, body, type = TRICKLE_ICE, match }: { id: string; body: string; type?: string; match?: string },
): Promise<{ status: number; text: string; headers: Headers }> {
  const headers = { "Content-Type": type, ...(match !== undefined && { "If-Match": match }) };
  const response = await server.fetch(`/v1/stream/webrtc/${id}`, { method: "PATCH", headers, body });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** The parameters of a viewer's own, as the beginning of a fragment. */
function parametersOf(viewer: Viewer): string {
  const sdp = viewer.peer.localDescription?.sdp ?? "";
  const lines = ["ice-ufrag", "ice-pwd"].map((name) => new RegExp(`^a=${name}:.*$`, "m").exec(sdp)?.[0].trim());
  return `${lines.join("\r\n")}\r\n`;
}

/** Protocol, host and port of each candidate of an answer, in order. */
function candidatesOf(sdp: string): { protocol: string; host: string; port: number; line: string }[] {
  return (sdp.match(/^a=candidate:.*$/gm) ?? []).map((line) => {
    const [, , protocol = "", , host = "", port = ""] = line.trim().split(" ");
    return { protocol, host, port: Number(port), line };
  });
}

/** As the server sees it. */
async function untilConnected(server: TestServer, viewer: Viewer): Promise<void> {
  await eventually("the viewer is connected", () => server.server.registry.get(viewer.sessionId).state === "live");
}

/** Runs the command line in the checkout. */
function telefuser(...args: string[]): Promise<Outcome> {
  return runTelefuser(args, { cwd: root });
}

Deno.test("ice-servers: nothing for a viewer on the machine itself, and what was configured for everybody", async () => {
  assert.deepEqual(await iceServers({}), { ice_servers: [], ice_transport_policy: "all", ttl_seconds: null });
  const stunServers = "stun:stun.example.org:3478,stun:stun.example.com";
  const both = await iceServers({ stunServers });
  assert.deepEqual(both.ice_servers, stunServers.split(",").map((url) => ({ urls: [url] })));
  const turnServer = "turn:turn.example.org:3478?transport=tcp,turns:turn.example.org";
  const turn = await iceServers({ turnServer, turnUsername: "viewer", turnCredential: "relay-me", relayOnly: true });
  assert.deepEqual(turn, {
    ice_servers: turnServer.split(",").map((url) => ({ urls: [url], username: "viewer", credential: "relay-me" })),
    ice_transport_policy: "relay",
    ttl_seconds: null,
  });
});

Deno.test("ice-servers with a shared secret: a user name that is an expiry, and a password that proves it", async () => {
  const turnSecret = "a secret of coturn's";
  const { ice_servers: [server], ttl_seconds } = await iceServers({
    turnServer: "turn:turn.example.org",
    turnSecret,
    turnTtlSeconds: "600",
  });
  assert.equal(ttl_seconds, 600);
  const { username = "", credential } = server ?? {};
  const [expiry = ""] = username.split(":");
  const left = Number(expiry) - Date.now() / 1000;
  assert.ok(left > 500 && left <= 601, `good for ${left} s`);
  assert.equal(credential, createHmac("sha1", turnSecret).update(username).digest("base64"));
  assert.ok(!JSON.stringify(server).includes(turnSecret), "the secret itself stays here");
});

Deno.test("the answer says where the session is, how candidates are sent, and names its ICE session", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  await using viewer = new Viewer();
  const { headers } = await viewer.connect(server);
  assert.equal(headers.get("location"), `/v1/stream/webrtc/${viewer.sessionId}`);
  assert.equal(headers.get("accept-patch"), TRICKLE_ICE);
  const [, fragment] = /^a=ice-ufrag:(\S+)/m.exec(viewer.answerSdp) ?? [];
  assert.equal(headers.get("etag"), `"${fragment}"`);
  assert.ok(fragment !== undefined && fragment.length >= 8);
});

Deno.test("PATCH: 204 for candidates, 200 with the server's new parameters after an ICE restart", async () => {
  await using server = await startTestServer(testPipeline("plain_color"));
  await using viewer = await connectViewer(server, { fields: { rgb: [9, 9, 9] } });
  const id = viewer.sessionId;
  const known = await patch(server, { id, body: `${parametersOf(viewer)}${CANDIDATE}` });
  assert.deepEqual([known.status, known.text], [204, ""]);
  const empty = await patch(server, { id, body: parametersOf(viewer), type: `${TRICKLE_ICE}; charset=utf-8` });
  assert.equal(empty.status, 204);
  await untilConnected(server, viewer);
  const restarted = await patch(server, { id, body: NEW_FRAGMENT });
  assert.equal(restarted.status, 200, restarted.text);
  assert.equal(restarted.headers.get("content-type"), TRICKLE_ICE);
  const [, fragment = ""] = /^a=ice-ufrag:(\S+)\r$/m.exec(restarted.text) ?? [];
  assert.ok(fragment !== "" && !viewer.answerSdp.includes(`a=ice-ufrag:${fragment}`), restarted.text);
  assert.match(restarted.text, /^a=ice-pwd:\S{22,}\r$/m);
  assert.equal(restarted.headers.get("etag"), `"${fragment}"`);
  const ports = new Set(candidatesOf(viewer.answerSdp).map(({ port }) => port));
  const after = candidatesOf(restarted.text);
  assert.ok(after.length > 0 && after.every(({ port }) => ports.has(port)), "the ports stay");
  const again = await patch(server, { id, body: `${NEW_FRAGMENT}${CANDIDATE}`, match: `"${fragment}"` });
  assert.equal(again.status, 204, "the same parameters are no second restart");
  const late = await patch(server, { id, body: `${parametersOf(viewer)}${CANDIDATE}` });
  assert.equal(late.status, 204, "a candidate of the round before, which was late, is no restart either");
  const candidate = await patch(server, { id, body: NEW_FRAGMENT, match: "*" });
  assert.equal(candidate.status, 204);
});

Deno.test("PATCH that cannot be done answers 400, 404, 409, 413 and 415 in words", async (context) => {
  await using server = await startTestServer(testPipeline("paused"), { maxBodyBytes: "20000" });
  await using viewer = await connectViewer(server);
  await untilConnected(server, viewer);
  const id = viewer.sessionId;
  const parameters = parametersOf(viewer);
  const closed = await connectViewer(server);
  await server.fetch(`/v1/stream/webrtc/${closed.sessionId}`, { method: "DELETE" });
  await closed.peer.close();
  const cases: readonly [string, Parameters<typeof patch>[1], number, string, RegExp][] = [
    ["no fragment", { id, body: "" }, 400, "invalid_sdp", /no a=ice-ufrag/],
    ["garbage", { id, body: "hello" }, 400, "invalid_sdp", /not of the form/],
    ["no candidate", { id, body: `${parameters}a=candidate:x\r\n` }, 400, "invalid_sdp", /this is no candidate/],
    ["unknown session", { id: "nobody", body: parameters }, 404, "session_not_found", /nobody/],
    ["closed session", { id: closed.sessionId, body: parameters }, 404, "session_not_found", /closed by request/],
    ["restart without password", { id, body: "a=ice-ufrag:renewed\r\n" }, 400, "invalid_sdp", /needs its a=ice-pwd/],
    ["another tag", { id, body: parameters, match: '"gone"' }, 412, "ice_session_changed", /If-Match names another/],
    ["too large", { id, body: "a=x\r\n".repeat(5000) }, 413, "body_too_large", /--max-body-bytes/],
    ["JSON", { id, body: parameters, type: "application/json" }, 415, "unsupported_media_type", /sdpfrag/],
    ["no type", { id, body: parameters, type: "" }, 415, "unsupported_media_type", /sdpfrag/],
  ];
  for (const [name, request, status, code, detail] of cases) {
    await context.step(name, async () => {
      const answer = await patch(server, request);
      assert.equal(answer.status, status, answer.text);
      const body = JSON.parse(answer.text);
      assert.equal(body.code, code);
      assert.match(body.detail, detail);
    });
  }
  assert.equal(server.server.registry.get(id).state, "live", "none of that did harm");
});

Deno.test("pages of other origins may PATCH and read the headers that they need", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const preflight = await server.fetch("/v1/stream/webrtc/some", {
    method: "OPTIONS",
    headers: {
      Origin: "https://page.example",
      "Access-Control-Request-Method": "PATCH",
      "Access-Control-Request-Headers": "content-type",
    },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /\bPATCH\b/);
  assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /content-type/i);
  const answer = await server.fetch("/v1/stream/ice-servers", { headers: { Origin: "https://page.example" } });
  await answer.body?.cancel();
  for (const name of ["Location", "ETag", "Accept-Patch"]) {
    assert.ok(answer.headers.get("access-control-expose-headers")?.includes(name), name);
  }
});

Deno.test("--public-ip comes first among the candidates, and the machine's own addresses stay", async () => {
  const publicIp = "203.0.113.7,2001:db8::7";
  await using server = await startTestServer(testPipeline("paused"), { publicIp });
  await using viewer = await connectViewer(server);
  const candidates = candidatesOf(viewer.answerSdp);
  assert.equal(candidates[0]?.host, "203.0.113.7", viewer.answerSdp);
  assert.ok(candidates.some(({ host }) => host === "2001:db8::7"), viewer.answerSdp);
  assert.ok(candidates.some(({ host }) => host === "127.0.0.1"));
  const priorities = candidates.filter(({ host }) => !host.includes(":")).map(({ line }) => Number(line.split(" ")[3]));
  assert.deepEqual(priorities, priorities.toSorted((a, b) => b - a), "and has the highest priority");
});

Deno.test("when the ports of --udp-port-range are used up the offer is answered 503, and 200 when one is free again", async () => {
  const { first } = freeUdpRange(1);
  await using server = await startTestServer(testPipeline("paused"), { udpPortRange: `${first}-${first}` });
  await using viewer = await connectViewer(server);
  assert.ok(candidatesOf(viewer.answerSdp).every(({ port }) => port === first), viewer.answerSdp);
  await using second = new Viewer();
  const refused = await second.connect(server);
  assert.equal(refused.status, 503);
  const { code, detail } = await refused.json();
  assert.equal(code, "no_ice_candidates");
  assert.match(detail, new RegExp(`all UDP ports from ${first} to ${first} are in use; widen --udp-port-range`));
  assert.equal(server.server.registry.size, 1, "the refused session takes no place");
  await server.fetch(`/v1/stream/webrtc/${viewer.sessionId}`, { method: "DELETE" });
  let status = 503;
  for (let attempt = 0; status === 503 && attempt < 100; attempt++) {
    await using third = new Viewer();
    status = (await third.connect(server)).status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(status, 200);
});

Deno.test("--udp-port: the candidates of all sessions have that port; --tcp-port adds passive ones", async () => {
  const { first: udpPort } = freeUdpRange(1);
  const probe = Deno.listen({ hostname: "::", port: 0 });
  const tcpPort = probe.addr.port;
  probe.close();
  const flags = { udpPort: String(udpPort), tcpPort: String(tcpPort) };
  await using server = await startTestServer(testPipeline("paused"), flags);
  await using first = await connectViewer(server);
  await using second = await connectViewer(server);
  for (const { answerSdp } of [first, second]) {
    const candidates = candidatesOf(answerSdp);
    const [udp, tcp] = ["udp", "tcp"].map((name) => candidates.filter(({ protocol }) => protocol === name));
    assert.ok(udp !== undefined && udp.length > 0 && udp.every(({ port }) => port === udpPort), answerSdp);
    assert.ok(tcp !== undefined && tcp.length > 0 && tcp.every(({ port }) => port === tcpPort), answerSdp);
    assert.ok(tcp.every(({ line }) => / typ host .*tcptype passive/.test(line)), answerSdp);
  }
  await untilConnected(server, first);
  await untilConnected(server, second);
});

Deno.test("without --tcp-port there is no TCP candidate", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  await using viewer = await connectViewer(server);
  assert.ok(candidatesOf(viewer.answerSdp).every(({ protocol }) => protocol === "udp"), viewer.answerSdp);
});

Deno.test("stream-serve ends with 1 and one line when --udp-port or --tcp-port is taken", async () => {
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const tcp = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const taken = [["--udp-port", (udp.addr as Deno.NetAddr).port], ["--tcp-port", tcp.addr.port]] as const;
  const common = ["stream-serve", "tests/pipelines/paused.ts", "--host", "127.0.0.1", "--port", "0"];
  for (const [flag, port] of taken) {
    const { code, err } = await telefuser(...common, flag, String(port));
    assert.equal(code, 1, err);
    assert.match(err, new RegExp(`^telefuser: port ${port} \\(${flag}\\) is in use; [^\\n]*\\n$`));
  }
  udp.close();
  tcp.close();
});
