/**
 * What is built: where, of which commit, and from when it is said to be.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { thisPlatform } from "./npm_packages.ts";

/** Folder of the checkout, with `/` at the end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Where everything that is built goes. */
export const DIST = `${ROOT}dist/`;

/** What of the checkout goes into a build as it is. */
export const COPIED = ["main.ts", "src", "static", "pipelines"] as const;

/** What `build.json` in a stage says. */
export interface Build {
  readonly version: string;
  /** The commit, with `+changes` when the checkout differed from it; `unknown` outside a repository. */
  readonly commit: string;
  /** For example `linux-x64`. */
  readonly target: string;
}

/** What is built of the checkout as it is. */
export async function buildOf({ commit }: { commit?: string | undefined } = {}): Promise<Build> {
  const { version }: { version: string } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const { os, cpu } = thisPlatform();
  return { version, commit: commit ?? await commitOf(), target: `${os}-${cpu}` };
}

/**
 * When what is built is said to have been made, in ISO 8601 to the second: `SOURCE_DATE_EPOCH`, else the time of the
 * commit; undefined where there is neither.
 */
export async function timeOf(commit: string): Promise<string | undefined> {
  const epoch = Deno.env.get("SOURCE_DATE_EPOCH") ??
    await git("show", "--no-patch", "--format=%ct", commit.replace(/\+changes$/, ""));
  return epoch === null || !/^\d+$/.test(epoch) ? undefined : new Date(Number(epoch) * 1000).toISOString();
}

async function commitOf(): Promise<string> {
  const commit = await git("rev-parse", "HEAD");
  if (commit === null) return "unknown";
  const changes = await git("status", "--porcelain", "--", ...COPIED, "deno.json", "deno.lock", "scripts/package");
  return changes === "" ? commit : `${commit}+changes`;
}

async function git(...args: string[]): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("git", { args, cwd: ROOT, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
