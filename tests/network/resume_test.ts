import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { eventuallyInPage, openPage } from "../support/browser.ts";
import { ImpairedLink } from "../support/impaired_link.ts";
import { routeThroughLink } from "../support/link_page.ts";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";

/** A viewer of the client library that notes every chunk and every picture. */
const VIEWER = `(async () => {
  const { StreamClient } = await import("/static/telefuser-client.js");
  const video = document.createElement("video");
  video.autoplay = video.muted = true;
  document.body.append(video);
  globalThis.pictures = [];
  globalThis.chunks = [];
  globalThis.states = [];
  const shown = () => { pictures.push(performance.now()); video.requestVideoFrameCallback(shown); };
  video.requestVideoFrameCallback(shown);
  globalThis.client = new StreamClient({ bidirectional: true, resumeKey: "test" });
  video.srcObject = client.stream;
  client.addEventListener("state", ({ detail }) => states.push(detail));
  client.addEventListener("message", ({ detail }) => detail.type === "chunk" && chunks.push(detail));
  await client.connect();
  return client.sessionId;
})()`;

interface Chunk {
  readonly index: number;
  readonly sequence: number;
  readonly data: { readonly created: number; readonly received: readonly string[] };
}

const chunks = (page: Page) => page.evaluate<Chunk[]>("chunks");
const states = (page: Page) => page.evaluate<string[]>("states");

/** Milliseconds from a moment of the page's clock to the first picture behind it. */
async function firstPictureAfter(page: Page, moment: number): Promise<number> {
  await eventuallyInPage("a picture", async () => {
    return await page.evaluate<boolean>(`pictures.some((at) => at > ${moment})`);
  }, 15_000);
  return await page.evaluate<number>(`pictures.find((at) => at > ${moment}) - ${moment}`);
}

timedTest(
  "ten seconds without network: the same session goes on, nothing is lost, the picture is back within 2 s",
  async () => {
    await using server = await startTestServer(testPipeline("two_way_ticking"));
    await using browser = await openPage(`${server.url}/v1/service/health`);
    using link = new ImpairedLink({ seed: 3 });
    const { page, errors } = browser;
    await routeThroughLink(page, link);
    const id = await page.evaluate<string>(VIEWER);
    await eventuallyInPage("chunks", async () => (await chunks(page)).length > 48);
    link.set({ blocked: true });
    await page.route("**/v1/**", (route) => route.abort("internetdisconnected"));
    await page.waitForTimeout(4000);
    await page.evaluate("client.send({ type: 'control', note: 'while away' })");
    await page.waitForTimeout(6000);
    const before = await chunks(page);
    link.set({ blocked: false });
    await page.unroute("**/v1/**");
    await routeThroughLink(page, link);
    const back = await page.evaluate<number>("performance.now()");
    const took = await firstPictureAfter(page, back);
    assert.ok(took < 2000, `the picture came back after ${took} ms`);
    await eventuallyInPage("it is live again", async () => (await states(page)).at(-1) === "live");
    await eventuallyInPage("chunks come again", async () => (await chunks(page)).length > before.length + 24);
    await eventuallyInPage("what was sent meanwhile arrives", async () => {
      return (await chunks(page)).at(-1)?.data.received.includes("while away") === true;
    });
    const all = await chunks(page);
    assert.deepEqual(
      all.map(({ index }) => index),
      all.map((_, index) => index),
      "no chunk is missing, none comes twice",
    );
    assert.equal(all.at(-1)?.data.created, 1, "createSession() was called once");
    assert.equal(await page.evaluate("client.sessionId"), id);
    assert.ok(server.logged.some((line) => line.includes("interrupted")), "the server held the session");
    await page.evaluate("client.stop()");
    await eventually("the place is free", () => server.server.registry.size === 0);
    console.log(`picture back ${Math.round(took)} ms after the network`);
    assert.deepEqual(errors.filter((text) => !text.includes("ERR_INTERNET_DISCONNECTED")), []);
  },
);

