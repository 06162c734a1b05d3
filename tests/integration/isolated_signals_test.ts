import assert from "node:assert/strict";
import { eventually, testPipeline } from "../support/test_server.ts";
import { connectViewer } from "../support/viewer.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** A server with an isolated pipeline, in a process group of its own as a terminal or a service manager starts it. */
class ServerGroup implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>[];
  /** What it printed on both outputs. */
  text = "";

  constructor(pipeline: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "main.ts", "stream-serve", testPipeline(pipeline)].concat(
        ["--isolation", "process", "--host", "127.0.0.1", "--port", "0"],
      ),
      cwd: ROOT,
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    this.#read = [this.#child.stdout, this.#child.stderr].map(async (stream) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.text += text;
    });
  }

  /** Where it listens, once its pipeline runs. */
  async ready(): Promise<string> {
    await eventually("the pipeline runs", () => this.text.includes("pipeline is running"), 30_000);
    return /http:\/\/127\.0\.0\.1:\d+/.exec(this.text)?.[0] ?? "";
  }

  /** The pipeline's process. */
  get pipelineProcess(): number {
    const [pid, ...others] = processes().filter(({ parent }) => parent === this.#child.pid);
    assert.ok(pid !== undefined && others.length === 0);
    return pid.pid;
  }

  /** Sends a signal to the server and everything that it started. */
  signalAll(signal: Deno.Signal): void {
    Deno.kill(-this.#child.pid, signal);
  }

  /** Sends a signal to the server alone. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** How it ended, with everything printed. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    await Promise.all(this.#read);
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.signalAll("SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error; // All have ended.
    }
    await this.ended();
  }
}

/** All processes that have not ended, with their parents. */
function processes(): { pid: number; parent: number }[] {
  const numbers = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Number.isInteger);
  return numbers.flatMap((pid) => {
    try {
      const [, state, parent] = /\) (\S) (\d+) /.exec(Deno.readTextFileSync(`/proc/${pid}/stat`)) ?? [];
      return state === "Z" ? [] : [{ pid, parent: Number(parent) }];
    } catch {
      return []; // It ended while it was looked at.
    }
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} to the whole process group has the pipeline release its sessions and stop`, async () => {
    await using group = new ServerGroup("two_way_stopping");
    const url = await group.ready();
    await using viewer = await connectViewer(url, { channel: true });
    await eventually("pictures come", () => viewer.frames > 5);
    const isolated = group.pipelineProcess;
    group.signalAll(signal);
    assert.equal((await group.ended()).code, 0, group.text);
    assert.match(group.text, new RegExp(`stopping on ${signal}`));
    assert.match(group.text, /closeSession\(\) is through code=shutting_down/);
    assert.match(group.text, /stop\(\) is through/);
    assert.doesNotMatch(group.text, /ERROR|starting it anew/);
    assert.ok(!processes().some(({ pid }) => pid === isolated), "the pipeline's process is left");
  });
}

Deno.test("a pipeline that hangs ends with a server that is killed", async () => {
  await using group = new ServerGroup("misbehaving");
  const url = await group.ready();
  await using viewer = await connectViewer(url, { fields: { config: { fault: "loop" } } });
  await eventually("pictures come", () => viewer.frames > 15);
  const isolated = group.pipelineProcess;
  group.signalAll("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(processes().some(({ pid }) => pid === isolated), "it outlives the signal");
  group.signal("SIGKILL");
  await eventually("it has ended", () => !processes().some(({ pid }) => pid === isolated), 3000);
});
