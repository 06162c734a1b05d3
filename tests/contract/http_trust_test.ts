import assert from "node:assert/strict";
import { systemClock } from "../../src/async/mod.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { createApp, type Services } from "../../src/http/mod.ts";
import { pageRoutes } from "../../src/http/pages.ts";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { connectViewer } from "../support/viewer.ts";
import { openRaw } from "../support/raw_http.ts";
import { CapturedLog } from "../unit/support/captured_log.ts";

const OFFER = "/v1/stream/webrtc/offer";
const OURS = "https://app.example.org";

/** Sends a request as a page of an origin does, to the server under some name. */
async function ask(
  server: TestServer,
  { method = "GET", path = "/v1/service/health", origin, host = `127.0.0.1:${server.server.port}`, headers = {} }: {
    method?: string;
    path?: string;
    origin?: string;
    host?: string;
    headers?: Record<string, string>;
  },
): Promise<{ status: number; headers: Headers; body: string }> {
  const lines = Object.entries({
    Host: host,
    Connection: "close",
    ...(origin === undefined ? {} : { Origin: origin }),
    ...headers,
  });
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  await using raw = await openRaw(server.server.port, head);
  await raw.closed;
  const [top = "", ...rest] = raw.received().split("\r\n\r\n");
  const [status = "", ...fields] = top.split("\r\n");
  const pairs = fields.map((line) =>
    [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)] as [string, string]
  );
  return { status: Number(status.split(" ")[1]), headers: new Headers(pairs), body: rest.join("\r\n\r\n") };
}

Deno.test("with a list of origins only their pages may use the API, and answers vary by origin", async () => {
  await using server = await startTestServer(testPipeline("paused"), { corsOrigins: `${OURS},http://localhost:3000` });
  for (const origin of [OURS, "http://localhost:3000"]) {
    const { status, headers } = await ask(server, { origin });
    assert.deepEqual([status, headers.get("access-control-allow-origin")], [200, origin]);
    assert.match(headers.get("vary") ?? "", /\bOrigin\b/i);
  }
  const preflight = { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type" };
  const asked = await ask(server, { method: "OPTIONS", path: OFFER, origin: OURS, headers: preflight });
  assert.deepEqual([asked.status, asked.headers.get("access-control-allow-origin")], [204, OURS]);
  assert.match(asked.headers.get("vary") ?? "", /\bOrigin\b/i);
  for (
    const origin of ["https://evil.example", "null", "http://app.example.org", `${OURS}:444`, `${OURS}.evil.example`]
  ) {
    const read = await ask(server, { origin });
    assert.deepEqual([read.status, read.headers.get("access-control-allow-origin")], [403, null], origin);
    assert.match(read.body, /"code":"origin_refused"/);
    const wrote = await ask(server, { method: "POST", path: OFFER, origin, headers: { "Content-Type": "text/plain" } });
    assert.equal(wrote.status, 403, "a request that needs no preflight has no effect either");
    const refused = await ask(server, { method: "OPTIONS", path: OFFER, origin, headers: preflight });
    assert.equal(refused.headers.get("access-control-allow-origin"), null);
  }
  const { port } = server.server;
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
    assert.equal(
      (await ask(server, { origin: `http://${host}`, host })).status,
      200,
      `the server's own page at ${host}`,
    );
    assert.equal((await ask(server, { host })).status, 200, "a program");
  }
});

Deno.test("with a list of origins a name that was pointed at this machine leads nowhere", async () => {
  await using server = await startTestServer(testPipeline("paused"), { corsOrigins: OURS });
  for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "localhost-evil"]) {
    const path = "/v1/stream/ice-servers";
    const { status, body } = await ask(server, { path, host });
    assert.equal(status, 403, host);
    assert.match(body, /"code":"host_refused"/);
    assert.equal(
      (await ask(server, { method: "POST", path: OFFER, host, origin: `http://${host}` })).status,
      403,
      host,
    );
  }
  assert.equal((await ask(server, { host: "app.example.org" })).status, 200, "behind a proxy that keeps the name");
  assert.equal((await ask(server, { host: "app.example.org", origin: OURS })).status, 200);
});

Deno.test("with none, only the server's own pages and programs may use the API", async () => {
  await using server = await startTestServer(testPipeline("paused"), { corsOrigins: "none" });
  assert.equal((await ask(server, { origin: OURS })).status, 403);
  assert.equal((await ask(server, {})).status, 200);
});

Deno.test("origins that are none, and words beside origins, are refused at the start", () => {
  for (
    const corsOrigins of [
      "app.example.org",
      "https://a.example/",
      "https://a.example:443",
      "ftp://a.example",
      "*,https://a.example",
      "none,*",
      "https://*.example",
    ]
  ) {
    assert.throws(
      () => loadConfig({ flags: { corsOrigins }, env: () => undefined }),
      { code: "invalid_config" },
      corsOrigins,
    );
  }
});

