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
  const home = await demo.fetch("/?prompt=a+lake");
  assert.deepEqual([home.status, home.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  const page = await (await demo.fetch("/demo/arrow")).text();
  assert.match(page, /<!DOCTYPE html>/);
  assert.equal(await home.text(), page);
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
      named: headers.get("x-for-this-hop"),
    }, { status: 201, headers: { "x-mine": "yes" } });
  });
  const response = await demo.fetch("/v1/stream/webrtc/offer?x=1&y=%20", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-forwarded-for": "192.0.2.9",
      te: "trailers",
      connection: "close, X-For-This-Hop",
      "x-for-this-hop": "1",
    },
    body: '{"a":"ä"}',
  });
  assert.deepEqual([response.status, response.headers.get("x-mine")], [201, "yes"]);
  assert.deepEqual(await response.json(), {
    method: "POST",
    path: "/v1/stream/webrtc/offer?x=1&y=%20",
    host: new URL(demo.serverUrl).host,
    body: '{"a":"ä"}',
    type: "application/json",
    forwarded: "192.0.2.9, 10.0.0.7",
    upgrade: null,
    named: null,
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
  for (const path of ["/v2/x", "/metrics", "/static/../../deno.json", "/v1/..%2Fmetrics", "/v1/..%5cx", "/%761/x"]) {
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

Deno.test("hands on a body as it comes and lets the stream server go when nobody reads any more", async () => {
  const left = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
    cancel: () => left.resolve(),
  });
  await using demo = await withUpstream(() => new Response(body));
  const reader = (await demo.fetch("/v1/stream")).body?.getReader();
  const first = await reader?.read();
  assert.equal(new TextDecoder().decode(first?.value), "first");
  await reader?.cancel();
  await left.promise;
});

Deno.test("hands on an upload before it is complete", async () => {
  const arrived = Promise.withResolvers<string>();
  await using demo = await withUpstream(async (request) => {
    let text = "";
    for await (const part of request.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      arrived.resolve(text);
    }
    return new Response(text);
  });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const answer = demo.fetch("/v1/upload", { method: "POST", body: readable });
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode("one "));
  assert.equal(await arrived.promise, "one ");
  await writer.write(new TextEncoder().encode("two"));
  await writer.close();
  assert.equal(await (await answer).text(), "one two");
});

Deno.test("answers without a body stay so, and a method that cannot be passed on is no fault of the server", async () => {
  using log = new CapturedLog();
  await using demo = await withUpstream((request) => new Response(null, { status: Number(request.url.slice(-3)) }));
  for (const status of [204, 304]) {
    const response = await demo.fetch(`/v1/${status}`);
    assert.deepEqual([response.status, await response.text()], [status, ""]);
  }
  const head = await demo.fetch("/v1/200", { method: "HEAD" });
  assert.equal(head.status, 200);
  const odd = await demo.fetch("/v1/200", { method: "PROPFIND" });
  assert.deepEqual([odd.status, (await odd.json()).code], [404, "route_not_found"]);
  assert.equal(log.text, "");
});
