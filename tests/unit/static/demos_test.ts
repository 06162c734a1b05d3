import assert from "node:assert/strict";
import { type Demo, DEMOS, fitOf, misfit } from "../../../static/demos.js";

function demo(path: string): Demo {
  const found = DEMOS.find((one) => one.path === path);
  assert.ok(found !== undefined);
  return found;
}

Deno.test("every demo has a page", async () => {
  for (const { path } of DEMOS) {
    const name = path.split("/").at(-1);
    const html = await Deno.readTextFile(new URL(`../../../static/${name}.html`, import.meta.url));
    assert.match(html, /id="connect"/);
  }
});

Deno.test("a page for another mode says which server this is and which pages fit", () => {
  const push = misfit("/demo/arrow", "server_push");
  assert.match(push?.text ?? "", /push pipeline/);
  assert.deepEqual(push?.others.map(({ path }) => path), ["/demo/player"]);
  const twoWay = misfit("/demo/player", "bidirectional");
  assert.deepEqual(twoWay?.others.map(({ path }) => path), ["/demo/arrow", "/demo/bidirectional"]);
});

Deno.test("a page says nothing when it fits, and when the mode is unknown", () => {
  assert.equal(misfit("/demo/arrow", "bidirectional"), null);
  assert.equal(misfit("/demo/player", "server_push"), null);
  assert.equal(misfit("/demo/arrow", null), null);
  assert.equal(misfit("/elsewhere", "server_push"), null);
});

Deno.test("a card says whether its demo fits the pipeline that runs", () => {
  const twoWay = (pipeline: string) => ({ mode: "bidirectional", pipeline });
  assert.equal(fitOf(demo("/demo/arrow"), twoWay("arrow_overlay.ts"))?.fits, true);
  assert.equal(fitOf(demo("/demo/arrow"), twoWay("my_game.ts"))?.fits, true);
  assert.deepEqual(fitOf(demo("/demo/arrow"), twoWay("camera_effects.ts")), {
    fits: false,
    text: "Connects, but camera_effects.ts is for another demo",
  });
  assert.equal(fitOf(demo("/demo/player"), twoWay("arrow_overlay.ts"))?.text, "Needs a push pipeline");
  const push = { mode: "server_push", pipeline: "x.ts" };
  assert.equal(fitOf(demo("/demo/bidirectional"), push)?.text, "Needs a two-way pipeline");
  assert.equal(fitOf(demo("/demo/player"), { mode: null, pipeline: "" }), null);
});
