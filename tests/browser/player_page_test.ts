import assert from "node:assert/strict";
import { eventuallyInPage, openPage } from "../support/browser.ts";
import { eventually, examplePipeline, startTestServer } from "../support/test_server.ts";

Deno.test("the player page connects, plays, unmutes, stops, resumes and says how it ended", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"), { webrtcHoldSeconds: "1" });
  await using browser = await openPage(`${server.url}/demo/player`);
  const { page, errors } = browser;
  const text = async (selector: string) => (await page.textContent(selector) ?? "").replace(/\s+/g, " ");
  await page.fill("#prompt", "northern lights");
  await page.click("#connect");
  await eventuallyInPage(
    "the live line shows the stream",
    async () => /2[345](\.\d)? fps.*640 × 360.*H264/.test(await text("#stats")),
  );
  const clock = () => page.evaluate<number>("document.querySelector('#video').currentTime");
  const before = await clock();
  await eventuallyInPage("the video plays", async () => await clock() > before);
  await page.click("#unmute");
  assert.equal(await page.evaluate<boolean>("document.querySelector('#video').muted"), false);
  await page.click("#stop");
  await eventually("the session is closed", () => server.server.registry.size === 0, 3000);
  await page.click("#resume");
  const connects = () => server.logged.filter((line) => / connected /.test(line)).length;
  await eventually("a session is connected again", () => connects() === 2);
  await page.goto("about:blank");
  await eventually("leaving the page frees it after the hold time", () => server.server.registry.size === 0, 4000);
  assert.deepEqual(errors, []);
});

Deno.test("the player page says in words when the stream is over and when the server is full", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"), { webrtcMaxSessions: "1" });
  await using second = await openPage(`${server.url}/v1/service/health`);
  await using first = await openPage(`${server.url}/demo/player?duration=5&autoconnect=1`);
  await eventually("the first viewer holds the only slot", () => server.server.registry.size === 1);
  await second.page.goto(`${server.url}/demo/player?autoconnect=1`);
  await eventuallyInPage("the second one reads why", async () => {
    return /all 1 are in use/i.test(await second.page.textContent("#status") ?? "");
  });
  await eventuallyInPage("the first one reads that it is over", async () => {
    return /played|finished|ended|done/i.test(await first.page.textContent("#status") ?? "");
  }, 12_000);
  assert.deepEqual([...first.errors, ...second.errors], []);
});

Deno.test("the front page shows the server's state and leads to the player", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openPage(`${server.url}/`);
  const { page, errors } = browser;
  await eventuallyInPage("the state is there", async () => {
    const text = await page.textContent("body") ?? "";
    return text.includes("video_replay.ts") && /strict/i.test(text) && text.includes("H264");
  });
  await page.click('a[href="/demo/player"]');
  await page.waitForSelector("#connect");
  assert.deepEqual(errors, []);
});
