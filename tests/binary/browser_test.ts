/**
 * Chromium before each executable that is there: the stream itself, and the pages that are inside.
 *
 * @module
 */

import assert from "node:assert/strict";
import { eventuallyInPage, openPage } from "../support/browser.ts";
import { checkClip } from "../support/clip_check.ts";
import { copyTree } from "../support/copy_tree.ts";
import { undisturbed } from "../support/undisturbed.ts";
import { formsThere, makeMachine, type Serving } from "./executable.ts";

/** What a page shows once the stream is there. */
const LIVE = "document.body.dataset.picture === 'live' && document.body.dataset.state === 'live'";
const PIPELINES = new URL("../../pipelines", import.meta.url).pathname;

for (const form of formsThere()) {
  const test = (name: string, pipeline: string, fn: (server: Serving) => Promise<void>) =>
    Deno.test(`${form.name}: ${name}`, async () => {
      await using machine = await makeMachine(form);
      const folder = `${machine.home}/pipelines`;
      await copyTree(PIPELINES, folder);
      await using server = await machine.serve([`${folder}/${pipeline}`]);
      await fn(server);
      assert.equal(await server.stop(), 0);
    });

  test("Chromium shows the clip, evenly and with sound", "video_replay.ts", ({ url }) =>
    undisturbed(async () => {
      await using browser = await openPage(`${url}/v1/service/health`);
      await checkClip(browser.page, url);
    }));

  test("the player page inside it plays and stops", "video_replay.ts", async ({ url }) => {
    await using browser = await openPage(`${url}/demo/player`);
    const { page, errors } = browser;
    await page.click("#connect");
    await eventuallyInPage(
      "the live line shows the stream",
      async () =>
        /2[345](\.\d)? fps.*640 × 360.*H264/.test((await page.textContent("#stats") ?? "").replace(/\s+/g, " ")),
    );
    await page.click("#stop");
    await eventuallyInPage("the server is free", async () => await sessionsOf(url) === 0);
    assert.deepEqual(errors, []);
  });

  test("a key pressed on the arrow page inside it reaches the picture", "arrow_overlay.ts", async ({ url }) => {
    await using browser = await openPage(`${url}/demo/arrow`);
    const { page, errors } = browser;
    await page.click("#connect");
    await page.waitForFunction(LIVE);
    await page.keyboard.down("ArrowUp");
    await eventuallyInPage(
      "its latency is measured",
      async () => /^\d+ ms$/.test(await page.textContent("#gauge-last") ?? ""),
    );
    await page.keyboard.up("ArrowUp");
    assert.deepEqual(errors, []);
  });
}

async function sessionsOf(url: string): Promise<number> {
  const { webrtc_active_sessions } = await (await fetch(`${url}/v1/service/metadata`)).json();
  return webrtc_active_sessions;
}
