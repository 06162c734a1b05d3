import type { Page } from "playwright-core";
import type { ImpairedLink } from "./impaired_link.ts";

/**
 * Puts a link between a page and the server: from now on the page learns the link's addresses in the place of the
 * server's, in answers and in ICE fragments, and the server none of the page's.
 */
export async function routeThroughLink(page: Page, link: ImpairedLink): Promise<void> {
  await page.route("**/v1/stream/webrtc/**", async (route) => {
    const request = route.request();
    const sent = request.postData();
    if (sent === null || request.method() === "OPTIONS") return await route.continue();
    const isFragment = request.headers()["content-type"]?.startsWith("application/trickle-ice-sdpfrag") === true;
    const response = await route.fetch({ postData: isFragment ? withoutCandidates(sent) : withoutCandidatesOf(sent) });
    const text = await response.text();
    if (!response.ok() || text === "") return await route.fulfill({ response, body: text });
    if (isFragment) return await route.fulfill({ response, body: link.rewrite(text) });
    const answer = JSON.parse(text);
    const body = typeof answer.sdp === "string" ? { ...answer, sdp: link.rewrite(answer.sdp) } : answer;
    await route.fulfill({ response, json: body });
  });
}

function withoutCandidatesOf(offer: string): string {
  const body = JSON.parse(offer);
  return JSON.stringify(typeof body.sdp === "string" ? { ...body, sdp: withoutCandidates(body.sdp) } : body);
}

/** An SDP or an ICE fragment without the ways to whoever wrote it. */
export function withoutCandidates(sdp: string): string {
  return sdp.split("\r\n").filter((line) => !line.startsWith("a=candidate:")).join("\r\n");
}
