/**
 * Images, made by buildah in a store of their own below `dist/`: the base image by debootstrap under the name that the
 * Dockerfile has for it, and what the Dockerfile makes of it.
 *
 * @module
 */

import { DIST, ROOT } from "../package/build.ts";
import { exists, must } from "../package/programs.ts";

/** Where store, base and mounts lie. */
const FOLDER = `${DIST}container/`;
const STORE = ["--root", `${FOLDER}store`, "--runroot", `${FOLDER}run`];
/** What Debian leaves out of its own slim images as well. */
const NOT_IN_BASE = [
  "./dev/*",
  "./usr/share/doc/*",
  "./usr/share/info/*",
  "./usr/share/locale/*",
  "./usr/share/man/*",
  "./var/cache/apt/*",
  "./var/lib/apt/lists/*",
  "./var/log/*",
];

/** What a runtime takes from the configuration of an image. */
export interface ImageConfig {
  readonly env: Readonly<Record<string, string>>;
  /** Program and arguments: entry point and command. */
  readonly command: readonly string[];
  /** The program of the health check with its arguments. */
  readonly health: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number };
  readonly folder: string;
  readonly stopSignal: string;
  /** For example `40000/udp`. */
  readonly ports: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** How an image is built. */
export interface BuildOptions {
  readonly target: string;
  readonly tag: string;
  /** Whether the build sees no network but loopback. */
  readonly offline?: boolean;
}

/** The names of base images in the Dockerfile, each once. */
export async function baseNames(): Promise<readonly string[]> {
  const text = await Deno.readTextFile(`${ROOT}Dockerfile`);
  const names = [...text.matchAll(/^ARG (?:BASE|BUILD)_IMAGE=(\S+)$/gm)].map(([, name]) => name as string);
  return [...new Set(names)];
}

/** Makes what is missing of the base images. Returns how long it took in seconds, 0 when all were there. */
export async function provideBases(): Promise<number> {
  const begun = performance.now();
  let made = false;
  for (const name of await baseNames()) {
    if (await succeeds([...STORE, "inspect", "--type", "image", name])) continue;
    await makeBase(name);
    made = true;
  }
  return made ? (performance.now() - begun) / 1000 : 0;
}

/** Builds a target of the Dockerfile. Returns how long it took in seconds. */
export async function build({ target, tag, offline = false }: BuildOptions): Promise<number> {
  const begun = performance.now();
  const registry = Deno.env.get("NPM_CONFIG_REGISTRY");
  const authority = Deno.env.get("NODE_EXTRA_CA_CERTS");
  const args = [
    ...STORE,
    "build",
    ...["--isolation", "chroot", "--format", "docker", "--layers", "--pull-never"],
    ...(registry === undefined ? [] : ["--build-arg", `NPM_CONFIG_REGISTRY=${registry}`]),
    ...(authority === undefined ? [] : ["--secret", `id=ca,src=${authority}`]),
    ...["--target", target, "--tag", tag, ROOT],
  ];
  if (offline) await must(["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", "buildah", ...args]);
  else await buildah(...args);
  return (performance.now() - begun) / 1000;
}

/** Reads what an image says of its start. */
export async function configOf(image: string): Promise<ImageConfig> {
  const { Docker: { config } } = JSON.parse(await buildah(...STORE, "inspect", "--type", "image", image));
  const [kind, ...health] = config.Healthcheck?.Test ?? [];
  if (kind !== "CMD") throw new Error(`${image} has no health check that is a program: ${kind}`);
  const [uid, gid] = String(config.User).split(":").map(Number);
  if (!uid || !gid) throw new Error(`${image} names no numeric user but root: ${config.User}`);
  return {
    env: Object.fromEntries(config.Env.map((line: string) => line.split(/=(.*)/s).slice(0, 2))),
    command: [...config.Entrypoint ?? [], ...config.Cmd ?? []],
    health,
    user: { uid, gid },
    folder: config.WorkingDir || "/",
    stopSignal: config.StopSignal ?? "SIGTERM",
    ports: Object.keys(config.ExposedPorts ?? {}),
    labels: config.Labels ?? {},
  };
}

/** The size of an image's layers, unpacked, as buildah says it. */
export async function sizeOf(image: string): Promise<string> {
  const [entry] = JSON.parse(await buildah(...STORE, "images", "--json", image));
  return entry.size;
}

/** A container's root folder, mounted for as long as it is not disposed of. */
export async function mount(image: string): Promise<AsyncDisposable & { readonly root: string }> {
  const container = (await buildah(...STORE, "from", "--pull-never", image)).trim();
  return {
    root: (await buildah(...STORE, "mount", container)).trim(),
    async [Symbol.asyncDispose]() {
      await buildah(...STORE, "umount", container);
      await buildah(...STORE, "rm", container);
    },
  };
}

/** Removes containers, which a build that failed leaves, and images that nothing is made of any more. */
export async function tidy(): Promise<void> {
  await buildah(...STORE, "rm", "--all");
  await buildah(...STORE, "rmi", "--prune");
}

/** Removes all images; the folder that debootstrap made stays. */
export async function removeImages(): Promise<void> {
  await buildah(...STORE, "rm", "--all");
  await buildah(...STORE, "rmi", "--all", "--force");
}

async function makeBase(name: string): Promise<void> {
  const suite = /:([a-z]+)/.exec(name)?.[1];
  if (suite === undefined) throw new Error(`${name} does not say which Debian it is`);
  const folder = `${FOLDER}${suite}`;
  if (!await exists(folder)) {
    const part = `${folder}.part`;
    await must(["rm", "-rf", part]);
    await must(["debootstrap", "--variant=minbase", suite, part]);
    await Deno.rename(part, folder);
  }
  const archive = `${folder}.tar`;
  const left = NOT_IN_BASE.map((pattern) => `--exclude=${pattern}`);
  await must(["tar", "--create", "--numeric-owner", ...left, "--file", archive, "--directory", folder, "."]);
  const container = (await buildah(...STORE, "from", "scratch")).trim();
  await buildah(...STORE, "add", container, archive, "/");
  await buildah(
    ...STORE,
    "config",
    "--env",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    container,
  );
  await buildah(...STORE, "commit", "--rm", container, name);
  await Deno.remove(archive);
}

async function buildah(...args: readonly string[]): Promise<string> {
  return await must(["buildah", ...args]);
}

async function succeeds(args: readonly string[]): Promise<boolean> {
  return (await new Deno.Command("buildah", { args: [...args], stdout: "null", stderr: "null" }).output()).success;
}
