/**
 * The program of the pipeline worker: loads the user's module and drives it over a message port. It runs with the
 * pipeline's permissions, so its module graph holds no package at all.
 *
 * The port is taken from the first message, before the user's module is loaded. Whoever reaches it all the same can only
 * say what a pipeline may say: the host checks every message.
 *
 * @module
 */

import { HostCaller } from "./host_caller.ts";
import type { HostMessage, WorkerMessage } from "./protocol.ts";
import { ServiceRunner } from "./service_runner.ts";
import { describe } from "./thrown.ts";
import { WorkerLog } from "./worker_log.ts";
import { raiseWall } from "./worker_wall.ts";

/** The part of the worker's global scope used here. */
interface WorkerScope {
  addEventListener(type: "message", listener: (event: MessageEvent) => void, options: { once: boolean }): void;
}

/** What the host says first. */
export interface WorkerGreeting {
  /** Whether the pipeline may do everything. */
  readonly permissive: boolean;
}

(self as unknown as WorkerScope).addEventListener("message", (event) => {
  const port: unknown = event.ports[0];
  if (port instanceof MessagePort) drive(port, event.data as WorkerGreeting);
}, { once: true });

function drive(port: MessagePort, { permissive }: WorkerGreeting): void {
  const post = port.postMessage.bind(port);
  function send(message: WorkerMessage, transfer: Transferable[] = []): void {
    // An empty list would be walked by what the pipeline may have made of arrays.
    if (transfer.length === 0) post(message);
    else post(message, transfer);
  }
  const log = new WorkerLog(send);
  raiseWall({
    permissive,
    log,
    left: (by) => send({ t: "left", by }),
    uncaught: (thrown) => send({ t: "fault", ...describe(thrown) }),
  });
  const caller = new HostCaller(send);
  const runner = new ServiceRunner({ send, caller, log });
  port.onmessage = ({ data }: MessageEvent<HostMessage>) => {
    switch (data.t) {
      case "load":
        return void runner.load(data);
      case "open":
        return void runner.open(data.id, data.request);
      case "next":
        return void runner.next(data.id);
      case "push":
        return void runner.push(data.id, data.lane, data.message);
      case "close":
        return void runner.close(data.id, data.reason);
      case "let_go":
        return runner.letGo(data.id);
      case "ping":
        return send({ t: "pong" });
      case "stop":
        return void runner.stop();
      case "reply":
        return caller.settle(data.call, { value: data.value });
      case "refuse":
        return caller.settle(data.call, { error: data.detail });
    }
  };
}
