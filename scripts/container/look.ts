/**
 * A viewer for a network namespace of its own: opens a session when the server is ready, says when pictures come, and says how the session ends.
 *
 * Usage: deno run -A look.ts <server's address>; prints one JSON value a line.
 *
 * @module
 */

import { connectViewer } from "../../tests/support/viewer.ts";

/** What a viewer says. */
export type Sight =
  /** Pictures come: how many so far, the first after that time in milliseconds. */
  | { readonly kind: "seen"; readonly pictures: number; readonly firstMs: number }
  /** The server has said goodbye. */
  | { readonly kind: "closed"; readonly code: string; readonly reason: string };

/** Pictures after which the session counts as under way. */
const PICTURES = 24;
/** Longest time to wait for anything, in milliseconds. */
const LIMIT = 30_000;

async function main(url: string): Promise<void> {
  await until(async () => {
    const response = await fetch(`${url}/v1/service/ready`);
    await response.body?.cancel();
    return response.ok;
  });
  const begun = performance.now();
  await using viewer = await connectViewer(url, { channel: true });
  await until(() => viewer.frames >= PICTURES);
  const firstMs = Math.round((viewer.video[0]?.at ?? begun) - begun);
  say({ kind: "seen", pictures: viewer.frames, firstMs });
  const goodbye = () => viewer.messages.find(({ type }) => type === "closed");
  await until(() => goodbye() !== undefined);
  say({ kind: "closed", code: String(goodbye()?.["code"]), reason: String(goodbye()?.["reason"]) });
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const limit = performance.now() + LIMIT; !await holds();) {
    if (performance.now() > limit) throw new Error("nothing comes from the server");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function say(sight: Sight): void {
  console.log(JSON.stringify(sight));
}

if (import.meta.main) {
  await main(Deno.args[0] ?? "");
  Deno.exit(0);
}
