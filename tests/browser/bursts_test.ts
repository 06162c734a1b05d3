import assert from "node:assert/strict";
import { eventuallyInPage, openPage } from "../support/browser.ts";
import { startTestServer, testPipeline } from "../support/test_server.ts";
import { undisturbed } from "../support/undisturbed.ts";

/** Connects a video element to a two-way session; notes when each picture is presented. */
const VIEWER = `
  const video = document.createElement("video");
  Object.assign(video, { autoplay: true, muted: true, playsInline: true });
  document.body.append(video);
  window.presented = [];
  const watch = (now, { presentationTime }) => {
    window.presented.push(presentationTime);
    video.requestVideoFrameCallback(watch);
  };
  video.requestVideoFrameCallback(watch);
  window.connect = async () => {
    const pc = window.pc = new RTCPeerConnection();
    pc.createDataChannel("telefuser");
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.ontrack = ({ track }) => video.srcObject = new MediaStream([track]);
    await pc.setLocalDescription(await pc.createOffer());
    const response = await fetch("/v1/stream/webrtc/offer", {
      method: "POST",
      body: JSON.stringify({ sdp: pc.localDescription.sdp, type: "offer", task: "bidirectional" }),
    });
    await pc.setRemoteDescription(await response.json());
  };
  window.look = async () => {
    const times = presented;
    for (const one of (await pc.getStats()).values()) {
      if (one.type === "inbound-rtp") return [times, one.framesReceived];
    }
  };
`;

Deno.test("twelve pictures that come every half second are presented evenly", async () => {
  await using server = await startTestServer(testPipeline("two_way_bursts"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const { page } = browser;
  await page.addScriptTag({ content: VIEWER });
  await page.evaluate("connect()");
  await eventuallyInPage("two seconds of pictures", () => page.evaluate<boolean>("presented.length >= 48"), 15_000);
  await undisturbed(async () => {
    await page.evaluate("presented.length = 0");
    await page.waitForTimeout(8000);
    const [times, received] = await page.evaluate<[number[], number]>("look()");
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0)).sort((a, b) => a - b);
    const p95 = gaps[Math.floor(gaps.length * 0.95)] ?? Infinity;
    const seen = `${times.length} pictures noted, ${received} received; gaps: ` +
      `p50 ${gaps[gaps.length >> 1]} ms, p95 ${p95} ms, max ${gaps.at(-1)} ms`;
    console.log(seen);
    assert.ok(gaps.length > 170, seen);
    assert.ok(p95 <= 62.5, `p95 of the gaps is ${p95} ms; one and a half frame times are 62.5`);
  });
});
