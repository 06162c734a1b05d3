/**
 * Certificates are made with the program `openssl` (Debian package `openssl`).
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestAuthority } from "../support/certificates.ts";
import { telefuser } from "../support/command_line.ts";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer } from "../support/viewer.ts";

/** Answers every request in the same way. */
function serveAnswer(answer: () => Response | Promise<Response>): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, answer);
}

Deno.test("health says that a server is well, with exit code 0, found by variable, flag and address", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const port = new URL(server.url).port;
  const ways: [string[], Record<string, string>][] = [
    [[], { TELEFUSER_PORT: port }],
    [["--port", port], { TELEFUSER_PORT: "1", TELEFUSER_WEBRTC_MAX_SESSIONS: "nonsense" }],
    [["--server-url", `${server.url}/`], { TELEFUSER_PORT: "1" }],
    [["--port", port, "--host", "127.0.0.1"], { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" }],
  ];
  for (const [args, env] of ways) {
    assert.deepEqual(await telefuser(["health", ...args], { env }), {
      code: 0,
      out: `${server.url}: healthy\n`,
      err: "",
    });
  }
});

Deno.test("health gives the server's own reason in one line, with exit code 1", async () => {
  await using server = await startTestServer(testPipeline("start_fails"));
  const { code, out, err } = await telefuser(["health", "--server-url", server.url]);
  assert.deepEqual([code, out], [1, ""]);
  const { detail } = await (await server.fetch("/v1/service/health")).json();
  assert.equal(err, `telefuser: ${server.url}: unhealthy: ${detail}\n`);
});

Deno.test("health of a server that starts is 0, with what it waits for", async () => {
  await using server = serveAnswer(() => Response.json({ status: "starting", detail: "it loads\nits model" }));
  const url = `http://127.0.0.1:${server.addr.port}`;
  const { code, out } = await telefuser(["health", "--server-url", url]);
  assert.deepEqual([code, out], [0, `${url}: starting: it loads\\nits model\n`]);
});

timedTest("while a lost worker is replaced, health is 200 and says so, and ready is 503", async () => {
  await using server = await startTestServer(testPipeline("misbehaving"));
  await using _viewer = await connectViewer(server, { fields: { config: { fault: "close" } } });
  await eventually("the worker is lost", () => server.server.pipeline.status.state === "restarting");
  const [health, ready] = await Promise.all(["health", "ready"].map((name) => server.fetch(`/v1/service/${name}`)));
  assert.equal(server.server.pipeline.status.state, "restarting", "what was asked is from that time");
  const { status, pipeline_ready, detail } = await health?.json();
  assert.deepEqual([health?.status, status, pipeline_ready], [200, "starting", false]);
  assert.match(detail, /not running, its worker is being replaced; try again in a moment: .*self\.close\(\)/);
  assert.deepEqual([ready?.status, (await ready?.json()).status], [503, "not_ready"]);
  await eventually("another one runs", () => server.server.pipeline.status.state === "running");
  const after = await (await server.fetch("/v1/service/health")).json();
  assert.deepEqual([after.status, after.pipeline_restarts], ["healthy", 1]);
});

Deno.test("health is 1 when nothing answers, or something else does", async () => {
  await using page = serveAnswer(() => new Response("<h1>Welcome</h1>"));
  await using large = serveAnswer(() => new Response("x".repeat(1e6)));
  const cases: [string, RegExp][] = [
    [
      "http://127.0.0.1:1",
      /: cannot be reached: .*refused.*; start the server, or name its address with --server-url/i,
    ],
    [`http://127.0.0.1:${page.addr.port}`, /: answers 200, but is no TeleFuser server;/],
    [`http://127.0.0.1:${large.addr.port}`, /: it answers with more than 65536 bytes;/],
    [`https://127.0.0.1:${page.addr.port}`, /: cannot be reached: /],
  ];
  await Promise.all(cases.map(async ([url, words]) => {
    const { code, out, err } = await telefuser(["health", "--server-url", url]);
    assert.deepEqual([code, out], [1, ""], url);
    assert.match(err, words);
    assert.ok(err.startsWith(`telefuser: ${url}: `) && err.trimEnd().split("\n").length === 1, err);
  }));
});

Deno.test("health waits four seconds and no longer, for the head of an answer and for its end", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const endless = serveAnswer(() => {
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) }));
  });
  const begun = performance.now();
  await Promise.all([silent.addr, endless.addr].map(async ({ port }) => {
    const { code, err } = await telefuser(["health", "--port", `${port}`]);
    assert.equal(code, 1);
    assert.match(err, /: no answer within 4 s;/);
  }));
  const took = (performance.now() - begun) / 1000;
  assert.ok(took >= 4 && took < 15, `${took} s`);
  await endless.shutdown();
});

Deno.test("health asks its own server over HTTPS whatever the certificate says, and others only when it fits", async () => {
  await using authority = await TestAuthority.make();
  const { certFile, keyFile } = await authority.issue("elsewhere", { names: "DNS:stream.example.org" });
  await using server = await startTestServer(testPipeline("paused"), { certFile, keyFile });
  const { port } = new URL(server.url);
  const env = { TELEFUSER_PORT: port, TELEFUSER_CERT_FILE: certFile };
  const own = await telefuser(["health"], { env });
  assert.deepEqual(own, { code: 0, out: `https://127.0.0.1:${port}: healthy\n`, err: "" });
  const other = await telefuser(["health", "--server-url", `https://127.0.0.1:${port}`], { env });
  assert.equal(other.code, 1);
  assert.match(other.err, /cannot be reached: .*certificate/i);
});

Deno.test("health of a command line that cannot be read is 2", async () => {
  for (const args of [["--port", "many"], ["--server-url", "8088"], ["--prot", "1"], ["extra"]]) {
    const { code, out, err } = await telefuser(["health", ...args]);
    assert.deepEqual([code, out], [2, ""], args.join(" "));
    assert.equal(err.trimEnd().split("\n").length, 1, err);
  }
});