Deno.test("every answer carries the headers that keep browsers from misreading and misusing it", async () => {
  await using server = await startTestServer(testPipeline("paused"), { corsOrigins: OURS });
  const { headers: api } = await ask(server, {});
  const { headers: fault } = await ask(server, { path: "/v1/nothing" });
  const { headers: script } = await ask(server, { path: "/static/index.js" });
  for (const headers of [api, fault, script]) {
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("content-security-policy"), "frame-ancestors 'none'");
    assert.doesNotMatch(headers.get("content-type") ?? "", /html/);
    assert.equal(headers.get("strict-transport-security"), null);
    assert.equal(headers.get("server"), null);
    assert.equal(headers.get("x-powered-by"), null);
  }
  assert.equal(api.get("cache-control"), "no-store");
  for (const path of ["/", "/demo/player", "/demo/arrow", "/demo/bidirectional"]) {
    const { headers } = await ask(server, { path });
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/, path);
    assert.match(policy, /; connect-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.ok(policy.endsWith(`frame-ancestors 'self' ${OURS}`), policy);
    assert.match(headers.get("permissions-policy") ?? "", /camera=\(self\), microphone=\(self\)/);
  }
  const servers: [string, string][] = [
    ["http://gpu.example:8088/x", "'self' http://gpu.example:8088;"],
    ["10.0.0.7:8000", "'self' 10.0.0.7:8000;"],
    ["a;script-src *", "'self';"],
    ["a.example; script-src *", "'self';"],
    ["https://a;b.example", "'self';"],
    ["*", "'self';"],
  ];
  for (const [named, sources] of servers) {
    const { headers } = await ask(server, { path: `/demo/player?server=${encodeURIComponent(named)}` });
    const policy = headers.get("content-security-policy") ?? "";
    assert.ok(policy.includes(`connect-src ${sources}`), `${named}: ${policy}`);
    assert.equal(policy.split("script-src").length, 2);
  }
});

Deno.test("a method that a path has not is answered 405 with those it has", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const cases: [string, string, number, string | null][] = [
    ["GET", OFFER, 405, "POST, PATCH, DELETE"],
    ["PUT", "/v1/stream/webrtc/x", 405, "PATCH, DELETE"],
    ["POST", "/v1/service/health", 405, "GET, HEAD"],
    ["DELETE", "/demo/player", 405, "GET, HEAD"],
    ["TRACE", "/v1/service/health", 405, "GET, HEAD, POST, PATCH, DELETE, OPTIONS"],
    ["GET", "/v1/stream/webrtc/", 404, null],
    ["POST", "/nothing", 404, null],
  ];
  for (const [method, path, status, allow] of cases) {
    const answer = await ask(server, { method, path });
    assert.deepEqual([answer.status, answer.headers.get("allow")], [status, allow], `${method} ${path}`);
  }
});

Deno.test("nothing outside the folder of pages can be had, however its path is written", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const ups = ["..", "%2e%2e", ".%2e", "%252e%252e", "..%00", "..;", "%c0%ae%c0%ae", "%uff0e%uff0e", "\\..", "..%5c"];
  const slashes = ["/", "%2f", "\\", "%5c", "//", "%252f", "%c0%af"];
  const paths = ups.flatMap((up) => slashes.map((slash) => `/static/${up}${slash}deno.json`));
  paths.push(
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/index.js%00.html",
    "/static/index.js/",
    "/static/.",
  );
  paths.push("/static/file:%2f%2f%2fetc%2fpasswd", "//etc/passwd", "/static/../../etc/passwd", "/demo/../deno.json");
  for (const path of paths) {
    const { status, body } = await ask(server, { path });
    assert.ok(status === 404 || status === 400, `${path}: ${status}`);
    assert.doesNotMatch(body, /nodeModulesDir|root:x/, path);
  }
});

