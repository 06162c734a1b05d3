import assert from "node:assert/strict";
import { systemClock } from "../../src/async/mod.ts";
import { listenHttp } from "../../src/http/node_listener.ts";
import { openRaw, type RawConnection, statusOf } from "../support/raw_http.ts";
import { eventually, startTestServer, testPipeline, type TestServer } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer } from "../support/viewer.ts";
import { CapturedLog } from "../unit/support/captured_log.ts";

const OFFER = "/v1/stream/webrtc/offer";
const SDP_FRAGMENT = "application/trickle-ice-sdpfrag";

/** The head of a request by hand. */
function head(method: string, path: string, ...headers: string[]): string {
  return `${[`${method} ${path} HTTP/1.1`, "Host: localhost", ...headers].join("\r\n")}\r\n\r\n`;
}

async function health(server: TestServer): Promise<number> {
  const begin = performance.now();
  const response = await server.fetch("/v1/service/health");
  await response.body?.cancel();
  assert.equal(response.status, 200);
  return performance.now() - begin;
}

function faultsIn(server: TestServer): string[] {
  return server.logged.filter((line) => / (ERROR|WARN) /.test(line));
}

Deno.test("a body over the limit is answered 413 on every route that takes one, announced or in pieces, and let go", async (context) => {
  await using server = await startTestServer(testPipeline("paused"), { maxBodyBytes: "16384" });
  await using viewer = await connectViewer(server);
  const routes = [
    ["POST", OFFER, "application/json"],
    ["PATCH", `/v1/stream/webrtc/${viewer.sessionId}`, SDP_FRAGMENT],
  ] as const;
  for (const [method, path, type] of routes) {
    await context.step(`${method}, announced, without ever sending it`, async () => {
      await using raw = await openRaw(
        server.server.port,
        head(method, path, `Content-Type: ${type}`, "Content-Length: 5000000"),
      );
      await eventually("the answer", () => raw.received().includes("body_too_large"));
      assert.equal(statusOf(raw), 413);
      await eventually("the connection is let go", raw.isClosed);
    });
    await context.step(`${method}, in pieces without a length`, async () => {
      await using raw = await openRaw(
        server.server.port,
        head(method, path, `Content-Type: ${type}`, "Transfer-Encoding: chunked"),
      );
      for (let sent = 0; sent < 20; sent++) await raw.send(`400\r\n${"x".repeat(1024)}\r\n`);
      await eventually("the answer", () => raw.received().includes("body_too_large"));
      assert.equal(statusOf(raw), 413);
      await eventually("the connection is let go", raw.isClosed);
    });
  }
  await context.step("a route that takes none reads none", async () => {
    const big = "x".repeat(100_000);
    const request = head("DELETE", "/v1/stream/webrtc/nobody", "Content-Length: 100000") + big +
      head("GET", "/v1/service/health", "Connection: close");
    await using raw = await openRaw(server.server.port, request);
    await raw.closed;
    assert.deepEqual([...raw.received().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status), ["404", "200"]);
  });
  await context.step("a body of exactly the limit is read", async () => {
    const response = await server.fetch(OFFER, { method: "POST", body: `${"[".padEnd(16_383)}]` });
    assert.deepEqual([response.status, (await response.json()).code], [400, "invalid_request"]);
  });
  assert.deepEqual(faultsIn(server), []);
});

Deno.test("a body that is broken off harms nobody and is no error of the server", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  for (const framing of ["Content-Length: 1000", "Transfer-Encoding: chunked"]) {
    const raw = await openRaw(server.server.port, head("POST", OFFER, framing));
    await raw.send(framing.startsWith("T") ? "3\r\nabc\r\n" : "abc");
    await raw[Symbol.asyncDispose]();
  }
  await eventually("both were seen", () => server.logged.filter((line) => line.includes(`POST ${OFFER}`)).length === 2);
  assert.deepEqual(faultsIn(server), []);
});

