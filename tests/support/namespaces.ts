/** Debian's iproute2. */
export const IP = "/usr/sbin/ip";

const NAME = /^tf-(\d+)-(left|middle|right)$/;

/** Whether tests with namespaces are left out: without root there can be none, which an automatic run may not pass over. */
export const CANNOT_MAKE_NAMESPACES = Deno.uid() !== 0 && Deno.env.get("CI") === undefined;

/** Which of the three. */
export type Place = "left" | "middle" | "right";

/** A command's end. */
export interface CommandResult {
  readonly success: boolean;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Addresses of the two networks: left and middle share one, middle and right the other. */
export const ADDRESSES = {
  left: "10.203.1.1",
  /** The middle's, as the left sees it. */
  middleLeft: "10.203.1.2",
  /** The middle's, as the right sees it. */
  middleRight: "10.203.2.2",
  right: "10.203.2.1",
} as const;

/**
 * Three network namespaces in a row. Left and right each reach the middle and nothing else: the middle passes no packet
 * on, so only a program in it, a relay say, can join the two. Needs root.
 */
export class Namespaces implements AsyncDisposable {
  readonly #children = new Set<Deno.ChildProcess>();
  readonly #launchers: string[] = [];

  private constructor() {}

  /** @throws Error with the words of `ip` when it is refused */
  static async make(): Promise<Namespaces> {
    await removeForsaken();
    await using stack = new AsyncDisposableStack();
    const namespaces = stack.use(new Namespaces());
    for (const place of ["left", "middle", "right"] as const) {
      await ip(["netns", "add", nameOf(place)]);
      await ip(["-n", nameOf(place), "link", "set", "lo", "up"]);
    }
    await join("left", { inner: ADDRESSES.left, outer: ADDRESSES.middleLeft });
    await join("right", { inner: ADDRESSES.right, outer: ADDRESSES.middleRight });
    const forwarding = await namespaces.run("middle", ["sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward"]);
    if (!forwarding.success) throw new Error(`the middle may pass packets on: ${forwarding.stderr}`);
    stack.move();
    return namespaces;
  }

  /** The name that `ip netns` knows it by. */
  name(place: Place): string {
    return nameOf(place);
  }

  /** The command line that runs a command inside one. */
  commandIn(place: Place, command: readonly string[]): readonly string[] {
    return [IP, "netns", "exec", nameOf(place), ...command];
  }

  /** Runs a command inside one to its end. */
  async run(place: Place, command: readonly string[]): Promise<CommandResult> {
    return await runToEnd(this.commandIn(place, command));
  }

  /** Starts a command inside one; it is killed with the namespaces if it still runs. */
  start(
    place: Place,
    command: readonly string[],
    options: Pick<Deno.CommandOptions, "cwd" | "env" | "stdin" | "stdout" | "stderr"> = {},
  ): Deno.ChildProcess {
    const [program = "", ...args] = this.commandIn(place, command);
    const child = new Deno.Command(program, { ...options, args }).spawn();
    this.#children.add(child);
    void child.status.then(() => this.#children.delete(child));
    return child;
  }

  /**
   * A program that runs another one inside, for those that start a browser by its path; it is removed with the namespaces.
   *
   * @returns its path
   */
  async launcher(place: Place, program: string): Promise<string> {
    const path = await Deno.makeTempFile({ prefix: "launcher-", suffix: ".sh" });
    this.#launchers.push(path);
    await Deno.writeTextFile(path, `#!/bin/sh\nexec ${this.commandIn(place, [program]).join(" ")} "$@"\n`);
    await Deno.chmod(path, 0o755);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#children];
    for (const child of children) killIfThere(child);
    await Promise.all(children.map((child) => child.status));
    await Promise.all(this.#launchers.map((path) => Deno.remove(path)));
    await removeOf(Deno.pid);
  }
}

/** Kills a process that may have ended by itself. */
export function killIfThere(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has ended by itself.
  }
}

/** Joins a namespace to the middle by a pair of virtual devices. */
async function join(place: "left" | "right", { inner, outer }: { inner: string; outer: string }): Promise<void> {
  const ends = [
    { name: nameOf(place), device: "middle0", address: inner },
    { name: nameOf("middle"), device: `${place}0`, address: outer },
  ] as const;
  const [near, far] = ends;
  await ip(
    ["-n", near.name, "link", "add", near.device, "type", "veth", "peer", "name", far.device, "netns", far.name],
  );
  for (const { name, device, address } of ends) {
    await ip(["-n", name, "address", "add", `${address}/24`, "dev", device]);
    await ip(["-n", name, "link", "set", device, "up"]);
  }
}

/** Removes what tests left behind whose process is gone. */
async function removeForsaken(): Promise<void> {
  const pids = new Set((await existing()).map((name) => Number(NAME.exec(name)?.[1])));
  for (const pid of pids) if (!isAlive(pid)) await removeOf(pid);
}

async function removeOf(pid: number): Promise<void> {
  for (const name of await existing()) if (Number(NAME.exec(name)?.[1]) === pid) await ip(["netns", "delete", name]);
}

/** Names of all namespaces of tests. */
async function existing(): Promise<string[]> {
  const lines = (await ip(["netns", "list"])).split("\n");
  return lines.map((line) => line.split(" ")[0] ?? "").filter((name) => NAME.test(name));
}

function isAlive(pid: number): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function nameOf(place: Place): string {
  return `tf-${Deno.pid}-${place}`;
}

async function ip(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await runToEnd([IP, ...args]);
  if (!success) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
  return stdout;
}

async function runToEnd([program = "", ...args]: readonly string[]): Promise<CommandResult> {
  const { success, code, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  return { success, code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}
