import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { openPage } from "../support/browser.ts";
import { addBusyCamera, addClient, callClient } from "../support/client_page.ts";
import { ImpairedLink } from "../support/impaired_link.ts";
import { routeThroughLink } from "../support/link_page.ts";
import { startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";

/** A gap between presented pictures that counts as frozen, in milliseconds. */
const FROZEN_MS = 200;
const BITRATE = 4_000_000;
/** Longest time that a browser may take to try out a wider way with its camera, in milliseconds: it alone decides that. */
const CLIMB_MS = 40_000;

/** Notes the times between pictures. */
const WATCH = `(() => {
  const video = document.querySelector("video");
  globalThis.gaps = [];
  let before = 0;
  const shown = (_now, { presentationTime }) => {
    if (before > 0) gaps.push(presentationTime - before);
    before = presentationTime;
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
})()`;

/** Takes transport-wide feedback out of the page's offers. */
async function offerRembAlone(page: Page): Promise<void> {
  await page.route("**/v1/stream/webrtc/offer", async (route) => {
    const body = JSON.parse(route.request().postData() ?? "{}");
    const lines = String(body.sdp).split("\r\n").filter((line) => !/transport-cc|transport-wide-cc/.test(line));
    await route.fallback({ postData: JSON.stringify({ ...body, sdp: lines.join("\r\n") }) });
  });
}

/** What goes through the link. */
interface CallOptions {
  readonly pipeline?: "busy" | "half_busy" | "two_way_busy";
  readonly effort?: "fast" | "balanced";
  /** Whether the viewer offers no better feedback. */
  readonly rembAlone?: boolean;
}

/** A busy picture at 4 Mbit/s through a link; real Chromium, H.264. */
async function openCall(
  settings: Parameters<ImpairedLink["set"]>[0],
  { pipeline = "busy", effort = "balanced", rembAlone = false }: CallOptions = {},
) {
  const stack = new AsyncDisposableStack();
  const flags = { webrtcVideoBitrate: String(BITRATE), encoderEffort: effort };
  const server = stack.use(await startTestServer(testPipeline(pipeline), flags));
  const { page } = stack.use(await openPage(`${server.url}/v1/service/health`));
  const link = stack.use(new ImpairedLink({ seed: 11 }));
  link.set(settings);
  await routeThroughLink(page, link);
  if (rembAlone) await offerRembAlone(page);
  await addClient(page);
  await page.evaluate(WATCH);
  await callClient(page, "connect", { bidirectional: pipeline === "two_way_busy" });
  await page.waitForTimeout(6000);
  return {
    link,
    page,
    /** Watches for that long. */
    async watch(seconds: number): Promise<{ frozen: number; longest: number; pictures: number }> {
      await page.evaluate("gaps.length = 0");
      await page.waitForTimeout(seconds * 1000);
      const gaps = await page.evaluate<number[]>("gaps");
      const frozen = gaps.filter((gap) => gap > FROZEN_MS).reduce((sum, gap) => sum + gap, 0) / 1000 / seconds;
      return { frozen, longest: Math.max(0, ...gaps), pictures: gaps.length };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Bit/s that were sent in a stretch of tenths of seconds. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The way to the viewer is 0.8 Mbit/s wide for ten seconds, then 8. */
async function narrow({ link, watch }: Awaited<ReturnType<typeof openCall>>) {
  const begin = link.slots("down").length;
  link.set({ rate: 800_000 });
  const first = await watch(3);
  const settled = await watch(7);
  const after = link.slots("down").slice(begin + 30);
  link.set({ rate: 8_000_000 });
  const rates = after.map(({ sent }) => sent);
  const sent = mean(rates.slice(0, 10));
  const longestQueue = Math.max(...after.map(({ queueDelay }) => queueDelay));
  const longestFreeze = Math.max(first.longest, settled.longest);
  console.log(
    `longest freeze ${Math.round(longestFreeze)} ms; ${(mean(rates) / 1e6).toFixed(2)} Mbit/s, queue at most ` +
      `${Math.round(1000 * longestQueue)} ms after 3 s`,
  );
  return { sent, longestQueue, longestFreeze };
}

for (const [loss, limit] of [[0.05, 0.02], [0.1, 0.08]] as const) {
  timedTest(
    `${100 * loss} % loss and 40 ms: the picture is frozen less than ${100 * limit} % of the time`,
    async () => {
      await using call = await openCall({ delay: 0.04, loss });
      const { frozen, longest, pictures } = await call.watch(Deno.env.get("TELEFUSER_LONG") === undefined ? 20 : 60);
      const sent = mean(call.link.slots("down").slice(-150).map(({ sent }) => sent));
      console.log(
        `frozen ${(100 * frozen).toFixed(2)} %, longest gap ${Math.round(longest)} ms, ${pictures} pictures, ` +
          `${(sent / 1e6).toFixed(1)} Mbit/s sent`,
      );
      assert.ok(frozen < limit, `frozen ${100 * frozen} % of the time`);
      assert.ok(sent > 0.5 * BITRATE, `only ${sent} bit/s are sent: loss without a queue is no reason`);
    },
  );
}

const STEPS: readonly (CallOptions & { readonly title: string; readonly wanted: number })[] = [
  { title: "4", pipeline: "busy", wanted: 3e6 },
  { title: "the camera offered, 4", pipeline: "two_way_busy", wanted: 3e6 },
  // Begins without rate control, and cannot do without it where the way is narrow.
  { title: "at the least effort, 2", pipeline: "half_busy", effort: "fast", wanted: 1.5e6 },
];

for (const { title, wanted, ...options } of STEPS) {
  timedTest(
    `${title} to 0.8 Mbit/s and back: under the limit in 3 s, a short queue, no freeze above 1 s, back in 15 s`,
    async () => {
      await using call = await openCall({ delay: 0.02, rate: 5_000_000 }, options);
      const before = mean(call.link.slots("down").slice(-20).map(({ sent }) => sent));
      assert.ok(before > wanted, `${before} bit/s to begin with`);
      const { sent, longestQueue, longestFreeze } = await narrow(call);
      const back = call.link.slots("down").length;
      await call.watch(15);
      const up = call.link.slots("down").slice(back);
      const backAt = up.findIndex((_, index) => {
        return index >= 10 && mean(up.slice(index - 10, index).map(({ sent }) => sent)) > wanted;
      });
      console.log(
        `${(before / 1e6).toFixed(1)} Mbit/s before; above ${wanted / 1e6} Mbit/s after ${(backAt / 10).toFixed(1)} s`,
      );
      assert.ok(sent < 800_000, `${sent} bit/s after 3 s`);
      assert.ok(longestQueue < 0.3, `a queue of ${longestQueue} s`);
      assert.ok(longestFreeze < 1000, `frozen for ${longestFreeze} ms`);
      assert.ok(backAt > 0, `not above ${wanted} bit/s within 15 s`);
    },
  );
}

// REMB alone comes later, and a browser lets it grow by 8 % a second.
timedTest(
  "a viewer that has REMB alone, 4 to 0.8 Mbit/s: under the limit in 3 s, a short queue, no freeze above 1.5 s",
  async () => {
    await using call = await openCall({ delay: 0.02, rate: 5_000_000 }, { pipeline: "two_way_busy", rembAlone: true });
    const { sent, longestQueue, longestFreeze } = await narrow(call);
    await call.watch(20);
    const back = mean(call.link.slots("down").slice(-10).map(({ sent }) => sent));
    console.log(`${(back / 1e6).toFixed(2)} Mbit/s twenty seconds later`);
    assert.ok(sent < 800_000, `${sent} bit/s after 3 s`);
    assert.ok(longestQueue < 0.3, `a queue of ${longestQueue} s`);
    assert.ok(longestFreeze < 1500, `frozen for ${longestFreeze} ms`);
    assert.ok(back > 1_200_000, `only ${back} bit/s when there is room again`);
  },
);

timedTest(
  "the camera through 4, then 0.4 Mbit/s, and back: under the limit in 3 s, little lost, a short queue, then more again",
  async () => {
    await using call = await openCall({ delay: 0.02, rate: 4_000_000 }, { pipeline: "two_way_busy" });
    const { link } = call;
    await addBusyCamera(call.page);
    await callClient(call.page, "sendBusyCamera");
    await call.watch(8);
    const before = mean(link.slots("up").slice(-20).map(({ sent }) => sent));
    link.set({ rate: 400_000 }, "up");
    const begin = link.slots("up").length;
    await call.watch(12);
    const low = link.slots("up").slice(begin);
    const { overflowed } = link.counters("up");
    const sent = mean(low.slice(30, 60).map(({ sent }) => sent));
    // What stands counts: one burst of the browser's was a queue of 0.28 s for a moment.
    const queues = low.slice(60).map(({ queueDelay }) => queueDelay).sort((a, b) => a - b);
    const standingQueue = queues[queues.length >> 1] ?? Number.NaN;
    link.set({ rate: 4_000_000 }, "up");
    const recent = () => mean(link.slots("up").slice(-20).map(({ sent }) => sent));
    const wide = performance.now();
    do await call.watch(2); while (recent() <= 450_000 && performance.now() - wide < CLIMB_MS);
    const back = recent();
    const climbed = (performance.now() - wide) / 1000;
    console.log(
      `${(before / 1e6).toFixed(2)} Mbit/s, ${(sent / 1e6).toFixed(2)} while narrow with a queue of ` +
        `${Math.round(1000 * standingQueue)} ms (median) after 6 s, ${(back / 1e6).toFixed(2)} again after ` +
        `${climbed.toFixed()} s; ` +
        `${overflowed} packets lost to the queue`,
    );
    assert.ok(before > 1_000_000, `only ${before} bit/s of camera: nothing to make narrower`);
    assert.ok(sent < 400_000, `${sent} bit/s after 3 s`);
    // By REMB, which goes by loss alone, they are some 800.
    assert.ok(overflowed < 300, `${overflowed} packets are lost to the queue`);
    assert.ok(standingQueue < 0.15, `a queue of ${standingQueue} s stands`);
    assert.ok(back > 450_000, `only ${back} bit/s when there is room again`);
  },
);
