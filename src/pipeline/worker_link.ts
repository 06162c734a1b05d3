import { denyPrompts } from "./no_prompts.ts";
import type { LinkEvents, OpenLink, PipelineLink } from "./pipeline_link.ts";
import type { HostMessage } from "./protocol.ts";
import type { WorkerGreeting } from "./worker_entry.ts";

/**
 * Runs the pipeline in a worker of this process.
 *
 * @throws StreamError `invalid_config` where Deno could ask at the terminal what the pipeline may do
 */
export function workerLink(permissions: Deno.PermissionOptions): OpenLink {
  denyPrompts(permissions);
  return (events) => new WorkerLink(permissions, events);
}

class WorkerLink implements PipelineLink {
  readonly name = "a worker of the server";
  readonly #worker: Worker;
  readonly #port: MessagePort;

  constructor(permissions: Deno.PermissionOptions, events: LinkEvents) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<unknown>) => events.received(data);
    this.#worker = new Worker(new URL("./worker_entry.ts", import.meta.url).href, {
      type: "module",
      name: "pipeline",
      deno: { permissions },
    });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      events.lost(event.message);
    };
    const greeting: WorkerGreeting = { permissive: permissions === "inherit" };
    this.#worker.postMessage(greeting, [port2]);
  }

  send(message: HostMessage, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  close(): void {
    this.#port.onmessage = null;
    this.#port.close();
    this.#worker.terminate();
  }
}
