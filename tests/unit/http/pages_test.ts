import assert from "node:assert/strict";
import { pageRoutes } from "../../../src/http/pages.ts";

Deno.test("every page is there, with its files", async () => {
  const routes = await pageRoutes();
  for (const path of ["/", "/demo/player", "/demo/arrow", "/demo/bidirectional"]) {
    const page = await routes.request(path);
    assert.equal(page.status, 200, path);
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    const files = [...(await page.text()).matchAll(/(?:src|href)="(\/static\/[^"]+)"/g)].map(([, file]) => file ?? "");
    assert.ok(files.length > 2, path);
    for (const file of files) {
      const response = await routes.request(file);
      assert.equal(response.status, 200, `${file} of ${path}`);
      await response.body?.cancel();
    }
  }
});

Deno.test("every module that a script imports is there, for other origins too", async () => {
  const routes = await pageRoutes();
  const seen = new Set(["index", "player", "arrow", "bidirectional"].map((name) => `/static/${name}.js`));
  for (const path of seen) {
    const response = await routes.request(path);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get("content-type"), "text/javascript; charset=utf-8");
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    for (const [, name] of (await response.text()).matchAll(/^(?:import|export|}) .*from "\.\/([^"]+)";$/gm)) {
      seen.add(`/static/${name}`);
    }
  }
  assert.ok(seen.has("/static/telefuser-latency.js"), [...seen].join(" "));
});

Deno.test("the demo pages' options are an empty object unless there are some", async () => {
  const response = await (await pageRoutes()).request("/demo/config.json");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("cache-control"), "no-cache");
  assert.deepEqual(await response.json(), {});
  const options = { server_url: "https://stream.test", ice_transport_policy: "relay", fps: 30 } as const;
  const given = await (await pageRoutes(options)).request("/demo/config.json");
  assert.deepEqual(await given.json(), options);
});

Deno.test("nothing outside the folder of pages can be had", async () => {
  const routes = await pageRoutes();
  for (const path of ["/static/..%2Fdeno.json", "/static/none.js", "/static/", "/demo/none"]) {
    assert.equal((await routes.request(path)).status, 404, path);
  }
});
