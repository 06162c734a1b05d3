/**
 * What ships: the npm packages of the lock file, what is built into their native files, the runtime, and the files of
 * others that lie among ours. NOTICE, the licence folder and the SBOM are made of it.
 *
 * @module
 */

import { cratesIn } from "./crates.ts";
import { nativeParts, NODE_AV_VERSION } from "./native_parts.ts";
import type { Lock } from "./npm_packages.ts";
import type { Evidence, Part } from "./parts.ts";
import { exists } from "./programs.ts";

/** All that ships. */
export interface Inventory {
  readonly packages: readonly Part[];
  readonly runtime: Part;
  readonly files: readonly Part[];
}

/** The fields of a package.json used here. */
interface Manifest {
  readonly license: string;
  readonly author?: string | { readonly name: string };
  readonly repository?: string | { readonly url: string };
}

/** The platform that NOTICE is written for, so that it is the same wherever it is made. */
export const NOTICE_TARGET = "linux-x64";

const NATIVE_PACKAGE = /^@seydx\/node-av-/;
const LICENCE_FILE = /^(?:licen[cs]e|copying|notice|copyrightnotice)/i;
/** What Deno is made of besides Rust crates, with who owns it. */
const IN_DENO: readonly Part[] = [
  runtimePart({
    name: "v8",
    version: Deno.version.v8,
    licence: "BSD-3-Clause",
    holder: "2014, the V8 project authors",
    source: "https://github.com/denoland/v8",
  }),
  runtimePart({
    name: "typescript",
    version: Deno.version.typescript,
    licence: "Apache-2.0",
    holder: "Microsoft Corporation",
    source: "https://github.com/microsoft/TypeScript",
  }),
  runtimePart({
    name: "ICU",
    licence: "Unicode-3.0",
    holder: "2016-2025 Unicode, Inc.",
    source: "https://github.com/unicode-org/icu",
  }),
  runtimePart({
    name: "SQLite",
    licence: "blessing",
    source: "https://sqlite.org",
  }),
  runtimePart({
    name: "Node.js (library in JavaScript)",
    licence: "MIT",
    holder: "Node.js contributors, Joyent, Inc. and other Node contributors",
    source: "https://github.com/nodejs/node",
  }),
];

/**
 * Takes stock.
 *
 * @param lock What ships of the lock file
 * @param target For example `linux-x64`
 * @throws Error when a package is not cached, or the table of native parts is about another release
 */
