/**
 * Builds the image as a site does that has no registry at hand, and tries it: buildah with isolation chroot, on base
 * images that debootstrap makes under the names of the Dockerfile; then the container's process as a runtime starts it,
 * from health to SIGTERM with a session open. Once from the checkout and once from dist/telefuser-packaged, the latter
 * built without a network.
 *
 * Usage, as root: deno task test:container [--only=telefuser|from-package] [--fresh]
 *
 * It needs the Debian packages buildah, debootstrap and iproute2. What debootstrap made and the layers that do not depend
 * on the sources are kept in dist/container (about 2 GB); `--fresh` builds all layers anew.
 *
 * @module
 */

import { ROOT } from "../package/build.ts";
import { type Container, startContainer } from "./container.ts";
import { build, configOf, type ImageConfig, mount, provideBases, removeImages, sizeOf, tidy } from "./images.ts";
import type { Sight } from "./look.ts";
import { must } from "../package/programs.ts";

const NAMESPACE = `tf-container-${Deno.pid}`;
/** Where the image's server is, in the namespace. */
const URL_OF_SERVER = "http://127.0.0.1:8088";
/** Longest time from SIGTERM to the end of the process, in seconds. */
const STOP_SECONDS = 5;
/** Longest time until the health check passes, in seconds. */
const START_SECONDS = 30;

/** An image that the Dockerfile makes, and what is shown from it. */
interface Case {
  readonly target: string;
  readonly offline: boolean;
  readonly shows: string;
  readonly args?: readonly string[];
  readonly volume?: { readonly from: string; readonly to: string };
}

const CASES: readonly Case[] = [
  { target: "from-package", offline: true, shows: "the example pipeline" },
  {
    target: "telefuser",
    offline: false,
    shows: "a pipeline of one's own, in a process of its own",
    args: ["stream-serve", "red_card.ts", "--isolation", "process"],
    volume: { from: `${ROOT}tests/binary/outside`, to: "/pipelines" },
  },
];

async function main(args: readonly string[]): Promise<void> {
  const only = args.find((arg) => arg.startsWith("--only="))?.slice("--only=".length);
  const cases = CASES.filter(({ target }) => only === undefined || only === target);
  if (cases.length === 0) throw new Error(`--only names ${CASES.map(({ target }) => target).join(" or ")}`);
  if (args.includes("--fresh")) await removeImages();
  const seconds = await provideBases();
  if (seconds > 0) console.log(`base images made in ${seconds.toFixed(0)} s`);
  for (const one of cases) await tryImage(one);
}

