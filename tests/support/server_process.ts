const root = new URL("../../", import.meta.url).pathname;

/** Longest wait until the pipeline runs. */
const READY_LIMIT_MS = 20_000;

/** A server in a process of its own, whose memory and descriptors can be read. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Resident memory in bytes. */
  memory(): number;
  /** Open descriptors: files, sockets, timers' event loops. */
  descriptors(): number;
  /** Threads. */
  threads(): number;
}

/** Starts the server as a user does and waits until it is ready. */
export async function startServerProcess(args: readonly string[]): Promise<ServerProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "stream-serve", ...args, "--host", "127.0.0.1", "--port", "0"],
    cwd: root,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let url: string | undefined;
  while (url === undefined) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the server did not start: ${text}`);
    text += value;
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
  }
  await reader.cancel();
  for (const end = performance.now() + READY_LIMIT_MS;;) {
    const response = await fetch(`${url}/v1/service/ready`);
    await response.body?.cancel();
    if (response.ok) break;
    if (performance.now() > end) {
      child.kill("SIGKILL");
      throw new Error(`the server is not ready after ${READY_LIMIT_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { pid } = child;
  return {
    url,
    pid,
    memory: () => statusField(pid, "VmRSS") * 1024,
    descriptors: () => [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    threads: () => statusField(pid, "Threads"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

function statusField(pid: number, name: string): number {
  const line = Deno.readTextFileSync(`/proc/${pid}/status`).split("\n").find((one) => one.startsWith(`${name}:`));
  return Number(line?.split(/\s+/)[1]);
}
