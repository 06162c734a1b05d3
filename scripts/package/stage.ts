/**
 * Makes `dist/stage/`: all that the server needs at run time and nothing else, from which both executables are made.
 *
 * The npm packages lie in a `node_modules` of the stage, so that nothing is looked for in a cache of Deno's or fetched;
 * deno.json names them as the checkout does. What is written depends on the checkout alone.
 *
 * @module
 */

import { type Build, buildOf, COPIED, DIST, ROOT, timeOf } from "./build.ts";
import { writeNotices } from "./notice.ts";
import { type Lock, lockFor, type Platform, thisPlatform } from "./npm_packages.ts";
import { shipsFromPackage } from "./shipped_files.ts";

/** Fields of deno.json that hold at run time. */
const CONFIG_FIELDS = ["name", "version", "exports", "unstable", "scopes", "compilerOptions"] as const;

/** A stage that has been made. */
export interface Stage {
  /** Its folder, with `/` at the end. */
  readonly folder: string;
  readonly build: Build;
  /** The codec library, relative to the folder. */
  readonly nativeFile: string;
}

/** The fields of deno.json used here. */
interface Config {
  readonly version: string;
  readonly imports: Readonly<Record<string, string>>;
  readonly scopes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Makes the stage anew. */
export async function makeStage({ commit }: { commit?: string | undefined } = {}): Promise<Stage> {
  const folder = `${DIST}stage/`;
  await removeFolder(folder);
  await Deno.mkdir(folder, { recursive: true });
  for (const name of COPIED) await copy(`${ROOT}${name}`, `${folder}${name}`);
  const staged = await stagedConfig();
  const lock = await lockOf(staged, thisPlatform());
  await writeJson(`${folder}deno.json`, staged);
  await writeJson(`${folder}deno.lock`, lock);
  await installPackages(folder);
  await prune(`${folder}node_modules`, "");
  // Nothing is resolved any more, so nothing is to be checked or written.
  await writeJson(`${folder}deno.json`, { ...staged, lock: false });
  await writeJson(`${folder}deno.lock`, lock);
  const build = await buildOf({ commit });
  await writeJson(`${folder}build.json`, build);
  await writeNotices(folder, { lock, build, time: await timeOf(build.commit) });
  return { folder, build, nativeFile: `node_modules/@seydx/node-av-${build.target}/node-av.node` };
}

/** The part of deno.lock that ships, as a stage has it, without making one. */
export async function shippedLock(platform: Platform = thisPlatform()): Promise<Lock> {
  return await lockOf(await stagedConfig(), platform);
}

/** Absolute paths of all files of a folder, sorted. */
export async function filesIn(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder.replace(/\/$/, "")}/${name}`;
    if (isDirectory) files.push(...await filesIn(path));
    else files.push(path);
  }
  return files.toSorted();
}

/** The names of the import map that the sources mention. */
async function usedPackages(names: readonly string[]): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  const folders = COPIED.filter((name) => !name.endsWith(".ts"));
  const files = await Promise.all(folders.map((name) => filesIn(`${ROOT}${name}`)));
  for (const path of [`${ROOT}main.ts`, ...files.flat()]) {
    if (!path.endsWith(".ts")) continue;
    const source = await Deno.readTextFile(path);
    for (const name of names) if (source.includes(`"${name}"`) || source.includes(`"${name}/`)) used.add(name);
  }
  return used;
}

/** The deno.json of a stage. */
async function stagedConfig(): Promise<Config & Record<string, unknown>> {
  const config: Config = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const used = await usedPackages(Object.keys(config.imports));
  // A name for a file of ours may be there for pipelines only.
  const isNeeded = ([name, target]: [string, string]) => !target.startsWith("npm:") || used.has(name);
  const imports = Object.fromEntries(Object.entries(config.imports).filter(isNeeded));
  const fields = Object.entries(config).filter(([name]) => (CONFIG_FIELDS as readonly string[]).includes(name));
  return {
    ...Object.fromEntries(fields) as unknown as Config,
    imports,
    // A root of its own: no deno.json in a folder above has a say.
    workspace: [],
    nodeModulesDir: "manual",
    nodeModulesLinker: "hoisted",
  };
}

function specifiersOf({ imports, scopes }: Config): string[] {
  const all = [imports, ...Object.values(scopes)].flatMap((map) => Object.values(map));
  return [...new Set(all.filter((target) => target.startsWith("npm:")))];
}

/** Lays out `node_modules` from what Deno has cached. */
async function installPackages(folder: string): Promise<void> {
  const args = ["install", "--quiet", "--cached-only", "--entrypoint", "main.ts"];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder, stdout: "null" }).output();
  if (success) return;
  throw new Error(`the packages are not all cached; run deno install\n${new TextDecoder().decode(stderr)}`);
}

/** Removes what does not ship. The files may be links to Deno's cache, so none is changed. */
async function prune(folder: string, name: string): Promise<void> {
  for await (const entry of Deno.readDir(`${folder}${name}`)) {
    const inside = `${name}/${entry.name}`;
    const path = `${folder}${inside}`;
    if (entry.isDirectory && !entry.name.startsWith(".")) {
      await prune(folder, inside);
      if ([...Deno.readDirSync(path)].length === 0) await Deno.remove(path);
    } else if (!shipsFromPackage(inside.slice(1), thisPlatform())) {
      await Deno.remove(path, { recursive: true });
    }
  }
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    if (!name.startsWith(".") && !name.endsWith("~")) await copy(`${from}/${name}`, `${to}/${name}`);
  }
}

async function lockOf(staged: Config, platform: Platform): Promise<Lock> {
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  return lockFor(specifiersOf(staged), { lock, platform });
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
