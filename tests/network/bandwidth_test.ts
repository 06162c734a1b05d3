import assert from "node:assert/strict";
import { openPage } from "../support/browser.ts";
import { addClient, callClient } from "../support/client_page.ts";
import { ImpairedLink } from "../support/impaired_link.ts";
import { routeThroughLink } from "../support/link_page.ts";
import { startTestServer, testPipeline } from "../support/test_server.ts";
import { timedTest } from "../support/undisturbed.ts";

/** A gap between presented pictures that counts as frozen, in milliseconds. */
const FROZEN_MS = 200;
const BITRATE = 4_000_000;

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

/** A busy picture at 4 Mbit/s through a link; real Chromium, H.264. */
async function openCall(settings: Parameters<ImpairedLink["set"]>[0], { twoWay = false } = {}) {
  const stack = new AsyncDisposableStack();
  const flags = { webrtcVideoBitrate: String(BITRATE) };
  const server = stack.use(await startTestServer(testPipeline(twoWay ? "two_way_busy" : "busy"), flags));
  const { page } = stack.use(await openPage(`${server.url}/v1/service/health`));
  const link = stack.use(new ImpairedLink({ seed: 11 }));
  link.set(settings);
  await routeThroughLink(page, link);
  await addClient(page);
  await page.evaluate(WATCH);
  await callClient(page, "connect", { bidirectional: twoWay });
  await page.waitForTimeout(6000);
  return {
    link,
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

// A pipeline that takes the camera hears of the network by REMB alone: later, and it climbs again more slowly.
timedTest(
  "4 to 0.8 Mbit/s with the camera offered: under the limit in 3 s, a short queue, no freeze above 1.5 s",
  async () => {
    await using call = await openCall({ delay: 0.02, rate: 5_000_000 }, { twoWay: true });
    const { link } = call;
    const begin = link.slots("down").length;
    link.set({ rate: 800_000 });
    const low = await call.watch(10);
    const after = link.slots("down").slice(begin + 30);
    link.set({ rate: 8_000_000 });
    await call.watch(10);
    const back = mean(link.slots("down").slice(-10).map(({ sent }) => sent));
    const sent = mean(after.slice(0, 10).map(({ sent }) => sent));
    const longestQueue = Math.max(...after.map(({ queueDelay }) => queueDelay));
    console.log(
      `longest freeze ${Math.round(low.longest)} ms; ${(sent / 1e6).toFixed(2)} Mbit/s, queue at most ` +
        `${Math.round(1000 * longestQueue)} ms after 3 s; ${(back / 1e6).toFixed(2)} Mbit/s ten seconds later`,
    );
    assert.ok(sent < 800_000, `${sent} bit/s after 3 s`);
    assert.ok(longestQueue < 0.3, `a queue of ${longestQueue} s`);
    assert.ok(low.longest < 1500, `frozen for ${low.longest} ms`);
    assert.ok(back > 1_200_000, `only ${back} bit/s when there is room again`);
  },
);

timedTest(
  "4 to 0.8 Mbit/s and back: under the limit in 3 s, a short queue, no freeze above 1 s, back in 15 s",
  async () => {
    await using call = await openCall({ delay: 0.02, rate: 5_000_000 });
    const { link } = call;
    const begin = link.slots("down").length;
    link.set({ rate: 800_000 });
    const first = await call.watch(3);
    const settled = await call.watch(7);
    const low = link.slots("down").slice(begin);
    const after = low.slice(30);
    const longestQueue = Math.max(...after.map(({ queueDelay }) => queueDelay));
    link.set({ rate: 8_000_000 });
    const back = link.slots("down").length;
    await call.watch(15);
    const up = link.slots("down").slice(back);
    const backAt = up.findIndex((_, index) =>
      index >= 10 && mean(up.slice(index - 10, index).map(({ sent }) => sent)) > 3e6
    );
    console.log(
      `longest freeze ${Math.round(Math.max(first.longest, settled.longest))} ms; ` +
        `${(mean(after.map(({ sent }) => sent)) / 1e6).toFixed(2)} Mbit/s, queue at most ` +
        `${Math.round(1000 * longestQueue)} ms after 3 s; above 3 Mbit/s after ${(backAt / 10).toFixed(1)} s`,
    );
    assert.ok(
      mean(after.slice(0, 10).map(({ sent }) => sent)) < 800_000,
      "the sending rate is under the limit after 3 s",
    );
    assert.ok(longestQueue < 0.3, `a queue of ${longestQueue} s`);
    assert.ok(
      Math.max(first.longest, settled.longest) < 1000,
      `frozen for ${Math.max(first.longest, settled.longest)} ms`,
    );
    assert.ok(backAt > 0, "not above 3 Mbit/s within 15 s");
  },
);
