import assert from "node:assert/strict";
import { startServerProcess } from "../support/server_process.ts";
import { eventually, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";
import { connectViewer, type Viewer } from "../support/viewer.ts";
import { CHROMIUM_OFFER, FIREFOX_OFFER, SAFARI_OFFER } from "../unit/support/offers.ts";

const OFFERS = [CHROMIUM_OFFER, FIREFOX_OFFER, SAFARI_OFFER];
const FLOOD = 1000;
/** Clients at the same time. */
const CONCURRENCY = 10;
/** Sessions until the allocator has most of the memory it is going to keep. */
const WARM_UP = 250;
/** Rest of a client between two offers, in milliseconds: the flood lasts for several connect time limits. */
const REST = 40;
const FPS = 24;
/** Longest time without a picture, in milliseconds, that nobody sees as a stutter behind a usual jitter buffer. */
const GAP_LIMIT = 250;

/** What a flood was answered with. */
interface Outcome {
  readonly statuses: ReadonlyMap<number, number>;
  readonly slowestMs: number;
}

/** Sends offers that nobody ever connects with. */
async function flood(url: string, count: number): Promise<Outcome> {
  const statuses = new Map<number, number>();
  let slowestMs = 0;
  let sent = 0;
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    while (sent < count) {
      const body = JSON.stringify({ sdp: OFFERS[sent++ % OFFERS.length], type: "offer", task: "t2v" });
      const begin = performance.now();
      const response = await fetch(`${url}/v1/stream/webrtc/offer`, { method: "POST", body });
      await response.body?.cancel();
      slowestMs = Math.max(slowestMs, performance.now() - begin);
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, REST));
    }
  }));
  return { statuses, slowestMs };
}

/** Opens sessions and closes them at once. */
async function openAndClose(url: string, count: number): Promise<void> {
  for (let round = 0; round < count; round++) {
    const body = JSON.stringify({ sdp: OFFERS[round % OFFERS.length], type: "offer", task: "t2v" });
    const opened = await fetch(`${url}/v1/stream/webrtc/offer`, { method: "POST", body });
    assert.equal(opened.status, 200);
    const { session_id } = await opened.json();
    const closed = await fetch(`${url}/v1/stream/webrtc/${session_id}`, { method: "DELETE" });
    await closed.body?.cancel();
  }
}

/** Times at which pictures were complete, in milliseconds. */
function pictureTimes(viewer: Viewer, { begin, end }: { begin: number; end: number }): number[] {
  return viewer.video.filter(({ marker, at }) => marker && at >= begin && at <= end).map(({ at }) => at);
}

async function activeSessions(url: string): Promise<number> {
  return (await (await fetch(`${url}/v1/service/health`)).json()).webrtc_active_sessions;
}

/** Waits until the sessions of a flood have run into their time limit. */
async function onlyOneIsLeft(url: string): Promise<void> {
  let active = Infinity;
  const timer = setInterval(async () => active = await activeSessions(url), 100);
  try {
    await eventually("only the viewer's session is left", () => active === 1);
  } finally {
    clearInterval(timer);
  }
}

timedTest("1,000 offers that nobody connects with neither stay nor disturb the viewer that is playing", async () => {
  await using server = await startServerProcess([
    testPipeline("fast_generator"),
    "--webrtc-connect-timeout-seconds",
    "1",
  ]);
  await using viewer = await connectViewer(server.url);
  await eventually("frames arrive", () => viewer.frames > 2 * FPS);
  await openAndClose(server.url, WARM_UP);
  await onlyOneIsLeft(server.url);
  const before = { descriptors: server.descriptors(), memory: server.memory(), threads: server.threads() };

  const begin = performance.now();
  const { statuses, slowestMs } = await flood(server.url, FLOOD);
  await onlyOneIsLeft(server.url);
  const end = performance.now();

  const times = pictureTimes(viewer, { begin, end });
  const gap = Math.max(...times.map((time, index) => time - (times[index - 1] ?? begin)));
  const due = (end - begin) / 1000 * FPS;
  const after = { descriptors: server.descriptors(), memory: server.memory(), threads: server.threads() };
  const grown = (after.memory - before.memory) / 2 ** 20;
  console.log(
    `${[...statuses].map(([status, count]) => `${status}: ${count}`).join(", ")} in ${
      ((end - begin) / 1000).toFixed(1)
    }` +
      ` s; slowest answer ${slowestMs.toFixed(0)} ms; longest gap ${gap.toFixed(0)} ms; ${times.length} of` +
      ` ${due.toFixed(0)} pictures; descriptors ${before.descriptors} → ${after.descriptors}, threads` +
      ` ${before.threads} → ${after.threads}, memory ${grown.toFixed(1)} MiB more`,
  );
  assert.deepEqual([...statuses.keys()].sort(), [200, 503]);
  assert.ok((statuses.get(503) ?? 0) > FLOOD / 2, "most found no place");
  assert.ok(slowestMs < 1000, `the slowest answer took ${slowestMs.toFixed(0)} ms`);
  assert.ok(gap < GAP_LIMIT, `the longest gap was ${gap.toFixed(0)} ms`);
  assert.ok(times.length >= 0.95 * due, `${times.length} of ${due.toFixed(0)} pictures arrived`);
  assert.ok(after.descriptors - before.descriptors <= CONCURRENCY, `${before.descriptors} → ${after.descriptors}`);
  assert.ok(after.threads - before.threads <= 2, `threads ${before.threads} → ${after.threads}`);
  assert.ok(grown < 64, `resident memory grew by ${grown.toFixed(1)} MiB`);
});
