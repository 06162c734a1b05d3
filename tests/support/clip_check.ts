import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { addProbe, callProbe } from "./browser.ts";

/**
 * Connects a page to a server that replays the clip and looks on for three seconds: pixels change, the number in the
 * picture goes up evenly, sound is heard. The connection is closed at the end.
 */
export async function checkClip(page: Page, url: string): Promise<void> {
  await addProbe(page);
  await callProbe(page, "connect", url, {});
  const numbers: number[] = [];
  const pixels = new Set<string>();
  for (let sample = 0; sample < 12; sample++) {
    await page.waitForTimeout(250);
    numbers.push(await callProbe(page, "frameNumber"));
    pixels.add((await callProbe(page, "pixel", 320, 100)).join());
  }
  assert.ok(pixels.size > 3, `the picture moves: ${[...pixels].join(" ")}`);
  for (const [index, number] of numbers.entries()) {
    const before = numbers[index - 1];
    if (before === undefined) continue;
    const step = (number - before + 480) % 480;
    assert.ok(step >= 2 && step <= 16, `every sample is about 6 frames on: ${numbers.join(" ")}`);
  }
  const total = ((numbers.at(-1) ?? 0) - (numbers[0] ?? 0) + 480) % 480;
  assert.ok(total >= 55 && total <= 90, `24 frames a second over 2.75 s and more: ${total}`);
  const stats = await callProbe(page, "stats");
  assert.ok(stats.audioEnergy > 0, "sound is heard");
  assert.equal(stats.codec, "video/H264");
  await callProbe(page, "close");
}
