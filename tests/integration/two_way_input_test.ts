import assert from "node:assert/strict";
import { eventually, startTestServer, testPipeline } from "../support/test_server.ts";
import { connectViewer, type Viewer } from "../support/viewer.ts";

function seen(viewer: Viewer): number[] {
  return viewer.messages.filter(({ type }) => type === "chunk").flatMap(({ data }) =>
    (data as { seen: number[] }).seen
  );
}

Deno.test("a pipeline that takes 50 ms for a message gets the newest of each kind out of 500", async () => {
  await using server = await startTestServer(testPipeline("two_way_counter"));
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { push_ms: 50 } } });
  const keys = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Space"];
  for (let n = 0; n < 500; n++) viewer.send({ type: "control", key: keys[n % 5], action: "press", n });
  const statusOf = async () => {
    const response = await server.fetch(`/v1/stream/sessions/${viewer.sessionId}/status`);
    return (await response.json()).stats as Record<string, number>;
  };
  await eventually("the last message", () => seen(viewer).includes(499));
  const { controls_received, controls_dropped = 0 } = await statusOf();
  assert.equal(controls_received, 500);
  assert.ok(controls_dropped >= 400, `${controls_dropped} were left out`);
  const got = seen(viewer);
  assert.equal(got.length, 500 - controls_dropped);
  assert.deepEqual(got, got.toSorted((a, b) => a - b));
  for (const n of [495, 496, 497, 498, 499]) {
    assert.ok(got.includes(n), `message ${n}, the newest of its kind, is there`);
  }
});

Deno.test("of 2000 messages at once for a pipeline that takes 200 ms for each, at most 64 wait", async () => {
  await using server = await startTestServer(testPipeline("two_way_counter"));
  await using viewer = await connectViewer(server, { channel: true, fields: { config: { push_ms: 200 } } });
  const keys = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"];
  const padding = "x".repeat(500);
  await eventually("the channel", () => viewer.channel?.readyState === "open");
  for (let n = 0; n < 2000; n++) {
    // One that nothing replaces is not lost however much comes after it.
    const fields = n === 1000 ? { prompt: "a lake" } : { key: keys[n % 4], action: n % 8 < 4 ? "press" : "release" };
    viewer.send({ type: "control", ...fields, n, padding });
  }
  const waiting: number[] = [];
  let received = 0;
  let dropped = 0;
  for (const end = performance.now() + 30_000; received < 2000;) {
    assert.ok(performance.now() < end, `only ${received} were received`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const response = await server.fetch(`/v1/stream/sessions/${viewer.sessionId}/status`);
    const { stats } = await response.json();
    received = stats.controls_received;
    dropped = stats.controls_dropped;
    waiting.push(stats.controls_waiting);
  }
  assert.equal(Math.max(...waiting), 64);
  assert.ok(dropped >= 1800, `${dropped} were left out`);
  await eventually("the newest of each kind", () => seen(viewer).includes(1999), 20_000);
  const got = seen(viewer);
  assert.deepEqual(got, got.toSorted((a, b) => a - b));
  for (const n of [1000, 1996, 1997, 1998, 1999]) assert.ok(got.includes(n), `message ${n} is there`);
});

Deno.test("camera, microphone and chunks are not held up by a message that takes long", async () => {
  await using server = await startTestServer(testPipeline("two_way_lanes"));
  const session = server.server.pipeline.open({ session_id: "s", task: "t" });
  await session.opened;
  const { inbox } = session;
  inbox.control({ type: "control", hold: true });
  inbox.control({ type: "control", n: 1 });
  for (let round = 0; round < 5; round++) {
    inbox.picture({ format: "rgba", data: new Uint8Array(16), width: 2, height: 2, receivedAt: round });
    inbox.sound({ samples: new Int16Array(960), sampleRate: 48_000, channels: 1 });
    const seen = (await session.next()).value?.metadata.seen;
    assert.deepEqual(seen, { control: 1, video: round + 1, audio: round + 1 });
    await eventually("the lanes to be free", () => inbox.takesPicture);
  }
  inbox.picture({ format: "rgba", data: new Uint8Array(16), width: 2, height: 2, receivedAt: 9 });
  assert.equal(inbox.length, 1, "the second message waits");
  inbox.sound({ samples: new Int16Array(4), sampleRate: 48_000, channels: 1 });
  await session.close({ code: "client_request", detail: "done" });
});
