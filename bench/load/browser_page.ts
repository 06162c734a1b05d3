import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { z } from "zod";
import { CHROMIUM, CHROMIUM_FLAGS } from "../../tests/support/chromium.ts";

const ARGS = [
  ...CHROMIUM_FLAGS,
  "--mute-audio",
  // The candidates are the loopback's addresses, as addresses: no other network and no mDNS takes part.
  "--allow-loopback-in-peer-connection",
  "--disable-features=WebRtcHideLocalIpsWithMdns",
];

const totalsSchema = z.object({
  at: z.number(),
  framesReceived: z.number(),
  framesDecoded: z.number(),
  bytesReceived: z.number(),
  packetsLost: z.number(),
});

/** Sums over all open sessions; `at` is the page's clock in ms. */
export type PageTotals = z.infer<typeof totalsSchema>;

/** What an offer carries beside the SDP. */
export type OfferFields = Readonly<Record<string, string | number>>;

/** Starts a headless Chromium; the caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: CHROMIUM, args: ARGS, headless: true });
}

/** One page that holds all viewers of one server. */
export class BrowserPage implements AsyncDisposable {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Opens a page of the server's own origin, so that its requests need no permission from the server. */
  static async open(browser: Browser, origin: string): Promise<BrowserPage> {
    const page = await browser.newPage({ bypassCSP: true });
    await page.addInitScript({ path: join(import.meta.dirname!, "page_client.js") });
    await page.goto(`${origin}/v1/service/ready`);
    return new BrowserPage(page);
  }

  /** Opens that many sessions, one after the other. */
  async openSessions(count: number, fields: OfferFields): Promise<void> {
    await this.#call("open", count, fields);
  }

  async totals(): Promise<PageTotals> {
    return totalsSchema.parse(await this.#call("totals"));
  }

  /** Milliseconds from the start of a connect to its first presented picture. The session is closed again. */
  async firstFrameMs(fields: OfferFields): Promise<number> {
    return z.number().parse(await this.#call("firstFrame", fields));
  }

  async closeSessions(): Promise<void> {
    await this.#call("closeAll");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.close();
  }

  async #call(name: string, ...args: (number | OfferFields)[]): Promise<unknown> {
    return await this.#page.evaluate(`streamBench.${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`);
  }
}
