import assert from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import { CHROMIUM, CHROMIUM_FLAGS, FAKE_CAMERA_FLAGS } from "./chromium.ts";

/** A page of a fresh headless Chromium, closed with it. */
export interface TestPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors that the page threw. */
  readonly errors: readonly string[];
}

/**
 * Opens a page; with a made-up camera and microphone that need no permission, if wanted, and with more flags of
 * Chromium's.
 *
 * @param options.executablePath what to start in the place of Debian's Chromium
 */
export async function openPage(
  url: string,
  { camera = false, flags = [], executablePath = CHROMIUM }: {
    camera?: boolean;
    flags?: readonly string[];
    executablePath?: string;
  } = {},
): Promise<TestPage> {
  const args = [...CHROMIUM_FLAGS, ...(camera ? FAKE_CAMERA_FLAGS : []), ...flags];
  const browser: Browser = await chromium.launch({ executablePath, args });
  // What tests wait for in words, a page under its policy would not evaluate; content_policy_test.ts is about the policy.
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, bypassCSP: true });
  const errors: string[] = [];
  page.on("pageerror", (error) => void errors.push(error.message));
  await page.goto(url);
  return { page, errors, [Symbol.asyncDispose]: () => browser.close() };
}

/** What the test pages' scripts put on the window for the tests. */
interface Probe {
  connect(url: string, fields: Record<string, unknown>): Promise<{ sessionId: string; firstFrameMs: number }>;
  stats(): Promise<{ frames: number; audioEnergy: number; codec: string; state: string; width: number }>;
  pixel(x: number, y: number): [number, number, number];
  frameNumber(): number;
  close(): Promise<void>;
}

/** Adds a small viewer of the tests' own to a page: no part of the product is between the test and the browser. */
export async function addProbe(page: Page): Promise<void> {
  await page.addScriptTag({ path: new URL("./probe.js", import.meta.url).pathname });
}

/** Calls a function of the probe in the page. */
export async function callProbe<K extends keyof Probe>(
  page: Page,
  name: K,
  ...args: Parameters<Probe[K]>
): Promise<Awaited<ReturnType<Probe[K]>>> {
  return await page.evaluate(
    ([name, args]) => {
      const { probe } = globalThis as unknown as { probe: Record<string, (...args: unknown[]) => unknown> };
      return probe[name]?.(...args);
    },
    [name, args] as [string, unknown[]],
  ) as Awaited<ReturnType<Probe[K]>>;
}

/** Waits until something in the page holds. */
export async function eventuallyInPage(what: string, holds: () => Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!await holds()) {
    if (performance.now() > end) assert.fail(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