async function tryImage({ target, offline, ...start }: Case): Promise<void> {
  const image = `telefuser-test:${target}`;
  if (offline) await must([Deno.execPath(), "run", "-A", `${ROOT}scripts/package/package.ts`, "--if-stale"]);
  // What is fetched has a name of its own, so that it outlives the tidying.
  if (!offline) await build({ target: "packages", tag: "telefuser-test:packages" });
  const seconds = await build({ target, tag: image, offline });
  await tidy();
  const config = await configOf(image);
  check(config.ports.join() === "40000/udp,8088/tcp", `ports ${config.ports.join(", ")}`);
  check(await deletable(image) === 0, "nothing below /opt/telefuser may be changed by others than root");
  console.log(
    `ok  ${target}: built in ${seconds.toFixed(0)} s${offline ? " without a network" : ""}, ${await sizeOf(image)}`,
  );
  await must(["ip", "netns", "add", NAMESPACE]);
  try {
    await must(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"]);
    await tryContainer({ image, config, ...start });
  } finally {
    await must(["ip", "netns", "delete", NAMESPACE]);
  }
}

/** From the start to the end of one container. */
async function tryContainer(
  { image, config, shows, ...start }: Omit<Case, "target" | "offline"> & { image: string; config: ImageConfig },
): Promise<void> {
  const begun = performance.now();
  await using container = await startContainer({ image, config, namespace: NAMESPACE, ...start });
  const healthyAfter = await becomesHealthy({ container, config, begun });
  await checkConfinement(container, config);
  const nobody = ["telefuser", "health", "--server-url", "http://127.0.0.1:9"];
  check((await container.exec(nobody)).code === 1, "the health check fails where no server is");
  const viewer = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", NAMESPACE, Deno.execPath(), "run", "-A", "--no-prompt", "--cached-only"],
      ...[`${ROOT}scripts/container/look.ts`, URL_OF_SERVER],
    ],
    stdout: "piped",
  }).spawn();
  const viewerEnded = viewer.status;
  const sights = sightsOf(viewer.stdout);
  try {
    const seen = await next(sights, "seen");
    const stopped = performance.now();
    Deno.kill(container.pid, config.stopSignal as Deno.Signal);
    const { code } = await container.ended;
    const stopSeconds = (performance.now() - stopped) / 1000;
    const goodbye = await next(sights, "closed");
    check(goodbye.code === "shutting_down", `the viewer is told that the server stops, not ${goodbye.code}`);
    check(code === 0, `the process ends with 0, not ${code}`);
    check(
      stopSeconds < STOP_SECONDS,
      `the process ends within ${STOP_SECONDS} s, not after ${stopSeconds.toFixed(1)} s`,
    );
    console.log(
      `ok  ${shows}: healthy after ${healthyAfter.toFixed(1)} s; ${seen.pictures} pictures, the first after ` +
        `${seen.firstMs} ms; after ${config.stopSignal} the viewer is told "${goodbye.reason}", and the process is ` +
        `gone after ${stopSeconds.toFixed(2)} s`,
    );
  } finally {
    // It ends by itself, at the latest when nothing comes any more.
    await sights.return(undefined);
    await viewerEnded;
  }
}

/** Waits until the image's own health check passes. Returns after how many seconds it did. */
async function becomesHealthy(
  { container, config, begun }: { container: Container; config: ImageConfig; begun: number },
): Promise<number> {
  let isOver = false;
  void container.ended.then(() => isOver = true);
  while (!isOver && performance.now() - begun < START_SECONDS * 1000) {
    if ((await container.exec(config.health)).success) return (performance.now() - begun) / 1000;
  }
  throw new Error(isOver ? "the container's process has ended" : `not healthy after ${START_SECONDS} s`);
}

/** Holds the process to what a careful site demands of it. */
async function checkConfinement(container: Container, { user }: ImageConfig): Promise<void> {
  const uids = container.status("Uid").split(/\s+/).map(Number);
  check(uids.every((uid) => uid === user.uid), `it runs as ${user.uid}, not ${uids.join()}`);
  check(/^0+$/.test(container.status("CapEff")), `it has no capabilities: ${container.status("CapEff")}`);
  check(container.status("NSpid").endsWith("\t1"), `it is process 1: ${container.status("NSpid")}`);
  check((await container.exec(["test", "-d", "/tmp"])).success, "programs can be run in the container");
  check(!(await container.exec(["touch", "/tmp/file"])).success, "its root file system is read-only");
}

/** How many files of the server, or folders, somebody else than root owns or may write to. */
async function deletable(image: string): Promise<number> {
  await using mounted = await mount(image);
  const places = ["/opt/telefuser", "/usr/local/bin/telefuser"].map((path) => `${mounted.root}${path}`);
  const rule = ["(", "-not", "-uid", "0", "-or", "-perm", "/022", "-not", "-type", "l", ")"];
  const found = await must(["find", ...places, ...rule]);
  return found.split("\n").length - 1;
}

async function* sightsOf(output: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Sight> {
  let text = "";
  for await (const part of output.pipeThrough(new TextDecoderStream())) {
    const lines = `${text}${part}`.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}

async function next<K extends Sight["kind"]>(sights: AsyncGenerator<Sight>, kind: K): Promise<Sight & { kind: K }> {
  const { value } = await sights.next();
  if (value?.kind !== kind) throw new Error(`the viewer has not ${kind}: ${JSON.stringify(value)}`);
  return value as Sight & { kind: K };
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

if (import.meta.main) await main(Deno.args);
