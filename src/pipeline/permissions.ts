import { StreamError } from "../errors.ts";
import { imagescriptReadUrls } from "./imagescript_files.ts";
import { isWithin, type ModuleGraph, pipelineFolder } from "./module_graph.ts";
import { isBelowNodeModules } from "./node_modules.ts";
import { pathsWithin } from "./own_paths.ts";
import { fromFileUrl } from "./paths.ts";
import {
  type GrantKind,
  type PermissionKind,
  type PermissionSource,
  SECURITY_LEVELS,
  type SecurityLevel,
} from "./security_levels.ts";

/** What the operator granted on top of the level. */
export interface Grants {
  /** Absolute paths. */
  readonly read: readonly string[];
  /** Hosts with or without port. */
  readonly net: readonly string[];
  /** Names of environment variables. */
  readonly env: readonly string[];
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

/** What stands in for built-in modules. */
const STAND_INS = ["module", "process", "v8"].map((name) => new URL(`./${name}_module.ts`, import.meta.url));

const KINDS: readonly PermissionKind[] = ["read", "write", "net", "env", "run", "sys", "ffi", "import"];

/** How each kind is called where it is denied; `write` and `sys` go without saying. */
const DENIED_WORDS: ReadonlyMap<PermissionKind, string> = new Map([
  ["net", "network"],
  ["env", "environment"],
  ["run", "programs"],
  ["ffi", "native code"],
]);

/**
 * Decides what a pipeline gets: what {@link SECURITY_LEVELS} says, filled in for this pipeline and these grants. Nothing
 * that the pipeline says makes it more.
 *
 * @throws StreamError `invalid_config` when a grant does not go with the level
 */
export async function permissionsFor(
  level: SecurityLevel,
  graph: ModuleGraph,
  grants: Grants,
): Promise<PipelinePermissions> {
  refuseGrants(level, grants);
  const media = new Set(await realPaths(grants.media));
  const { worker } = SECURITY_LEVELS[level];
  if (worker === "inherit") {
    return { level, worker, mayOpen: () => true, summary: "everything the server may do" };
  }
  const needsFolder = worker.read?.includes("folder") === true;
  const sources = await resolveSources({ graph, grants, needsFolder });
  const options = Object.fromEntries(KINDS.map((kind) => {
    const list = [...new Set((worker[kind] ?? []).flatMap((source) => sources[source](kind)))];
    return [kind, list.length === 0 ? false : list];
  })) as Deno.PermissionOptionsObject;
  const folders = (worker.read ?? []).flatMap((source) =>
    source === "folder" || source === "grants" ? sources[source]("read") : []
  );
  return {
    level,
    worker: options,
    mayOpen: (path) => media.has(path) || folders.some((root) => isWithin(root, path)),
    summary: summarize({
      options,
      grants,
      folder: needsFolder ? await Deno.realPath(pipelineFolder(graph.entry)) : undefined,
      modules: graph.files.length,
    }),
  };
}

/** What each source of a permission is for this pipeline. */
async function resolveSources(
  { graph, grants, needsFolder }: { graph: ModuleGraph; grants: Grants; needsFolder: boolean },
): Promise<Record<PermissionSource, (kind: PermissionKind) => readonly string[]>> {
  const folder = await Deno.realPath(pipelineFolder(graph.entry));
  const entry = await Deno.realPath(graph.entry);
  const granted = await realPaths(grants.read);
  const roots = [folder, pipelineFolder(entry), ...granted];
  const modules: string[] = [];
  for (const path of graph.files) {
    const real = await Deno.realPath(path);
    // What a pipeline imports from elsewhere is not its own, and what Deno takes for a package is nobody's to import.
    if (isBelowNodeModules(path) || isBelowNodeModules(real)) continue;
    if (roots.some((root) => isWithin(root, real))) modules.push(path, real);
  }
  const provided = [...imagescriptReadUrls(), ...STAND_INS].map(fromFileUrl);
  const own = needsFolder ? await pathsWithin(folder, roots) : [];
  return {
    modules: () => modules,
    provided: () => provided,
    folder: () => own,
    grants: (kind) =>
      kind === "read" ? [...grants.read, ...granted] : kind === "net" ? grants.net : kind === "env" ? grants.env : [],
  };
}

function summarize(
  { options, grants, folder, modules }: {
    options: Deno.PermissionOptionsObject;
    grants: Grants;
    folder: string | undefined;
    modules: number;
  },
): string {
  const own = modules === 1 ? "module" : `${modules} modules`;
  const read = folder === undefined ? `its own ${own}` : [folder, ...grants.read].join(" and ");
  const denied = [...DENIED_WORDS].filter(([kind]) => options[kind] === false).map(([, words]) => words);
  const [last, ...others] = denied.toReversed();
  const no = others.length === 0 ? last : `${others.toReversed().join(", ")} or ${last}`;
  return [
    `read ${read}`,
    ...(Array.isArray(options.net) ? [`connect to ${options.net.join(", ")}`] : []),
    ...(Array.isArray(options.env) ? [`read the variables ${options.env.join(", ")}`] : []),
    `no ${no}`,
  ].join("; ");
}

/** @throws StreamError `invalid_config` when a grant does not go with the level */
export function refuseGrants(level: SecurityLevel, grants: Grants): void {
  const kinds: readonly GrantKind[] = ["read", "net", "env"];
  const taken = SECURITY_LEVELS[level].grants;
  const flags = kinds.filter((kind) => grants[kind].length > 0 && !taken.includes(kind)).map((kind) =>
    `--allow-${kind}`
  );
  if (flags.length === 0) return;
  throw new StreamError(
    "invalid_config",
    `security level ${level} takes no ${flags.join(" and ")}; add --security-level standard, or leave it out`,
  );
}

async function realPaths(paths: readonly string[]): Promise<string[]> {
  return await Promise.all(paths.map((path) => Deno.realPath(path)));
}
