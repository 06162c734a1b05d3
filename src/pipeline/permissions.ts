import { StreamError } from "../errors.ts";
import { imagescriptReadUrls } from "./imagescript_files.ts";
import { type ModuleGraph, pipelineFolder } from "./module_graph.ts";
import { fromFileUrl, relative, sep } from "./paths.ts";

/** How much a pipeline may do. */
export type SecurityLevel = "strict" | "standard" | "permissive";

/** What the operator granted on top of the level. */
export interface Grants {
  /** Absolute paths. */
  readonly read: readonly string[];
  /** Hosts with or without port. */
  readonly net: readonly string[];
  /** Absolute paths of video files that the host may decode for the pipeline. */
  readonly media: readonly string[];
}

/** What one pipeline gets: the worker's Deno permissions and what the host may open for it. */
export interface PipelinePermissions {
  readonly level: SecurityLevel;
  readonly worker: Deno.PermissionOptions;
  /** Whether the host may open this file (real path) on the pipeline's behalf. */
  mayOpen(realPath: string): boolean;
  /** The permission set in a few words, for people. */
  readonly summary: string;
}

/**
 * Decides what a pipeline gets.
 *
 * @throws StreamError `invalid_config` when a grant does not go with the level
 */
export async function permissionsFor(
  level: SecurityLevel,
  graph: ModuleGraph,
  grants: Grants,
): Promise<PipelinePermissions> {
  const media = new Set(await realPaths(grants.media));
  if (level === "permissive") {
    return { level, worker: "inherit", mayOpen: () => true, summary: "everything the server may do" };
  }
  if (level === "strict") {
    refuseGrants(grants);
    const read = [...await withRealPaths(graph.files), ...packagePaths()];
    return {
      level,
      worker: { ...NOTHING, read },
      mayOpen: (path) => media.has(path),
      summary: `read its own ${count(graph.files.length, "module")}; no network, environment, programs or native code`,
    };
  }
  const folder = await Deno.realPath(pipelineFolder(graph.entry));
  const folders = [folder, ...await realPaths(grants.read)];
  const net = grants.net.length === 0 ? false : [...grants.net];
  const read = [...await withRealPaths(graph.files), ...folders, ...grants.read, ...packagePaths()];
  const extra = grants.read.length === 0 ? "" : ` and ${grants.read.join(", ")}`;
  return {
    level,
    worker: { ...NOTHING, read, net },
    mayOpen: (path) => media.has(path) || folders.some((root) => isWithin(root, path)),
    summary: `read ${folder}${extra}; ${net === false ? "no network" : `connect to ${net.join(", ")}`}; ` +
      `no environment, programs or native code`,
  };
}

const NOTHING = {
  read: false,
  write: false,
  net: false,
  env: false,
  run: false,
  sys: false,
  ffi: false,
  import: false,
} as const;

function refuseGrants(grants: Grants): void {
  const given = [grants.read.length > 0 ? "--allow-read" : "", grants.net.length > 0 ? "--allow-net" : ""];
  const flags = given.filter((flag) => flag !== "").join(" and ");
  if (flags === "") return;
  throw new StreamError(
    "invalid_config",
    `security level strict takes no ${flags}; add --security-level standard, or leave it out`,
  );
}

/** The drawing package, which every pipeline may import. */
function packagePaths(): string[] {
  return imagescriptReadUrls().map(fromFileUrl);
}

/** Paths as they were given and, where links are in the way, as they really are: Deno asks for either. */
async function withRealPaths(paths: readonly string[]): Promise<string[]> {
  return [...new Set([...paths, ...await realPaths(paths)])];
}

async function realPaths(paths: readonly string[]): Promise<string[]> {
  return await Promise.all(paths.map((path) => Deno.realPath(path)));
}

/** Whether a path is a folder's or lies below it. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith(`..${sep}`) && way !== ".." && !way.startsWith(sep));
}

function count(number: number, noun: string): string {
  return number === 1 ? noun : `${number} ${noun}s`;
}
