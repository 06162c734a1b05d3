import assert from "node:assert/strict";
import { createDemoApp } from "../../../src/http/mod.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A stream server's stand-in on a free port, and the demo app before it. */
async function withUpstream(answer: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, answer);
  const serverUrl = `http://127.0.0.1:${server.addr.port}`;
  const app = await createDemoApp({ page: "arrow", serverUrl, config: { prompt: "hi", fps: 12 } });
  const fetch = (path: string, init?: RequestInit) =>
    app.fetch(new Request(`http://demo${path}`, init), { remote: "10.0.0.7" });
  return { fetch, serverUrl, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("shows its page, the files of all pages, and what its flags said", async () => {
  await using demo = await withUpstream(() => new Response("never asked"));
  const home = await demo.fetch("/");
  assert.deepEqual([home.status, home.headers.get("location")], [302, "/demo/arrow"]);
  assert.match(await (await demo.fetch("/demo/arrow")).text(), /<!DOCTYPE html>/);
  assert.equal((await demo.fetch("/static/telefuser-client.js")).status, 200);
  assert.deepEqual(await (await demo.fetch("/demo/config.json")).json(), { prompt: "hi", fps: 12 });
});

Deno.test("forwards method, path, query, headers and body, and says for whom", async () => {
  await using demo = await withUpstream(async (request) => {
    const { pathname, search, host } = new URL(request.url);
    const { method, headers } = request;
    return Response.json({
      method,
      path: pathname + search,
      host,
      body: await request.text(),
      type: headers.get("content-type"),
      forwarded: headers.get("x-forwarded-for"),
      upgrade: headers.get("te"),
    }, { status: 201, headers: { "x-mine": "yes" } });
  });
  const response = await demo.fetch("/v1/stream/webrtc/offer?x=1&y=%20", {
    method: "POST",
    headers: { "content-type": "application/json", te: "trailers" },
    body: '{"a":"ä"}',
  });
  assert.deepEqual([response.status, response.headers.get("x-mine")], [201, "yes"]);
  assert.deepEqual(await response.json(), {
    method: "POST",
    path: "/v1/stream/webrtc/offer?x=1&y=%20",
    host: new URL(demo.serverUrl).host,
    body: '{"a":"ä"}',
    type: "application/json",
    forwarded: "10.0.0.7",
    upgrade: null,
  });
});

Deno.test("passes a redirect back instead of following it, and forwards nothing but the API", async () => {
  let asked = 0;
  await using demo = await withUpstream(() => {
    asked++;
    return new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/secret" } });
  });
  const response = await demo.fetch("/v1/service/health");
  assert.deepEqual([response.status, response.headers.get("location")], [302, "http://127.0.0.1:1/secret"]);
  for (const path of ["/v2/x", "/metrics", "/static/../../deno.json"]) {
    assert.equal((await demo.fetch(path)).status, 404, path);
  }
  assert.equal(asked, 1);
});

Deno.test("says in words that the server cannot be reached: 502 each time, one line in the log", async () => {
  using log = new CapturedLog();
  const app = await createDemoApp({ page: "player", serverUrl: "http://127.0.0.1:1", config: {} });
  for (let attempt = 0; attempt < 3; attempt++) {
    const response = await app.fetch(new Request("http://demo/v1/service/health"), { remote: "" });
    assert.equal(response.status, 502);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    const { code, detail } = await response.json();
    assert.equal(code, "server_unreachable");
    assert.match(detail, /http:\/\/127\.0\.0\.1:1 cannot be reached .*--server-url/);
  }
  assert.equal(log.lines.length, 1);
});

Deno.test("gives up a server that does not answer in time", async () => {
  using _log = new CapturedLog();
  const clock = new ManualClock();
  const held = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, () => {
    asked.resolve();
    return held.promise;
  });
  const serverUrl = `http://127.0.0.1:${server.addr.port}`;
  const app = await createDemoApp({ page: "player", serverUrl, config: {}, clock });
  const answer = app.fetch(new Request("http://demo/v1/service/health"), { remote: "" });
  await asked.promise;
  await clock.advance(36);
  const response = await answer;
  assert.equal(response.status, 502);
  assert.match((await response.json()).detail, /no answer within 35 s/);
  held.resolve(new Response("late"));
  await server.shutdown();
});