export async function takeInventory(lock: Lock, target: string): Promise<Inventory> {
  const cache = await packageCache();
  const packages: Part[] = [];
  for (const [id, { integrity, dependencies = [], optionalDependencies = [] }] of Object.entries(lock.npm)) {
    const at = id.lastIndexOf("@");
    const [name, version] = [id.slice(0, at), id.slice(at + 1)];
    const folder = `${cache}${name}/${version}/`;
    // The native package has neither author nor licence of its own, and is cached for one platform only.
    const manifest = await manifestOf(NATIVE_PACKAGE.test(name) ? `${cache}node-av/${version}/` : folder);
    const { author, repository } = manifest;
    const holder = typeof author === "string" ? author : author?.name;
    const from = typeof repository === "string" ? repository : repository?.url;
    const files = await licenceFilesOf(folder);
    packages.push({
      name,
      version,
      kind: "library",
      licence: manifest.license.replace(/^\((.*)\)$/, "$1"),
      // Where a licence file comes along, that file says whose it is.
      ...(holder === undefined || files.length > 0 ? {} : { holder: holder.replace(/ [<(].*$/, "") }),
      ...(from === undefined ? {} : { source: addressOf(from) }),
      purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      sha512: hexOf(integrity),
      evidence: { how: "manifest", what: "deno.lock" },
      licenceFiles: files.map((file) => `${folder}${file}`),
      dependencies: [...dependencies, ...optionalDependencies].map((one) => lockedId(one, lock)),
      inside: await insideOf({ name, version, folder, target }),
    });
  }
  const runtime: Part = {
    name: "deno",
    version: Deno.version.deno,
    kind: "platform",
    licence: "MIT",
    holder: "2018-2026 the Deno authors",
    source: "https://github.com/denoland/deno",
    purl: `pkg:github/denoland/deno@v${Deno.version.deno}`,
    evidence: { how: "told by the runtime", what: "Deno.version" },
    inside: IN_DENO,
  };
  return { packages, runtime, files: FILES };
}

/** The runtime with the crates that its program names. */
export async function withCrates(runtime: Part, program: string): Promise<Part> {
  return { ...runtime, inside: [...runtime.inside ?? [], ...cratesIn([["deno", await Deno.readFile(program)]])] };
}

const FILES: readonly Part[] = [{
  name: "Bricolage Grotesque ExtraBold, reduced",
  version: "1.001",
  kind: "data",
  licence: "OFL-1.1",
  holder: "2022 The Bricolage Grotesque Project Authors",
  source: "https://github.com/ateliertriay/bricolage",
  evidence: {
    how: "manifest",
    what: "pipelines/assets/README.md",
    files: ["pipelines/assets/bricolage_grotesque.ttf"],
  },
}];

function runtimePart(part: Omit<Part, "kind" | "evidence">): Part {
  const evidence: Evidence = part.version === undefined
    ? { how: "manifest", what: "source of Deno" }
    : { how: "told by the runtime", what: "Deno.version" };
  return { ...part, kind: "library", evidence };
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  readonly target: string;
}

async function insideOf({ name, version, folder, target }: Package): Promise<readonly Part[]> {
  if (NATIVE_PACKAGE.test(name)) {
    if (version === NODE_AV_VERSION) return nativeParts("node-av.node");
    throw new Error(`native_parts.ts is about node-av ${NODE_AV_VERSION}, the lock has ${version}: look at it anew`);
  }
  if (name !== "imagescript") return [];
  const [os, cpu] = target.split("-");
  const codecs = ["font", "gif", "jpeg", "png", "svg", "tiff"].map((codec) => `wasm/any/${codec}.wasm`);
  const files = [...codecs, `codecs/node/bin/${cpu}-${os}.node`];
  return cratesIn(await Promise.all(files.map(async (file) => [file, await Deno.readFile(folder + file)] as const)));
}

/** The folder under which Deno keeps npm packages, with `/` at the end. */
async function packageCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stderr: "null" }).output();
  const { npmCache }: { npmCache: string } = JSON.parse(new TextDecoder().decode(stdout));
  for await (const { name, isDirectory } of Deno.readDir(npmCache)) {
    // One folder for each registry; the packages of the lock come from one.
    if (isDirectory && await exists(`${npmCache}/${name}/node-av`)) return `${npmCache}/${name}/`;
  }
  throw new Error(`no packages are cached under ${npmCache}; run: deno install`);
}

async function manifestOf(folder: string): Promise<Manifest> {
  try {
    return JSON.parse(await Deno.readTextFile(`${folder}package.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`${folder} is not cached; run: deno install`);
    throw error;
  }
}

async function licenceFilesOf(folder: string): Promise<string[]> {
  if (!await exists(folder)) return [];
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) if (isFile && LICENCE_FILE.test(name)) names.push(name);
  return names.toSorted();
}

/** `git+https://a/b.git`, `git@a:b.git` and `b/c` as an address that a browser opens. */
function addressOf(repository: string): string {
  const path = repository.replace(/^git\+/, "").replace(/^git:/, "https:").replace(/\.git$/, "");
  const [, host, rest] = /^git@([^:]+):(.+)$/.exec(path) ?? [];
  if (host !== undefined) return `https://${host}/${rest}`;
  return path.includes("://") ? path : `https://github.com/${path}`;
}

/** `sha512-<base64>` as hex. */
function hexOf(integrity: string): string {
  const base64 = /^sha512-([\w+/]+=*)$/.exec(integrity)?.[1];
  if (base64 === undefined) throw new Error(`not a SHA-512 of a lock: ${integrity}`);
  return Uint8Array.fromBase64(base64).toHex();
}

function lockedId(dependency: string, { npm }: Lock): string {
  if (dependency in npm) return dependency;
  return Object.keys(npm).find((id) => id.slice(0, id.lastIndexOf("@")) === dependency) ?? dependency;
}
