import type { SessionEnd } from "./contract.ts";
import type { ChunkLimits, InputLane, WorkerMessage } from "./protocol.ts";
import { describe } from "./thrown.ts";
import { packChunk } from "./wire_chunk.ts";

/** The user's side of one session: what both kinds of service come down to. */
export interface SessionCalls {
  /** Name of the method that makes chunks, for messages. */
  readonly source: string;
  /** Begins to make chunks; called at the first `next`. */
  readonly chunks: () => unknown;
  /** Takes input; null for a service that takes none. */
  readonly push: ((message: unknown) => unknown) | null;
  /** Releases the session; null when there is nothing beyond ending the generator. */
  readonly close: ((reason: SessionEnd) => unknown) | null;
}

type ChunkIterator = AsyncIterator<unknown> | Iterator<unknown>;

/** Drives one session in the worker. Every call into user code is caught here and told to the host. */
export class SessionRunner {
  readonly #id: string;
  readonly #calls: SessionCalls;
  readonly #abort: AbortController;
  readonly #send: (message: WorkerMessage, transfer?: Transferable[]) => void;
  readonly #limits: ChunkLimits;
  #chunks: ChunkIterator | undefined;
  #ended = false;
  #closing: Promise<void> | undefined;

  constructor(
    { id, calls, abort, limits, send }: {
      id: string;
      calls: SessionCalls;
      abort: AbortController;
      limits: ChunkLimits;
      send: (message: WorkerMessage, transfer?: Transferable[]) => void;
    },
  ) {
    this.#id = id;
    this.#calls = calls;
    this.#abort = abort;
    this.#limits = limits;
    this.#send = send;
  }

  /** Has the generator make its next chunk. */
  async next(): Promise<void> {
    if (this.#ended) return;
    try {
      const chunks = this.#chunks ??= iterate(this.#calls.chunks(), this.#calls.source);
      const step = await chunks.next();
      if (this.#ended) return;
      if (step.done === true) return this.#end(null, "");
      const { chunk, transfer } = packChunk(step.value, this.#limits);
      this.#send({ t: "chunk", id: this.#id, chunk }, transfer);
    } catch (error) {
      this.#end(error, this.#calls.source);
    }
  }

  /** Gives the service a message and says when it has been taken. */
  async push(lane: InputLane, message: unknown): Promise<void> {
    if (this.#ended || this.#calls.push === null) return;
    try {
      await this.#calls.push(message);
      this.#send({ t: "taken", id: this.#id, lane });
    } catch (error) {
      this.#end(error, "pushChunk()");
    }
  }

  /** Ends the session from outside: its signal aborts, its generator is returned, the service releases it. */
  close(reason: SessionEnd): Promise<void> {
    return this.#closing ??= this.#close(reason);
  }

  /** Never throws; faults are told to the host. */
  async #close(reason: SessionEnd): Promise<void> {
    const wasRunning = !this.#ended;
    this.#ended = true;
    this.#abort.abort();
    const returned = wasRunning ? returnOf(this.#chunks) : Promise.resolve();
    const { close } = this.#calls;
    // A generator that waits for input returns only when the service has been told that the session is over.
    const released = attempt(() => close?.(reason));
    const tell = (during: string) => (error: unknown) => {
      this.#send({ t: "close_failed", id: this.#id, during, detail: describe(error).detail });
    };
    const ending = returned.catch(tell(this.#calls.source));
    await (close === null ? ending : released.catch(tell("closeSession()")));
  }

  #end(error: unknown, during: string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (during === "") this.#send({ t: "end", id: this.#id, error: null, during, stack: "" });
    else {
      const { detail, stack } = describe(error);
      this.#send({ t: "end", id: this.#id, error: detail, during, stack });
    }
    if (during === "pushChunk()") returnOf(this.#chunks).catch(() => undefined);
  }
}

/** Calls now, and turns a throw into a rejection. */
async function attempt(call: () => unknown): Promise<void> {
  await call();
}

async function returnOf(chunks: ChunkIterator | undefined): Promise<void> {
  await chunks?.return?.();
}

function iterate(chunks: unknown, source: string): ChunkIterator {
  if (typeof chunks === "object" && chunks !== null) {
    if (Symbol.asyncIterator in chunks) return (chunks as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (Symbol.iterator in chunks) return (chunks as Iterable<unknown>)[Symbol.iterator]();
  }
  const name = source.replace("()", "");
  throw new Error(`${source} returned nothing to iterate; make it an async generator: async *${name}(…)`);
}
