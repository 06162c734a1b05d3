/**
 * Runs what an image says as a container runtime does it: as process 1 of its own process namespace, as the image's
 * user without a right more, on a root file system that nobody can write to, with the image's environment.
 *
 * @module
 */

import { type ImageConfig, mount } from "./images.ts";

/** What is run, and where. */
export interface ContainerOptions {
  readonly image: string;
  readonly config: ImageConfig;
  /** A network namespace, made by `ip netns add`. */
  readonly namespace: string;
  /** Arguments instead of the image's command. */
  readonly args?: readonly string[];
  /** A folder outside that takes the place of one inside, to be read only. */
  readonly volume?: { readonly from: string; readonly to: string };
}

/** A container that runs. */
export interface Container extends AsyncDisposable {
  /** The server's process outside. */
  readonly pid: number;
  readonly ended: Promise<Deno.CommandStatus>;
  /** Runs a program inside, as `docker exec` does. */
  exec(program: readonly string[]): Promise<Deno.CommandStatus>;
  /** What the kernel says of the process, by the name of the field. */
  status(field: string): string;
}

/** Mounts and enters: nothing of it is seen outside, and all of it goes with the process. */
const ENTER = `
set -e
root=$1 from=$2 to=$3
shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
[ -z "$from" ] || mount --bind -o ro "$from" "$root$to"
mount -o remount,bind,ro "$root"
exec "$@"
`;

/** Starts the image's process. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const { image, config: { env, command, user, folder }, namespace, args, volume } = options;
  await using stack = new AsyncDisposableStack();
  const { root } = stack.use(await mount(image));
  const [entry = "", ...rest] = command;
  const child = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", namespace],
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"],
      ...["sh", "-c", ENTER, "sh", root, volume?.from ?? "", volume?.to ?? ""],
      ...["setpriv", "--no-new-privs", "unshare", `--root=${root}`, `--wd=${folder}`],
      ...[`--setgid=${user.gid}`, `--setuid=${user.uid}`],
      ...[entry, ...args ?? rest],
    ],
    env: { HOME: "/", ...env },
    clearEnv: true,
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const ended = child.status;
  let isOver = false;
  void ended.then(() => isOver = true);
  const pid = await childOf(child.pid, () => isOver);
  stack.defer(async () => {
    // Process 1 of the namespace: with it go all others, and `unshare`, which waits for it.
    if (!isOver) Deno.kill(pid, "SIGKILL");
    await ended;
  });
  const moved = stack.move();
  return {
    pid,
    ended,
    exec: ([program = "", ...more]) =>
      new Deno.Command("nsenter", {
        args: [
          ...[`--target=${pid}`, "--mount", "--pid", "--net", "--root", "--wd"],
          ...[`--setgid=${user.gid}`, `--setuid=${user.uid}`, program, ...more],
        ],
        env: { HOME: "/", ...env },
        clearEnv: true,
        stdout: "null",
        stderr: "null",
      }).spawn().status,
    status: (field) => statusOf(pid, field),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** Waits for the process that a process forks. */
async function childOf(pid: number, isOver: () => boolean): Promise<number> {
  for (let attempt = 0; attempt < 200 && !isOver(); attempt++) {
    const child = Number((await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).trim());
    if (child > 0) return child;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the container's process did not start");
}

function statusOf(pid: number, field: string): string {
  const lines = Deno.readTextFileSync(`/proc/${pid}/status`).split("\n");
  return lines.find((line) => line.startsWith(`${field}:`))?.slice(field.length + 1).trim() ?? "";
}
