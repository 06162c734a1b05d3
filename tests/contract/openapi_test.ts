import assert from "node:assert/strict";
import { systemClock } from "../../src/async/mod.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { createApp, type Services } from "../../src/http/mod.ts";
import { startTestServer, testPipeline } from "../support/test_server.ts";

/** The parts of the description that the tests look at. */
interface Description {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
}

async function described(): Promise<{ description: Description; routes: Set<string> }> {
  const { config } = loadConfig({ flags: {}, env: () => undefined });
  const app = await createApp({ config, clock: systemClock } as unknown as Services);
  const description: Description = await (await app.request("/v1/openapi.json")).json();
  const routes = app.routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/"));
  return {
    description,
    routes: new Set(routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`)),
  };
}

Deno.test("every route of the API is in its description, and nothing else is", async () => {
  const { description, routes } = await described();
  assert.equal(description.openapi, "3.1.0");
  const operations = Object.entries(description.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`)
  );
  assert.ok(operations.length >= 10);
  assert.deepEqual(operations.toSorted(), [...routes].toSorted());
});

Deno.test("operations have names of their own, and every answer is described", async () => {
  const { description } = await described();
  const operations = Object.values(description.paths).flatMap((item) => Object.values(item));
  const names = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(names).size, names.length);
  for (const { operationId, responses } of operations) {
    assert.ok(Object.keys(responses).some((status) => status.startsWith("2")), operationId);
    assert.ok("500" in responses, operationId);
  }
});

Deno.test("docs/api.md has every path and every code of the description", async () => {
  const { description } = await described();
  const text = await Deno.readTextFile(new URL("../../docs/api.md", import.meta.url));
  for (const path of Object.keys(description.paths)) assert.ok(text.includes(path), `docs/api.md lacks ${path}`);
  const codes = JSON.stringify(description.paths).matchAll(/`([a-z_]+)`/g);
  for (const [, code] of codes) assert.ok(text.includes(`\`${code}\``), `docs/api.md lacks the code ${code}`);
});

Deno.test("a server gives its description", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  const response = await server.fetch("/v1/openapi.json");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal((await response.json()).info.title, "TeleFuser Stream");
});
