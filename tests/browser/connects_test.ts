import assert from "node:assert/strict";
import { addProbe, callProbe, openPage } from "../support/browser.ts";
import { startServerProcess } from "../support/server_process.ts";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";

function summary(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return `time to first frame of ${sorted.length}: median ${at(0.5)} ms, p95 ${at(0.95)} ms, slowest ${at(1)} ms`;
}

Deno.test("300 of 300 connects one after the other come up", async () => {
  await using server = await startTestServer(testPipeline("plain_color"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  await addProbe(browser.page);
  const times: number[] = [];
  for (let round = 0; round < 300; round++) {
    const { firstFrameMs } = await callProbe(browser.page, "connect", server.url, { rgb: [90, 90, 90] });
    times.push(firstFrameMs);
    await callProbe(browser.page, "close");
  }
  console.log(summary(times));
  assert.equal(times.length, 300);
});

Deno.test("30 of 30 connects at once come up", async () => {
  await using server = await startTestServer(testPipeline("plain_color"), { webrtcMaxSessions: "30" });
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const times = await browser.page.evaluate<number[]>(`(async () => {
    const { StreamClient } = await import("/static/telefuser-client.js");
    const one = async () => {
      const began = performance.now();
      const client = new StreamClient({ extra: { rgb: [90, 90, 90] } });
      const video = document.createElement("video");
      video.muted = video.autoplay = true;
      document.body.append(video);
      video.srcObject = client.stream;
      const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
      await client.connect();
      await shown;
      return { client, took: performance.now() - began };
    };
    const all = await Promise.all(Array.from({ length: 30 }, one));
    await Promise.all(all.map(({ client }) => client.stop()));
    return all.map(({ took }) => took);
  })()`);
  console.log(summary(times));
  assert.equal(times.length, 30);
  await eventually("all places are free", () => server.server.registry.size === 0);
});

Deno.test("20 of 20 cold starts: the first viewer of a fresh process sees a picture", async () => {
  await using browser = await openPage("about:blank");
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    await using server = await startServerProcess([testPipeline("plain_color")]);
    await browser.page.goto(`${server.url}/v1/service/health`);
    await addProbe(browser.page);
    const { firstFrameMs } = await callProbe(browser.page, "connect", server.url, { rgb: [90, 90, 90] });
    times.push(firstFrameMs);
    await callProbe(browser.page, "close");
  }
  console.log(summary(times));
  assert.equal(times.length, 20);
});
