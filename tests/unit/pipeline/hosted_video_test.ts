import assert from "node:assert/strict";
import type { OpenVideoOptions, VideoFile } from "../../../src/pipeline/contract.ts";
import { HostCaller } from "../../../src/pipeline/host_caller.ts";
import { openHostedVideo } from "../../../src/pipeline/hosted_video.ts";
import type { WorkerMessage } from "../../../src/pipeline/protocol.ts";
import { settle } from "../support/manual_clock.ts";

const OPENED = {
  handle: 1,
  width: 64,
  height: 48,
  fps: 25,
  duration_s: 2,
  audio: { sample_rate: 48_000, channels: 2 },
};

type Call = Extract<WorkerMessage, { t: "call" }>;

/** The worker's side of a host that answers when it is told to. */
function makeHost() {
  const calls: Call[] = [];
  const caller = new HostCaller((message) => void (message.t === "call" && calls.push(message)));
  /** Answers the oldest call; returns what was asked. */
  function answer(reply: { value: unknown } | { error: string }): Call {
    const call = calls.shift();
    assert.ok(call !== undefined, "nothing was asked");
    caller.settle(call.call, reply);
    return call;
  }
  async function open(path = "a.mp4"): Promise<VideoFile> {
    const opening = openHostedVideo(caller, path);
    answer({ value: OPENED });
    return await opening;
  }
  return { caller, calls, answer, open };
}

function picture(timestamp: number) {
  return { format: "jpeg", data: Uint8Array.of(1), timestamp };
}

Deno.test("pictures are asked for until none come, however few come at a time", async () => {
  const { calls, answer, open } = makeHost();
  const video = await open();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { timestamp } of video.frames()) seen.push(timestamp);
  })();
  for (const batch of [[picture(0), picture(1)], [picture(2)], []]) {
    await settle();
    assert.equal(answer({ value: batch }).op, "readPictures");
  }
  await reading;
  assert.deepEqual([seen, calls.length], [[0, 1, 2], 0]);
});

Deno.test("one reading is under way at a time, over all videos of a pipeline", async () => {
  const { calls, answer, open } = makeHost();
  const videos = [await open(), await open(), await open()];
  const readings = videos.map((video) => video.frames()[Symbol.asyncIterator]().next());
  const outcomes = Promise.allSettled(readings);
  const sound = videos[0]?.readAudio();
  for (let left = readings.length; left > 0; left--) {
    await settle();
    assert.equal(calls.length, 1);
    answer(left === 2 ? { error: "it broke" } : { value: [picture(left)] });
  }
  const [first, second, third] = await outcomes;
  assert.deepEqual([first?.status, second?.status, third?.status], ["fulfilled", "rejected", "fulfilled"]);
  await settle();
  answer({ value: { samples: Int16Array.of(1), total: 1 } });
  assert.deepEqual(await sound, Int16Array.of(1));
});

Deno.test("the sound is put together from its parts", async () => {
  const { answer, open } = makeHost();
  const video = await open();
  const sound = video.readAudio();
  await settle();
  assert.deepEqual(answer({ value: { samples: Int16Array.of(1, 2), total: 5 } }).args, { handle: 1, from: 0 });
  await settle();
  assert.deepEqual(answer({ value: { samples: Int16Array.of(3, 4), total: 5 } }).args, { handle: 1, from: 2 });
  await settle();
  assert.deepEqual(answer({ value: { samples: Int16Array.of(5), total: 5 } }).args, { handle: 1, from: 4 });
  assert.deepEqual(await sound, Int16Array.of(1, 2, 3, 4, 5));
  const cut = video.readAudio();
  await settle();
  answer({ value: { samples: Int16Array.of(1, 2), total: 5 } });
  await settle();
  answer({ value: { samples: new Int16Array(0), total: 5 } });
  await assert.rejects(cut, /has changed while its sound was read/);
});

Deno.test("what is said of a video crosses as plain values, and not at any length", async () => {
  const { caller, calls } = makeHost();
  const circle: Record<string, unknown> = { format: "jpeg" };
  circle.self = circle;
  for (const options of [{ quality: 1n }, circle]) {
    const opening = openHostedVideo(caller, "a.mp4", options as unknown as OpenVideoOptions);
    const asked = calls.shift();
    assert.doesNotThrow(() => JSON.stringify(asked?.args));
    caller.settle(asked?.call ?? 0, { error: "refused" });
    await assert.rejects(opening, /refused/);
  }
  await assert.rejects(openHostedVideo(caller, "x".repeat(1_000_000)), /too long/);
  const long = { format: "x".repeat(1_000_000) } as unknown as OpenVideoOptions;
  await assert.rejects(openHostedVideo(caller, "a.mp4", long), /too long/);
  assert.equal(calls.length, 0);
});
