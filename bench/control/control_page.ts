import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { z } from "zod";
import type { OfferFields } from "../load/browser_page.ts";

const arrowSchema = z.object({
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
  pixels: z.number(),
});

/** Where an arrow lies in the picture, and how many pixels of that area turn green. */
export type Arrow = z.infer<typeof arrowSchema>;

const sightingSchema = z.object({
  displayMs: z.number(),
  expectedDisplayMs: z.number(),
  presentedMs: z.number(),
  readMs: z.number(),
});

/**
 * Milliseconds from right before a message was sent to the first picture that shows its effect. `presentedMs` and
 * `expectedDisplayMs`: the times of that name which requestVideoFrameCallback gives. `displayMs`: the first refresh of
 * the display after the former. `readMs`: the page had read the pixels.
 */
export type Sighting = z.infer<typeof sightingSchema>;

const videoStatsSchema = z.object({
  codec: z.string(),
  framesReceived: z.number(),
  framesDecoded: z.number(),
  framesDropped: z.number(),
  bytesReceived: z.number(),
  packetsLost: z.number(),
  jitterBufferDelay: z.number(),
  jitterBufferEmittedCount: z.number(),
  totalDecodeTime: z.number(),
  totalAssemblyTime: z.number(),
  totalProcessingDelay: z.number(),
});

/** What the browser counted since the session began (W3C webrtc-stats, inbound-rtp); times in seconds, summed. */
export type VideoStats = z.infer<typeof videoStatsSchema>;

/** One press of a key. */
export interface Press {
  readonly key: string;
  /** Wait before it, in milliseconds. */
  readonly pauseMs: number;
}

/** One page with one session, which presses keys and watches the picture. */
export class ControlPage implements AsyncDisposable {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Opens a page of the server's own origin and connects it; resolves when a picture is shown. */
  static async open(browser: Browser, options: { origin: string; fields: OfferFields }): Promise<ControlPage> {
    const page = await browser.newPage({ bypassCSP: true });
    try {
      await page.goto(`${options.origin}/v1/service/ready`);
      await page.addScriptTag({ path: join(import.meta.dirname!, "page_client.js") });
      const opened = new ControlPage(page);
      await opened.#call("open", options.fields);
      return opened;
    } catch (error) {
      await page.close();
      throw error;
    }
  }

  /** Presses a key once to find its arrow. */
  async calibrate(key: string, limits: { readonly limitMs: number }): Promise<Arrow> {
    return arrowSchema.parse(await this.#call("calibrate", key, limits));
  }

  /** Presses and releases a key; null when the picture did not show it in time. */
  async press({ key, pauseMs }: Press, limits: { readonly limitMs: number }): Promise<Sighting | null> {
    return sightingSchema.nullable().parse(await this.#call("press", key, { ...limits, pauseMs }));
  }

  async stats(): Promise<VideoStats> {
    return videoStatsSchema.parse(await this.#call("stats"));
  }

  /** Milliseconds between two refreshes of the display. */
  async refreshMs(): Promise<number> {
    return z.number().parse(await this.#call("refreshMs"));
  }

  async sessionId(): Promise<string> {
    return z.string().parse(await this.#call("sessionId"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.close();
  }

  async #call(name: string, ...args: (string | OfferFields)[]): Promise<unknown> {
    return await this.#page.evaluate(`controlBench.${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`);
  }
}
