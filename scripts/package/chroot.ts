/**
 * Tries the packaged file where nothing else is: a bare Debian folder made by debootstrap and entered by chroot, without
 * Deno, Node and FFmpeg. A pipeline with a module of its own is served from there, and Chromium outside shows it; then
 * once more in a network namespace that has loopback and nothing else.
 *
 * Usage, as root: deno task package && deno task test:chroot. The folder (dist/chroot, about 200 MB) is kept.
 *
 * @module
 */

import { addProbe, callProbe, openPage } from "../../tests/support/browser.ts";
import { CHROMIUM } from "../../tests/support/chromium.ts";
import { PACKAGED } from "./package.ts";
import { DIST, ROOT } from "./build.ts";
import { exists, must } from "./programs.ts";

const FOLDER = `${DIST}chroot`;
const NAMESPACE = "tf-chroot";
const PORT = 18_088;
const URL_OF_SERVER = `http://127.0.0.1:${PORT}`;
/** Where the folder's programs and its root's home are. */
const ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" };
/** Without a network Chromium offers no address otherwise: it hides them behind names that it tells the network. */
const LOOPBACK_FLAGS = ["--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns"];
/** Longest time until the server answers, in milliseconds. */
const PATIENCE_MS = 60_000;
/** Colour that the pipeline's card has at its lower end. */
const CARD: readonly number[] = [200, 40, 64];

async function main(): Promise<void> {
  if (!await exists(`${FOLDER}/bin/sh`)) await makeFolder();
  await Deno.mkdir(`${FOLDER}/srv/elsewhere/drawing`, { recursive: true });
  await Deno.copyFile(PACKAGED, `${FOLDER}/usr/local/bin/telefuser`);
  for (const name of ["red_card.ts", "drawing/card.ts"]) {
    await Deno.copyFile(`${ROOT}tests/binary/outside/${name}`, `${FOLDER}/srv/elsewhere/${name}`);
  }
  await using stack = new AsyncDisposableStack();
  await must(["mount", "-t", "proc", "proc", `${FOLDER}/proc`]);
  stack.defer(async () => void await must(["umount", `${FOLDER}/proc`]));
  for (const name of ["deno", "node", "ffmpeg"]) {
    const { success } = await command(["chroot", FOLDER, "sh", "-c", `command -v ${name}`]).output();
    if (success) throw new Error(`${name} is in the folder`);
  }
  await removeCache();
  await show("with the machine's network", []);
  await must(["ip", "netns", "add", NAMESPACE]);
  stack.defer(async () => void await must(["ip", "netns", "delete", NAMESPACE]));
  await must(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"]);
  await removeCache();
  await show("with loopback only", ["ip", "netns", "exec", NAMESPACE]);
}

/** Serves from inside and looks from outside; `enter` goes before both commands. */
async function show(where: string, enter: readonly string[]): Promise<void> {
  const begun = performance.now();
  const serve = [
    "/usr/local/bin/telefuser",
    "stream-serve",
    "/srv/elsewhere/red_card.ts",
    "--host",
    "127.0.0.1",
    "-p",
    `${PORT}`,
  ];
  const child = command([...enter, "chroot", FOLDER, ...serve]).spawn();
  await using stack = new AsyncDisposableStack();
  const ended = child.status;
  let isOver = false;
  void ended.then(() => isOver = true);
  stack.defer(async () => {
    if (!isOver) child.kill("SIGTERM");
    await ended;
  });
  await answers("health", { enter, ended });
  const after = ((performance.now() - begun) / 1000).toFixed(1);
  await answers("ready", { enter, ended });
  const launcher = await Deno.makeTempFile({ suffix: ".sh" });
  stack.defer(() => Deno.remove(launcher));
  await Deno.writeTextFile(launcher, `#!/bin/sh\nexec ${[...enter, CHROMIUM].join(" ")} "$@"\n`);
  await Deno.chmod(launcher, 0o755);
  const flags = enter.length === 0 ? [] : LOOPBACK_FLAGS;
  const browser = stack.use(await openPage(`${URL_OF_SERVER}/v1/service/health`, { executablePath: launcher, flags }));
  const { page } = browser;
  await addProbe(page);
  const { firstFrameMs } = await callProbe(page, "connect", URL_OF_SERVER, {});
  await page.waitForTimeout(2000);
  const { frames, codec, state } = await callProbe(page, "stats");
  const pixel = await callProbe(page, "pixel", 160, 150);
  const isCard = pixel.every((value, channel) => Math.abs(value - (CARD[channel] ?? 0)) < 12);
  if (frames < 20 || !isCard) throw new Error(`${where}: ${frames} frames, ${state}, pixel ${pixel.join(", ")}`);
  console.log(
    `ok  ${where}: first start answers after ${after} s; ${frames} pictures in ${codec}, the first after ` +
      `${firstFrameMs.toFixed(0)} ms, of the colour ${pixel.join(", ")}`,
  );
}

/** Waits until the server answers well; asks from where the browser will, in one program, which takes no time away. */
async function answers(
  what: "health" | "ready",
  { enter, ended }: { enter: readonly string[]; ended: Promise<unknown> },
): Promise<void> {
  const ask = `const isFine = () => fetch("${URL_OF_SERVER}/v1/service/${what}").then(({ ok }) => ok, () => false);
    const limit = performance.now() + ${PATIENCE_MS};
    while (!(await isFine())) {
      if (performance.now() > limit) Deno.exit(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }`;
  const asking = command([...enter, Deno.execPath(), "eval", ask]).spawn();
  const isFine = await Promise.race([asking.status.then(({ success }) => success), ended.then(() => null)]);
  if (isFine === null) asking.kill("SIGKILL");
  if (!isFine) throw new Error("the server does not answer");
}

async function makeFolder(): Promise<void> {
  const release = await Deno.readTextFile("/etc/os-release");
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] ?? "stable";
  await must(["debootstrap", "--variant=minbase", suite, FOLDER]);
}

async function removeCache(): Promise<void> {
  if (await exists(`${FOLDER}/root/.cache`)) await Deno.remove(`${FOLDER}/root/.cache`, { recursive: true });
}

function command([program = "", ...args]: readonly string[]): Deno.Command {
  return new Deno.Command(program, { args, env: ENV, clearEnv: true, stdout: "null", stderr: "null" });
}

if (import.meta.main) await main();
