import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer, type Viewer } from "../support/viewer.ts";

timedTest("fractional frame rates are exact in RTP time", async () => {
  await using server = await startTestServer(testPipeline("counted_frames"));
  const fps = 30_000 / 1001;
  await using viewer = await connectViewer(server, { fields: { frames: 61, fps } });
  await eventually("the frames arrive", () => viewer.frames >= 61);
  const stamps = viewer.video.filter((packet) => packet.marker).map((packet) => packet.timestamp);
  const first = stamps[0] ?? 0;
  for (const [index, stamp] of stamps.entries()) {
    const expected = Math.round(index * 90_000 / fps);
    assert.ok(Math.abs(((stamp - first) >>> 0) - expected) <= 1, `frame ${index}: ${stamp - first}, not ${expected}`);
  }
});

timedTest("sender reports tie sound and picture to one clock", async () => {
  await using server = await startTestServer(testPipeline("counted_frames"));
  await using viewer = await connectViewer(server, { fields: { frames: 96, tone: true } });
  await eventually("reports of both arrive", () => {
    return (["video", "audio"] as const).every((kind) => viewer.reports.filter((one) => one.kind === kind).length >= 2);
  });
  await eventually("the frames arrive", () => viewer.frames >= 90);
  // The chunk's picture and its sound begin at the same instant of the sender's wall clock.
  const videoStart = wallClockOf(viewer, "video", viewer.video[0]?.timestamp ?? 0, 90_000);
  const audioStart = wallClockOf(viewer, "audio", viewer.audio[0]?.timestamp ?? 0, 48_000);
  assert.ok(Math.abs(videoStart - audioStart) < 0.002, `${(videoStart - audioStart) * 1000} ms apart`);
  // And the relation does not wander from one report to the next.
  for (const kind of ["video", "audio"] as const) {
    const rate = kind === "video" ? 90_000 : 48_000;
    const reports = viewer.reports.filter((one) => one.kind === kind);
    const [a, b] = [reports[0], reports.at(-1)];
    assert.ok(a !== undefined && b !== undefined && a !== b);
    const drift = (b.ntp - a.ntp) - ((b.rtp - a.rtp) >>> 0) / rate;
    assert.ok(Math.abs(drift) < 0.002, `${kind} drifts ${drift * 1000} ms`);
    assert.ok(Math.abs(a.ntp - 2_208_988_800 - Date.now() / 1000) < 30, "NTP time is wall-clock time");
  }
});

Deno.test("sound without pictures in between has no gap in sequence or time", async () => {
  await using server = await startTestServer(testPipeline("counted_frames"));
  await using viewer = await connectViewer(server, { fields: { frames: 48, tone: true } });
  await eventually("the sound arrives", () => viewer.audio.length >= 95);
  for (const [index, packet] of viewer.audio.entries()) {
    const before = viewer.audio[index - 1];
    if (before === undefined) continue;
    assert.equal((packet.timestamp - before.timestamp) >>> 0, 960);
    assert.equal((packet.sequenceNumber - before.sequenceNumber) & 0xffff, 1);
  }
});

timedTest("VP8 is sent when it is all a viewer offers, and when it is preferred", async () => {
  await using server = await startTestServer(testPipeline("counted_frames"));
  await using viewer = await connectViewer(server, { codecs: ["VP8"], fields: { frames: 24 } });
  await eventually("the frames arrive", () => viewer.frames >= 24);
  assert.match(viewer.answerSdp, /VP8\/90000/);
  assert.doesNotMatch(viewer.answerSdp, /H264/);
  await using preferring = await startTestServer(testPipeline("counted_frames"), { webrtcVideoCodec: "VP8" });
  await using second = await connectViewer(preferring, { fields: { frames: 24 } });
  await eventually("the frames arrive", () => second.frames >= 24);
  assert.match(second.answerSdp, /VP8\/90000/);
});

Deno.test("H.264 goes out as constrained baseline", async () => {
  await using server = await startTestServer(testPipeline("counted_frames"));
  await using viewer = await connectViewer(server, { fields: { frames: 12 } });
  await eventually("frames arrive", () => viewer.frames > 0);
  assert.match(viewer.answerSdp, /profile-level-id=42[c-f]/);
  const aggregate = viewer.video[0]?.payload ?? new Uint8Array();
  assert.equal((aggregate[0] ?? 0) & 0x1f, 24, "parameter sets come aggregated in front of the first key frame");
  const sps = aggregate.subarray(3);
  assert.equal((sps[0] ?? 0) & 0x1f, 7);
  assert.equal(sps[1], 66, "profile_idc");
  assert.equal((sps[2] ?? 0) & 0x40, 0x40, "constraint_set1_flag");
});

/** The sender's wall clock at an RTP timestamp, by its first report. */
function wallClockOf(viewer: Viewer, kind: "video" | "audio", timestamp: number, rate: number): number {
  const report = viewer.reports.find((one) => one.kind === kind);
  assert.ok(report !== undefined);
  return report.ntp + ((timestamp - report.rtp) | 0) / rate;
}
