/**
 * Which npm packages a staged server needs: those that its sources import and what these depend on, for one platform.
 *
 * @module
 */

/** What is read of deno.lock (version 5): packages by `name@version`, their dependencies as `name` or `name@version`. */
export interface Lock {
  readonly version: string;
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

/** One package of the lock. */
export interface LockedPackage {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly [field: string]: unknown;
}

/** A platform in npm's words. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
}

/**
 * Dependencies that are never loaded: node-av has a downloader of FFmpeg's programs and a WebRTC room of its own, and
 * only `node-av/lib` and `node-av/constants` are imported here.
 */
const NEVER_LOADED: Readonly<Record<string, readonly string[]>> = { "node-av": ["unzipper", "werift"] };

/** The platform that this runs on. */
export function thisPlatform(): Platform {
  const os = Deno.build.os === "windows" ? "win32" : Deno.build.os;
  return { os, cpu: Deno.build.arch === "aarch64" ? "arm64" : "x64" };
}

/**
 * The part of a lock that `npm:` specifiers with exact versions need.
 *
 * @throws Error when the lock lacks one
 */
export function lockFor(specifiers: readonly string[], { lock, platform }: { lock: Lock; platform: Platform }): Lock {
  const kept = new Map<string, LockedPackage>();
  const roots = specifiers.map((specifier) => specifier.replace(/^npm:/, ""));
  const queue = [...roots];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    const entry = lock.npm[id];
    if (entry === undefined) throw new Error(`deno.lock has no package ${id}; run: deno install`);
    if (kept.has(id) || !fits(entry, platform)) continue;
    const never = NEVER_LOADED[nameOf(id)] ?? [];
    const wanted = (list: readonly string[] = []) =>
      list.filter((one) => !never.includes(nameOf(one))).map((one) => idOf(one, lock))
        .filter((one) => fits(lock.npm[one], platform));
    const dependencies = wanted(entry.dependencies);
    const optionalDependencies = wanted(entry.optionalDependencies);
    const { scripts: _, dependencies: __, optionalDependencies: ___, ...rest } = entry;
    kept.set(id, {
      ...rest,
      ...(dependencies.length === 0 ? {} : { dependencies }),
      ...(optionalDependencies.length === 0 ? {} : { optionalDependencies }),
    });
    queue.push(...dependencies, ...optionalDependencies);
  }
  return {
    version: lock.version,
    specifiers: Object.fromEntries(roots.toSorted().map((id) => [`npm:${id}`, id.slice(nameOf(id).length + 1)])),
    npm: Object.fromEntries([...kept].toSorted(([one], [other]) => one < other ? -1 : 1)),
  };
}

function fits(entry: LockedPackage | undefined, { os, cpu }: Platform): boolean {
  return (entry?.os?.includes(os) ?? true) && (entry?.cpu?.includes(cpu) ?? true);
}

/** `@a/b@1.2.3` and `@a/b` are of `@a/b`. */
function nameOf(id: string): string {
  const at = id.indexOf("@", 1);
  return at === -1 ? id : id.slice(0, at);
}

/** The key of a dependency; one without a version has only one in the lock. */
function idOf(dependency: string, lock: Lock): string {
  if (dependency in lock.npm) return dependency;
  return Object.keys(lock.npm).find((id) => nameOf(id) === dependency) ?? dependency;
}
