import assert from "node:assert/strict";
import { eventuallyInPage, openPage } from "../support/browser.ts";
import { addClient, callClient, seesAndHears } from "../support/client_page.ts";
import { ImpairedLink } from "../support/impaired_link.ts";
import { routeThroughLink } from "../support/link_page.ts";
import { examplePipeline, startTestServer } from "../support/test_server.ts";

Deno.test("the link is the only way: Chromium plays through loss and delay, and stands still while it is blocked", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  using link = new ImpairedLink({ seed: 11 });
  link.set({ delay: 0.02, jitter: 0.01, loss: 0.02 });
  const { page, errors } = browser;
  await routeThroughLink(page, link);
  await addClient(page);
  await callClient(page, "connect", {});
  await seesAndHears(page);
  await page.waitForTimeout(2000);
  const { frames } = await callClient(page, "look");
  const { packets, lost, deliveredPackets } = link.counters("down");
  assert.ok(packets > 100, `${packets} packets came from the server`);
  assert.ok(lost > 0 && lost < 0.08 * packets, `${lost} of ${packets} were lost`);
  assert.ok(deliveredPackets + lost <= packets);
  assert.ok(frames > 24, `${frames} pictures`);
  link.set({ blocked: true });
  const look = async () => (await callClient(page, "look")).frames;
  let before = await look();
  // What the browser holds back against jitter is shown first.
  await eventuallyInPage("the picture stands still for a second", async () => {
    const shown = before;
    await page.waitForTimeout(1000);
    before = await look();
    return before === shown;
  });
  link.set({ blocked: false });
  await eventuallyInPage("pictures come again", async () => await look() > before + 10);
  await callClient(page, "stop");
  assert.deepEqual(errors, []);
});