timedTest("a page that is loaded again goes on with its session and gets what it missed", async () => {
  await using server = await startTestServer(testPipeline("two_way_ticking"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const { page, errors } = browser;
  const id = await page.evaluate<string>(VIEWER);
  await eventuallyInPage("chunks", async () => (await chunks(page)).length > 24);
  await page.evaluate("addEventListener('pagehide', () => sessionStorage.setItem('last', chunks.at(-1).index))");
  const reloaded = Date.now();
  await page.reload();
  assert.equal(await page.evaluate<string>(VIEWER), id);
  const took = await firstPictureAfter(page, 0);
  await eventuallyInPage("chunks", async () => (await chunks(page)).length > 24);
  const all = await chunks(page);
  const last = Number(await page.evaluate("sessionStorage.getItem('last')"));
  assert.equal(all[0]?.index, last + 1, "it begins behind the last chunk of the page before");
  assert.deepEqual(all.map(({ index }) => index), all.map((_, index) => last + 1 + index));
  assert.equal(all.at(-1)?.data.created, 1, "createSession() was called once");
  assert.ok(took < 2000, `the picture came ${took} ms after the page began`);
  console.log(`picture ${Date.now() - reloaded} ms after the reload, at most`);
  await page.evaluate("client.stop()");
  assert.deepEqual(errors, []);
});

Deno.test("a page that crashed goes on with its session as well", async () => {
  await using server = await startTestServer(testPipeline("two_way_ticking"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const { page, errors } = browser;
  // As after a crash, nobody learns that the page goes.
  await page.evaluate("addEventListener('pagehide', (event) => event.stopImmediatePropagation())");
  const id = await page.evaluate<string>(VIEWER);
  await eventuallyInPage("chunks", async () => (await chunks(page)).length > 24);
  await page.reload();
  assert.equal(await page.evaluate<string>(VIEWER), id);
  await eventuallyInPage("chunks", async () => (await chunks(page)).length > 24);
  assert.equal((await chunks(page)).at(-1)?.data.created, 1, "createSession() was called once");
  await page.evaluate("client.stop()");
  assert.equal(await page.evaluate("sessionStorage.length"), 0);
  assert.deepEqual(errors, []);
});

Deno.test("a tab that is duplicated leaves the first one its session and gets one of its own", async () => {
  await using server = await startTestServer(testPipeline("two_way_ticking"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const { page, errors } = browser;
  const id = await page.evaluate<string>(VIEWER);
  await eventuallyInPage("chunks", async () => (await chunks(page)).length > 10);
  await eventuallyInPage("it is kept", () => page.evaluate<boolean>("sessionStorage.length > 0"));
  const [copy] = await Promise.all([
    page.context().waitForEvent("page"),
    page.evaluate("void open(location.href)"), // It takes the storage along, as a duplicate does.
  ]);
  await copy.waitForLoadState();
  assert.match(await copy.evaluate("sessionStorage.getItem('telefuser:test') ?? ''"), new RegExp(id));
  assert.notEqual(await copy.evaluate<string>(VIEWER), id);
  const before = (await chunks(page)).length;
  await eventuallyInPage("chunks of its own", async () => (await chunks(copy)).length > 10);
  await eventuallyInPage("chunks of the first", async () => (await chunks(page)).length > before + 24);
  assert.deepEqual(await states(page), ["connecting", "live"]);
  assert.equal(server.server.registry.size, 2);
  await Promise.all([page.evaluate("client.stop()"), copy.evaluate("client.stop()")]);
  assert.deepEqual(errors, []);
});

Deno.test("when the viewer does not come back the session ends with the reason, and its pipeline is told", async () => {
  await using server = await startTestServer(testPipeline("two_way_ticking"), { webrtcHoldSeconds: "1" });
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const id = await browser.page.evaluate<string>(VIEWER);
  await eventuallyInPage("chunks", async () => (await chunks(browser.page)).length > 10);
  await browser.page.goto("about:blank");
  await eventually("the session ends", () => server.server.registry.size === 0, 5000);
  const { detail } = await (await server.fetch(`/v1/stream/sessions/${id}/status`)).json();
  const reason = /the viewer closed the connection, and the viewer did not come back within 1 s/;
  assert.match(detail, reason);
  const told = server.logged.filter((line) => line.includes("closeSession was called"));
  assert.equal(told.length, 1, told.join("\n"));
  assert.match(told[0] ?? "", /code=connection_lost/);
  assert.match(told[0] ?? "", reason);
});
