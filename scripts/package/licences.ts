/**
 * Writes NOTICE anew, or the software bill of materials alone; a stage gets both by itself.
 *
 * Usage: deno task notice; deno task sbom [--commit=<id>]
 *
 * @module
 */

import { NOTICE_TARGET, takeInventory, withCrates } from "./inventory.ts";
import { noticeText } from "./notice.ts";
import { billText } from "./sbom.ts";
import { buildOf, DIST, ROOT, timeOf } from "./build.ts";
import { shippedLock } from "./stage.ts";

/** The bill of what is built, beside it. */
export const SBOM = `${DIST}telefuser.cdx.json`;

/** What NOTICE in the checkout has to be, whatever platform this is. */
export async function noticeOfCheckout(): Promise<string> {
  const [os = "", cpu = ""] = NOTICE_TARGET.split("-");
  return await noticeText(await takeInventory(await shippedLock({ os, cpu }), NOTICE_TARGET));
}

/** The bill of what a stage made now would have. */
export async function billOfCheckout({ commit }: { commit?: string | undefined } = {}): Promise<string> {
  const [lock, build] = await Promise.all([shippedLock(), buildOf({ commit })]);
  const inventory = await takeInventory(lock, build.target);
  const runtime = await withCrates(inventory.runtime, Deno.execPath());
  return billText({ inventory: { ...inventory, runtime }, lock, build, time: await timeOf(build.commit) });
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--notice")) {
    await Deno.writeTextFile(`${ROOT}NOTICE`, await noticeOfCheckout());
    return;
  }
  const commit = args.find((arg) => arg.startsWith("--commit="))?.slice("--commit=".length);
  await Deno.mkdir(DIST, { recursive: true });
  await Deno.writeTextFile(SBOM, await billOfCheckout({ commit }));
  console.log(SBOM);
}

if (import.meta.main) await main(Deno.args);
