import assert from "node:assert/strict";
import { systemClock } from "../../../src/async/mod.ts";
import { JsonClient, readHttpFault } from "../../../src/doctor/json_client.ts";

/** A client that gives everything that many seconds. */
function clientWith(seconds: number): JsonClient {
  const { signal } = new AbortController();
  return new JsonClient({ clock: systemClock, deadline: systemClock.now() + seconds, signal });
}

async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, answer);
  await use(`http://127.0.0.1:${server.addr.port}`);
  await server.shutdown();
}

Deno.test("an answer comes with status, body and date; what is no JSON object has no body", async () => {
  await withServer((request) => {
    const isJson = new URL(request.url).pathname === "/json";
    return isJson ? Response.json({ a: 1 }, { status: 503 }) : new Response("<html>");
  }, async (url) => {
    const json = await clientWith(5).get(`${url}/json`);
    assert.ok(json.kind === "answer");
    assert.deepEqual([json.status, json.body], [503, { a: 1 }]);
    assert.ok(Math.abs((json.date ?? 0) - systemClock.unixTime()) < 10);
    const page = await clientWith(5).get(url);
    assert.ok(page.kind === "answer" && page.body === null);
  });
});

Deno.test("a server that does not answer is given up at the deadline", async () => {
  const release = Promise.withResolvers<Response>();
  await withServer(() => release.promise, async (url) => {
    const result = await clientWith(0.05).get(url);
    assert.ok(result.kind === "fault");
    assert.match(result.fault, /no answer/);
    release.resolve(new Response());
  });
});

Deno.test("a refused connection is told as that", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const result = await clientWith(5).get(`http://127.0.0.1:${port}/`);
  assert.deepEqual(result, {
    kind: "fault",
    fault: "the connection is refused",
    remedy: "start the server, or check the port",
  });
});

Deno.test("words of the system are turned into plain ones", () => {
  assert.match(readHttpFault("client error (Connect): dns error: failed to lookup").fault, /name cannot be looked up/);
  assert.match(readHttpFault("Network is unreachable (os error 101)").fault, /no route/);
  assert.match(readHttpFault("connection closed before message completed").remedy, /http or https/);
  assert.equal(readHttpFault("something new").fault, "something new");
});
