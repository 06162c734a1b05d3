import type { HostCalls, WorkerMessage } from "./protocol.ts";

/** Asks the host for what a sandboxed pipeline cannot do itself. Runs in the worker. */
export class HostCaller {
  readonly #send: (message: WorkerMessage) => void;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;

  constructor(send: (message: WorkerMessage) => void) {
    this.#send = send;
  }

  /** Calls the host; rejects with the host's words when it refuses. */
  async call<K extends keyof HostCalls>(op: K, args: HostCalls[K]["args"]): Promise<HostCalls[K]["value"]> {
    const call = ++this.#last;
    const answer = Promise.withResolvers<unknown>();
    this.#open.set(call, answer);
    this.#send({ t: "call", call, op, args });
    return await answer.promise as HostCalls[K]["value"];
  }

  /** Takes an answer of the host. */
  settle(call: number, answer: { value: unknown } | { error: string }): void {
    const open = this.#open.get(call);
    this.#open.delete(call);
    if ("error" in answer) open?.reject(new Error(answer.error));
    else open?.resolve(answer.value);
  }
}
