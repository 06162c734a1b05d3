import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { CHROMIUM, CHROMIUM_FLAGS, FAKE_CAMERA_FLAGS } from "../support/chromium.ts";
import { eventuallyInPage } from "../support/browser.ts";
import { startTestServer, testPipeline } from "../support/test_server.ts";

/** Pages, the pipeline that each is for, and whether a stream can be watched on it. */
const PAGES = [
  ["/", "flash_and_beep", false],
  ["/demo/player", "flash_and_beep", true],
  ["/demo/arrow", "two_way_ticking", true],
  ["/demo/bidirectional", "two_way_ticking", true],
] as const;

for (const [path, pipeline, streams] of PAGES) {
  Deno.test(`${path} works under its content policy without a word on the console`, async () => {
    await using server = await startTestServer(testPipeline(pipeline));
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [...CHROMIUM_FLAGS, ...FAKE_CAMERA_FLAGS],
    });
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        // What the page asked about its session just before the session was closed.
        if (message.location().url.endsWith("/status")) return;
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.addInitScript(() => {
        const violations: string[] = [];
        Object.assign(globalThis, { violations });
        globalThis.addEventListener("securitypolicyviolation", (event) => {
          const { violatedDirective, blockedURI } = event as Event & { violatedDirective: string; blockedURI: string };
          violations.push(`${violatedDirective} ${blockedURI}`);
        });
      });
      const response = await page.goto(server.url + path);
      assert.match(response?.headers()["content-security-policy"] ?? "", /script-src 'self'/);
      if (streams) {
        await page.click("#connect");
        await eventuallyInPage("the picture runs", async () => {
          return await page.evaluate(() => {
            const { document } = globalThis as unknown as {
              document: { querySelector(name: string): { currentTime: number } };
            };
            return document.querySelector("#video").currentTime > 0.5;
          });
        }, 20_000);
        await page.click("#stop");
      } else {
        await eventuallyInPage("the server is shown", async () => (await page.textContent("#version")) !== "–");
      }
      await page.evaluate(() => {
        // What the policy is for: a script that got into the page does not run.
        const { document } = globalThis as unknown as {
          document: { body: { append(node: unknown): void }; createElement(name: string): { textContent: string } };
        };
        const script = document.createElement("script");
        script.textContent = "globalThis.broken = true";
        document.body.append(script);
      });
      let seen = { broken: false, violations: [] as string[] };
      await eventuallyInPage("the page is told of the violation", async () => {
        seen = await page.evaluate(() => {
          const { broken, violations } = globalThis as unknown as { broken?: boolean; violations: string[] };
          return { broken: broken === true, violations };
        });
        return seen.broken || seen.violations.length > 0;
      });
      const { broken, violations } = seen;
      assert.equal(broken, false);
      assert.deepEqual(violations, ["script-src-elem inline"], "nothing but the test's own script was stopped");
      assert.deepEqual(complaints.filter((text) => !text.includes("inline script")), []);
    } finally {
      await browser.close();
    }
  });
}
