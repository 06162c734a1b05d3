/**
 * The program of the child process in which a pipeline may be isolated: it starts the pipeline's worker with the
 * permissions that it is told, and passes messages on between the worker's port and the pipes to the server.
 *
 * @module
 */

import { encodeFrame, FrameReader } from "./frames.ts";
import { workerLink } from "./worker_link.ts";
import type { HostMessage } from "./protocol.ts";

/** The command of the executable that runs this; for the server's own use. */
export const PIPELINE_CHILD = "pipeline-child";

/** The first message to a child process. */
export interface ChildGreeting {
  /** Permissions of the pipeline's worker. */
  readonly permissions: Deno.PermissionOptions;
  /** Bytes of a header, and of all parts of a message, that the server takes. */
  readonly maxHeader: number;
  readonly maxParts: number;
}

/** Messages that may wait for the server. */
const MAX_WAITING = 1000;
/** Bytes of a header, and of all parts of a message, from the server: as many as a frame can tell; the server is trusted. */
const MAX_LENGTH = 2 ** 32 - 1;

/** Runs until the server closes the pipe, the worker is lost, or the process is ended. */
export async function runChild(): Promise<void> {
  outliveSignals();
  const output = Deno.stdout.writable.getWriter();
  const input = new FrameReader({ maxHeader: MAX_LENGTH, maxParts: MAX_LENGTH });
  let waiting = 0;
  let tail = Promise.resolve();
  /** Writes in order; the worker is ended when the server cannot keep up. */
  function pass(message: unknown): void {
    if (++waiting > MAX_WAITING) end(`the pipeline floods the server: over ${MAX_WAITING} messages wait`);
    const parts = encodeFrame(message);
    tail = tail.then(async () => {
      for (const part of parts) await output.write(part);
      waiting--;
    });
  }
  function end(detail: string): never {
    Deno.stderr.writeSync(new TextEncoder().encode(`${detail}\n`));
    Deno.exit(1);
  }
  let link: ReturnType<ReturnType<typeof workerLink>> | undefined;
  for await (const bytes of Deno.stdin.readable) {
    for (const message of input.read(bytes)) {
      if (link === undefined) {
        const { permissions } = message as ChildGreeting;
        link = workerLink(permissions)({ received: pass, lost: (detail) => end(detail) });
      } else {
        link.send(message as HostMessage, buffersOf(message));
      }
    }
  }
  Deno.exit(0);
}

/**
 * What asks the server to stop reaches its children as well: Ctrl-C all programs of a terminal, a service manager all of
 * a service. The server has the pipeline release its sessions and stop first, then it ends the child.
 */
function outliveSignals(): void {
  const signals = Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] as const : ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, () => undefined);
}

/** The memory of a message's parts, which moves on with it. */
function buffersOf(value: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) return value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(buffersOf);
}
