import { delay } from "./delay.ts";

const READY_SECONDS = 30;
const STOP_SECONDS = 5;
const KEPT_OUTPUT = 4000;

/** A program to start and where it will answer. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly origin: string;
  readonly cwd: string;
}

/** A running server; disposing ends it by its process id. */
export class ServerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #output = "";
  #ended = false;

  private constructor(command: ServerCommand) {
    const { program, args, env, cwd } = command;
    this.#child = new Deno.Command(program, {
      args: [...args],
      env: { ...env },
      cwd,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child.status.then(() => this.#ended = true);
    this.#reading = Promise.all([this.#keep(this.#child.stdout), this.#keep(this.#child.stderr)]);
  }

  /**
   * Starts the program and waits until `GET /v1/service/ready` answers 200.
   *
   * @throws with the program's last output when it ends or stays silent
   */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    const server = new ServerProcess(command);
    try {
      await server.#waitReady(command.origin);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The end of what the server printed. */
  get output(): string {
    return this.#output.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      this.#child.kill("SIGTERM");
      await Promise.race([this.#child.status, delay(STOP_SECONDS)]);
    }
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#reading;
  }

  async #waitReady(origin: string): Promise<void> {
    const until = performance.now() + READY_SECONDS * 1000;
    while (performance.now() < until) {
      if (this.#ended) throw new Error(`the server ended at once:\n${this.output}`);
      if (await isReady(origin)) return;
      await delay(0.1);
    }
    throw new Error(`the server was not ready after ${READY_SECONDS} s:\n${this.output}`);
  }

  async #keep(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    }
  }
}

async function isReady(origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/v1/service/ready`);
    await response.body?.cancel();
    return response.status === 200;
  } catch (error) {
    // Nobody listens yet.
    if (error instanceof TypeError) return false;
    throw error;
  }
}
