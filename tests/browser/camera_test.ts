import assert from "node:assert/strict";
import { eventuallyInPage, openPage } from "../support/browser.ts";
import { addCamera, callCamera, endCamera, isRed, seesMirrored, seesUnchanged } from "../support/camera_page.ts";
import { examplePipeline, startTestServer } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";

/** A minute when `TELEFUSER_LONG` is set. */
const WATCHED_SECONDS = Deno.env.get("TELEFUSER_LONG") === undefined ? 10 : 60;

for (const codec of ["VP8", "H264"] as const) {
  Deno.test(`${codec}: the camera comes back, its effect changes on command, and the microphone is echoed`, async () => {
    await using server = await startTestServer(examplePipeline("camera_effects"), { webrtcVideoCodec: codec });
    await using browser = await openPage(`${server.url}/v1/service/health`);
    const { page, errors } = browser;
    await addCamera(page);
    const id = await callCamera(page, "connect", server.url, {});
    await seesMirrored(page);
    await callCamera(page, "send", { type: "control", id: "e1", effect: "none" });
    await seesUnchanged(page);
    const appliedIn = (message: Readonly<Record<string, unknown>>) => {
      return (message.data as { applied_controls?: unknown } | undefined)?.applied_controls;
    };
    let applied: { readonly [field: string]: unknown } | undefined;
    await eventuallyInPage("the message about the picture that shows it", async () => {
      applied = (await callCamera(page, "messages")).find((message) => appliedIn(message) !== undefined);
      return applied !== undefined;
    });
    assert.deepEqual(appliedIn(applied ?? {}), ["e1"]);
    assert.equal(typeof applied?.rtp_timestamp, "number");
    await callCamera(page, "send", { type: "control", effect: "tint", color: "#00ff00" });
    await eventuallyInPage("the green tint", async () => {
      return (await callCamera(page, "halves")).every(([r, g, b]) => r < 60 && b < 60 && g < 120);
    });
    await eventuallyInPage("the echoed tone", async () => {
      const { hertz, above } = await callCamera(page, "tone");
      return Math.abs(hertz - 880) < 12 && above > 30;
    });
    await endCamera(page, { server, id });
    assert.deepEqual(errors, []);
  });
}

timedTest("a pipeline that takes 200 ms a picture shows one that is never old, and does not fall behind", async () => {
  await using server = await startTestServer(examplePipeline("camera_effects"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const { page } = browser;
  await addCamera(page);
  await callCamera(page, "connect", server.url, { effect: "none", work_ms: 200 });
  await eventuallyInPage("the camera", async () => isRed((await callCamera(page, "halves"))[0]));
  await callCamera(page, "ages");
  await page.waitForTimeout(WATCHED_SECONDS * 1000);
  const ages = await callCamera(page, "ages");
  assert.ok(ages.length >= 3.5 * WATCHED_SECONDS, `${ages.length} pictures in ${WATCHED_SECONDS} s`);
  console.log(`${ages.length} pictures in ${WATCHED_SECONDS} s, the oldest ${Math.max(...ages).toFixed(0)} ms old`);
  assert.ok(Math.min(...ages) >= 200, `an age of ${Math.min(...ages)} ms is impossible`);
  assert.ok(Math.max(...ages) < 500, `ages: ${ages.map(Math.round).join(" ")}`);
  await callCamera(page, "close");
});