Deno.test("what is no proper HTTP is answered with a problem and the connection closed", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const chunk = "3\r\nabc\r\n0\r\n\r\n";
  const cases: [string, string, number, string][] = [
    ["a header of 100 kB", head("GET", "/", `X-A: ${"a".repeat(100_000)}`), 431, "headers_too_large"],
    ["5,000 headers", head("GET", "/", ...Array(5000).fill("X-A: a")), 431, "headers_too_large"],
    ["a path of 70 kB", head("GET", `/${"a".repeat(70_000)}`), 431, "headers_too_large"],
    ["two lengths", head("POST", OFFER, "Content-Length: 3", "Content-Length: 4") + "abc", 400, "invalid_request"],
    [
      "a length and pieces",
      head("POST", OFFER, "Content-Length: 3", "Transfer-Encoding: chunked") + chunk,
      400,
      "invalid_request",
    ],
    ["a header split with a bare line feed", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n\r\n", 400, "invalid_request"],
    ["noise", "\x16\x03\x01\x02\x00\r\n\r\n", 400, "invalid_request"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "invalid_request"],
  ];
  for (const [name, text, status, code] of cases) {
    await using raw = await openRaw(server.server.port, text);
    await eventually(`${name}: closed`, raw.isClosed);
    assert.equal(statusOf(raw), status, `${name}: ${raw.received()}`);
    assert.match(raw.received(), new RegExp(`"code":"${code}"`), name);
    assert.match(raw.received(), /\r\nContent-Type: application\/problem\+json\r\n/, name);
  }
  const host = await openRaw(
    server.server.port,
    "GET /v1/service/health HTTP/1.1\r\nHost: a b@/\r\nConnection: close\r\n\r\n",
  );
  await host.closed;
  assert.equal(statusOf(host), 400);
  await host[Symbol.asyncDispose]();
  assert.ok(await health(server) < 5000);
  assert.deepEqual(faultsIn(server), []);
});

timedTest("two hundred slow clients are answered 408 or closed in time; nobody waits for them", async () => {
  await using server = await startTestServer(testPipeline("paused"), { httpTimeoutSeconds: "2" });
  const { port } = server.server;
  await using stack = new AsyncDisposableStack();
  const slow: { kind: string; raw: RawConnection; drip: string }[] = [];
  const kinds = [
    { kind: "nothing", text: "", drip: "" },
    { kind: "headers", text: "GET /v1/service/health HTTP/1.1\r\nHost: localhost\r\n", drip: "X-Slow: 1\r\n" },
    { kind: "body", text: head("POST", OFFER, "Content-Length: 1000"), drip: " " },
    {
      kind: "pieces",
      text: head("PATCH", "/v1/stream/webrtc/x", `Content-Type: ${SDP_FRAGMENT}`, "Transfer-Encoding: chunked"),
      drip: "1\r\nx\r\n",
    },
  ];
  for (let count = 0; count < 200; count++) {
    const { kind, text, drip } = kinds[count % kinds.length] as (typeof kinds)[number];
    slow.push({ kind, drip, raw: stack.use(await openRaw(port, text)) });
  }
  let longest = 0;
  for (let round = 0; round < 200 && slow.some(({ raw }) => !raw.isClosed()); round++) {
    longest = Math.max(longest, await health(server));
    await Promise.all(slow.filter(({ raw }) => !raw.isClosed()).map(({ raw, drip }) => raw.send(drip)));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  console.log(`longest health check beside 200 slow clients: ${longest.toFixed(0)} ms`);
  assert.ok(longest < 1000, `${longest} ms`);
  for (const { kind, raw } of slow) {
    assert.ok(raw.isClosed(), kind);
    // An unknown session is refused before its body is read; the rest of it is not waited for.
    const expected = kind === "pieces" ? 404 : 408;
    assert.equal(statusOf(raw), expected, `${kind}: ${raw.received()}`);
  }
  assert.deepEqual(faultsIn(server), []);
});

Deno.test("a client that does not take its answer is let go", async () => {
  using _log = new CapturedLog();
  const big = new Uint8Array(64 * 1024 * 1024);
  const listener = await listenHttp(
    { host: "127.0.0.1", port: 0, clock: systemClock, timeout: 1 },
    () => new Response(big),
  );
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  await connection.write(new TextEncoder().encode(head("GET", "/")));
  // Nothing is read: shutdown waits for answers under way, and comes to its end only because this one is given up.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await listener.shutdown();
  connection.close();
});

Deno.test("clients that only hold connections open make room for one that asks", async () => {
  using _log = new CapturedLog();
  const place = { host: "127.0.0.1", port: 0, clock: systemClock, timeout: 60 };
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const listener = await listenHttp({ ...place, maxConnections: 20 }, async (request) => {
    if (request.url.endsWith("/slow")) await gate;
    return new Response("here you are");
  });
  const { port } = listener.addr;
  const busy = await openRaw(port, head("GET", "/slow"));
  const waiting: RawConnection[] = [];
  for (let count = 0; count < 60; count++) waiting.push(await openRaw(port, "GET / HTTP/1.1\r\n"));
  const asking = await openRaw(port, head("GET", "/"));
  await eventually("the answer", () => asking.received().includes("here you are"));
  await eventually("the oldest are gone", () => waiting.filter((raw) => raw.isClosed()).length >= 41);
  assert.ok(waiting.slice(0, 40).every((raw) => raw.isClosed()), "those that waited longest went first");
  assert.ok(!busy.isClosed(), "what is being answered stays");
  open();
  await eventually("the slow answer", () => busy.received().includes("here you are"));
  for (const raw of [busy, asking, ...waiting]) await raw[Symbol.asyncDispose]();
  await listener.shutdown();
});