Deno.test("links in the folder of pages are not followed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/plain #1.js`, "1;");
    await Deno.symlink("/etc/passwd", `${folder}/passwd.js`);
    await Deno.symlink("/etc", `${folder}/etc`);
    const routes = await pageRoutes({}, new URL(`file://${folder}/`));
    assert.equal((await routes.request("/static/plain%20%231.js")).status, 200);
    for (const name of ["passwd.js", "etc", "etc%2fpasswd"]) {
      assert.equal((await routes.request(`/static/${name}`)).status, 404, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an exception nobody foresaw is answered 500 without its insides, and logged in full", async () => {
  const { config } = loadConfig({ flags: {}, env: () => undefined });
  for (
    const thrown of [
      new TypeError("the secret path /srv/model", { cause: new Error("deep down") }),
      "a bare text",
      null,
    ]
  ) {
    using log = new CapturedLog();
    const services = {
      config,
      clock: systemClock,
      iceServers: () => {
        throw thrown;
      },
    } as unknown as Services;
    const response = await (await createApp(services)).request("/v1/stream/ice-servers");
    const text = await response.text();
    assert.equal(response.status, 500);
    const body = JSON.parse(text);
    assert.deepEqual(Object.keys(body).sort(), ["code", "detail", "error_id", "status", "title", "type"]);
    assert.equal(body.code, "internal_error");
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.doesNotMatch(text, /srv|deep down|bare text|\.ts|at /);
    const line = log.lines.find(({ level }) => level === "error")?.line ?? "";
    assert.ok(line.includes(body.error_id), line);
    if (thrown instanceof Error) {
      assert.match(
        line,
        /TypeError: the secret path \/srv\/model\\n {4}at .*http_trust_test\.ts:\d+.*caused by Error: deep down/,
      );
    }
  }
});

Deno.test("secrets are in no log line and in no answer, whatever happens with them", async () => {
  const secrets = { turnCredential: 'pass"word\n\u2028x', turnSecret: "" };
  const flags = { ...secrets, turnUsername: "viewer", turnServer: "turn:127.0.0.1:9?transport=tcp" };
  await using server = await startTestServer(testPipeline("paused"), flags);
  await using viewer = await connectViewer(server, {
    fields: { prompt: secrets.turnCredential, style: secrets.turnCredential },
  });
  const answers: string[] = [];
  for (
    const path of [
      "/v1/service/metadata",
      "/v1/service/health",
      `/v1/stream/sessions/${viewer.sessionId}/status`,
      "/v1/openapi.json",
    ]
  ) {
    answers.push(await (await server.fetch(path)).text());
  }
  const typed = encodeURIComponent(secrets.turnCredential);
  answers.push(await (await server.fetch(`/v1/stream/sessions/${typed}/status`)).text());
  answers.push(await (await server.fetch(`/demo/player?turn_credential=${typed}`)).text());
  const given = await (await server.fetch("/v1/stream/ice-servers")).json();
  assert.equal(given.ice_servers.at(-1).credential, secrets.turnCredential, "viewers need it");
  for (const text of [...answers, ...server.logged]) {
    assert.ok(!text.includes("pass") || !/pass(["\\]|%22)+word/.test(text), text);
  }
  assert.throws(
    () => loadConfig({ flags: { turnServer: "turn:viewer:hunter2@turn.example:3478" }, env: () => undefined }),
    (error) => error instanceof Error && !error.message.includes("hunter2") && error.message.includes("--turn-server"),
  );
});

Deno.test("no prompt, header, path or id can forge a line of the log", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const evil = ["\n", "\r\n", "\u001b[2K\u001b[1A", "\u2028", "\u2029", "\u0085", "\u202e", "\0"];
  for (const [index, mark] of evil.entries()) {
    const forged = `x${mark}00:00:00.000 ERROR server: forged`;
    const encoded = encodeURIComponent(forged);
    for (
      const [method, path] of [["GET", `/${encoded}`], ["DELETE", `/v1/stream/webrtc/${encoded}`], [
        "GET",
        `/static/${encoded}`,
      ]] as const
    ) {
      const response = await server.fetch(path, { method, headers: { "X-Trace": encoded, "User-Agent": encoded } });
      await response.body?.cancel();
    }
    const viewer = await connectViewer(server, {
      channel: forged,
      fields: { prompt: forged, task: forged, session_id: `s${index}` },
    });
    await eventually("the channel was refused", () => viewer.peer.connectionState === "connected");
    const bad = await server.fetch(OFFER, {
      method: "POST",
      body: JSON.stringify({ sdp: forged, type: forged, task: "t", session_id: forged }),
    });
    await bad.body?.cancel();
    const sdp = await server.fetch(OFFER, {
      method: "POST",
      body: JSON.stringify({ sdp: `v=0\r\n${forged}`, type: "offer", task: "t" }),
    });
    await sdp.body?.cancel();
    await viewer[Symbol.asyncDispose]();
    const closed = await server.fetch(`/v1/stream/webrtc/s${index}`, { method: "DELETE" });
    await closed.body?.cancel();
  }
  for (const line of server.logged) {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/, JSON.stringify(line));
    assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} (DEBUG|INFO |WARN |ERROR) /);
    assert.doesNotMatch(line, /^[\d:.]+ ERROR server: forged/);
  }
});
