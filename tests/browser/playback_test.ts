import assert from "node:assert/strict";
import { addProbe, callProbe, eventuallyInPage, openPage } from "../support/browser.ts";
import { checkClip } from "../support/clip_check.ts";
import { eventually, examplePipeline, startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";

timedTest("Chromium shows the clip: pixels change, the frame counter advances evenly, there is sound", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  await checkClip(browser.page, server.url);
  assert.equal(server.server.registry.size, 0);
});

for (const codec of ["H264", "VP8"] as const) {
  for (const format of ["rgba", "i420"] as const) {
    Deno.test(`colours of ${format} pictures come out right through ${codec}, from the first frame on`, async () => {
      await using server = await startTestServer(testPipeline("plain_color"), { webrtcVideoCodec: codec });
      await using browser = await openPage(`${server.url}/v1/service/health`);
      const { page } = browser;
      await addProbe(page);
      for (const rgb of [[200, 40, 60], [30, 160, 220], [245, 245, 245]]) {
        await callProbe(page, "connect", server.url, { rgb, format });
        const seen = await callProbe(page, "pixel", 160, 96);
        const off = Math.max(...seen.map((value, at) => Math.abs(value - (rgb[at] ?? 0))));
        assert.ok(off <= 8, `${rgb} came out as ${seen}`);
        assert.equal((await callProbe(page, "stats")).codec, `video/${codec}`);
        await callProbe(page, "close");
      }
    });
  }
}

for (const encoderEffort of ["fast", "balanced"] as const) {
  Deno.test(`colours of JPEG pictures come out right at effort ${encoderEffort}`, async () => {
    await using server = await startTestServer(testPipeline("jpeg_color"), { encoderEffort });
    await using browser = await openPage(`${server.url}/v1/service/health`);
    const { page } = browser;
    await addProbe(page);
    await callProbe(page, "connect", server.url, {});
    const seen = await callProbe(page, "pixel", 32, 24);
    const off = Math.max(...seen.map((value, at) => Math.abs(value - ([200, 40, 60][at] ?? 0))));
    assert.ok(off <= 8, `200,40,60 came out as ${seen}`);
  });
}

Deno.test("closing the tab frees the session at once", async () => {
  await using server = await startTestServer(testPipeline("plain_color"));
  {
    await using browser = await openPage(`${server.url}/v1/service/health`);
    await addProbe(browser.page);
    await callProbe(browser.page, "connect", server.url, { rgb: [90, 90, 90] });
    assert.equal(server.server.registry.size, 1);
    await browser.page.goto("about:blank");
    await eventually("the slot is free", () => server.server.registry.size === 0, 3000);
  }
});

Deno.test("the picture stays while the pipeline pauses", async () => {
  await using server = await startTestServer(testPipeline("paused"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const { page } = browser;
  await addProbe(page);
  await callProbe(page, "connect", server.url, {});
  await eventuallyInPage("the last frame is there", async () => (await callProbe(page, "pixel", 32, 24))[0] >= 55);
  await page.waitForTimeout(2500);
  const [red] = await callProbe(page, "pixel", 32, 24);
  assert.ok(red >= 55 && red <= 70, `still the last frame's grey: ${red}`);
  assert.equal((await callProbe(page, "stats")).state, "connected");
});
