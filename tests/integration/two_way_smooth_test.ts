import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer } from "../support/viewer.ts";

timedTest("12 pictures every half second, up to 30 ms early or late, reach the viewer evenly", async () => {
  await using server = await startTestServer(testPipeline("two_way_bursts"));
  await using viewer = await connectViewer(server, { channel: true, audio: false });
  await eventually("six seconds of pictures", () => viewer.frames >= 6 * 24, 12_000);
  const times = viewer.video.filter(({ marker }) => marker).map(({ at }) => at);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0)).sort((a, b) => a - b);
  const p95 = gaps[Math.ceil(gaps.length * 0.95) - 1] ?? Number.NaN;
  assert.ok(p95 <= 62.5, `p95 of ${gaps.length} gaps is ${p95.toFixed(1)} ms`);
  const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
  assert.ok(seconds < 6.5, `it took ${seconds.toFixed(2)} s`);
});
