import type { Clock } from "../async/mod.ts";
import { messageOf } from "../errors.ts";
import type { ChildGreeting } from "./child_entry.ts";
import { encodeFrame, FrameReader } from "./frames.ts";
import { Log } from "../log.ts";
import { canWatchMemory, watchMemory } from "./memory_watch.ts";
import type { LinkEvents, OpenLink, PipelineLink } from "./pipeline_link.ts";
import type { HostMessage } from "./protocol.ts";

/** Bytes of a message beside its pictures and sound: metadata, log lines, and what 100,000 pictures are called. */
const MAX_HEADER = 16 * 1024 * 1024;
/** Last bytes of what a child process wrote to standard error that are told when it is gone. */
const MAX_LAST_WORDS = 2000;

/** How the program of the child process is started. */
export interface ChildCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** What a child process is made with. */
export interface ProcessLinkOptions {
  readonly command: ChildCommand;
  readonly permissions: Deno.PermissionOptions;
  /** MiB that the process may hold; 0 for any. */
  readonly memory: number;
  /** Bytes of pictures and sound in one message. */
  readonly chunkBytes: number;
  readonly clock: Clock;
}

/**
 * Runs the pipeline's worker in a process of its own, which may be lost without harm. Where its memory cannot be watched, a
 * limit is said to be without effect.
 */
export function processLink(options: ProcessLinkOptions, canWatch: () => boolean = canWatchMemory): OpenLink {
  if (options.memory > 0 && !canWatch()) {
    new Log("pipeline").warn(
      `--pipeline-memory has no effect on ${Deno.build.os}, where it is not told what a process holds; limit the memory ` +
        "of the server as a whole, in a container or by its service manager",
    );
  }
  return (events) => new ProcessLink(options, events);
}

class ProcessLink implements PipelineLink {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #events: LinkEvents;
  readonly #memory: Disposable;
  #tail: Promise<void> = Promise.resolve();
  #lastWords = "";
  #isOver = false;
  /** Why we ended it ourselves. */
  #reason: string | undefined;

  constructor({ command, permissions, memory, chunkBytes, clock }: ProcessLinkOptions, events: LinkEvents) {
    this.#events = events;
    this.#child = new Deno.Command(command.program, {
      args: [...command.args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.name = `process ${this.#child.pid}`;
    this.#input = this.#child.stdin.getWriter();
    const greeting: ChildGreeting = { permissions, maxHeader: MAX_HEADER, maxParts: chunkBytes };
    this.#write(greeting);
    void this.#readMessages(new FrameReader({ maxHeader: MAX_HEADER, maxParts: chunkBytes }));
    void this.#readLastWords();
    void this.#child.status.then((status) => this.#ended(status));
    this.#memory = watchMemory({
      pid: this.#child.pid,
      limit: memory,
      clock,
      exceeded: (detail) => this.#kill(detail),
    });
  }

  send(message: HostMessage): void {
    this.#write(message);
  }

  close(): void {
    this.#isOver = true;
    this.#kill("");
  }

  /** @throws RangeError when the message is nested too deeply */
  #write(message: unknown): void {
    const parts = encodeFrame(message);
    this.#tail = this.#tail.then(async () => {
      for (const part of parts) await this.#input.write(part);
    }).catch(() => undefined); // It is gone: its status says why.
  }

  async #readMessages(reader: FrameReader): Promise<void> {
    try {
      for await (const bytes of this.#child.stdout) {
        for (const message of reader.read(bytes)) {
          if (!this.#isOver) this.#events.received(message);
        }
      }
    } catch (error) {
      this.#kill(`it sent something that is no message: ${messageOf(error)}`);
    }
  }

  async #readLastWords(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stderr) {
      this.#lastWords = (this.#lastWords + decoder.decode(bytes, { stream: true })).slice(-MAX_LAST_WORDS);
    }
  }

  #kill(reason: string): void {
    this.#reason ??= reason;
    this.#memory[Symbol.dispose]();
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has ended already.
    }
  }

  #ended({ code, signal }: Deno.CommandStatus): void {
    this.#memory[Symbol.dispose]();
    if (this.#isOver) return;
    this.#isOver = true;
    const how = signal === null ? `its process ended with code ${code}` : `its process was ended by ${signal}`;
    const words = this.#lastWords.trim();
    this.#events.lost(this.#reason ?? (words === "" ? how : `${how}: ${words}`));
  }
}
