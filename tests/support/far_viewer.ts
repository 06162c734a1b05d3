import { addClient, callClient, type ScriptedPage, seesAndHears } from "./client_page.ts";
import { openFirefoxPage } from "./firefox.ts";
import type { Namespaces, Place } from "./namespaces.ts";

/** One end of the way that is used, as the browser reports it; its own address may be hidden. */
export interface WayEnd {
  readonly candidateType: string;
  readonly protocol: string;
  readonly address?: string;
  readonly port: number;
}

/** How a stream plays. */
export interface Playing {
  /** What the page says about the way. */
  readonly words: string;
  readonly local: WayEnd;
  readonly remote: WayEnd;
  /** From the call of `connect()` to the first picture on the screen. */
  readonly firstPictureMs: number;
}

const SCRIPT = `(async () => {
  const { readSample, statsBetween } = await import("/static/telefuser-stats.js");
  const { wayText } = await import("/static/path.js");
  const sample = readSample(await viewer.peer().getStats());
  const end = ({ candidateType, protocol, address, port }) => ({ candidateType, protocol, address, port });
  return {
    words: wayText(statsBetween(sample, null)),
    local: end(sample.local),
    remote: end(sample.remote),
    firstPictureMs: Math.round(await firstPicture),
  };
})()`;

/** Connects with the client library, waits for moving picture and sound, and says how it plays. */
export async function play(page: ScriptedPage, options: Record<string, unknown> = {}): Promise<Playing> {
  await addClient(page);
  await page.evaluate(`(() => {
    const began = performance.now();
    globalThis.firstPicture = new Promise((resolve) => {
      document.querySelector("video").requestVideoFrameCallback(() => resolve(performance.now() - began));
    });
  })()`);
  await callClient(page, "connect", options);
  await seesAndHears(page);
  return await page.evaluate(SCRIPT) as Playing;
}

/**
 * Does the same in a Firefox inside a namespace, and stops. Firefox is steered over a socket of loopback, so the program
 * that steers it runs in there as well.
 */
export async function playInFirefox(namespaces: Namespaces, { place, url }: { place: Place; url: string }) {
  const command = ["timeout", "60", Deno.execPath(), "run", "-A", "--no-prompt", import.meta.filename ?? "", url];
  const { success, stdout, stderr } = await namespaces.run(place, command);
  if (!success) throw new Error(`Firefox does not play: ${stderr}`);
  return JSON.parse(stdout) as Playing;
}

if (import.meta.main) {
  await using browser = await openFirefoxPage(Deno.args[0] ?? "");
  const playing = await play(browser.page);
  await callClient(browser.page, "stop");
  if (browser.errors.length > 0) throw new Error(browser.errors.join("\n"));
  console.log(JSON.stringify(playing));
}
