import type { PipelineChunk } from "./chunk_schema.ts";

/** What a stream asks of the host that owns it. */
interface StreamOwner {
  /** Has the worker make the next chunk. */
  requestNext(id: string): void;
  /** Ends the worker's side. */
  cancel(id: string): void;
}

/** One running call of `serve()`, as seen from outside the worker: chunks one at a time, only when asked for. */
export class PipelineStream implements AsyncIterableIterator<PipelineChunk, undefined> {
  readonly id: string;
  readonly #owner: StreamOwner;
  #waiting: PromiseWithResolvers<IteratorResult<PipelineChunk, undefined>> | undefined;
  #ready: PipelineChunk | undefined;
  #outcome: { error: Error | null } | undefined;
  #requested = false;
  #skipped = 0;
  readonly #first = Promise.withResolvers<void>();

  constructor(id: string, owner: StreamOwner) {
    this.id = id;
    this.#owner = owner;
  }

  /** Why the stream failed, if it has. */
  get failure(): Error | null {
    return this.#outcome?.error ?? null;
  }

  /** Resolves when the first chunk is there or the stream has ended without one. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  /** Asks for the first chunk ahead of time, so that it is there when the viewer is. */
  prefetch(): void {
    this.#request();
  }

  /** @throws StreamError `pipeline_failed` with the pipeline's message */
  next(): Promise<IteratorResult<PipelineChunk, undefined>> {
    const ready = this.#ready;
    if (ready !== undefined) {
      this.#ready = undefined;
      return Promise.resolve({ done: false, value: ready });
    }
    if (this.#outcome !== undefined) return this.#result(this.#outcome);
    this.#waiting ??= Promise.withResolvers();
    this.#request();
    return this.#waiting.promise;
  }

  /** Ends the stream before it is done. */
  return(): Promise<IteratorResult<PipelineChunk, undefined>> {
    if (this.#outcome === undefined) {
      this.#owner.cancel(this.id);
      this.end(null);
    }
    this.#ready = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Called by the host: the chunk that was asked for. */
  deliver(chunk: PipelineChunk): void {
    if (this.#outcome !== undefined) return;
    this.#requested = false;
    this.#skipped = 0;
    this.#first.resolve();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#ready = chunk;
    else waiting.resolve({ done: false, value: chunk });
  }

  /** Called by the host: the chunk that was asked for did not hold, ask for the next one. Returns how many in a row. */
  skip(): number {
    this.#requested = false;
    this.#request();
    return ++this.#skipped;
  }

  /** Called by the host: no more chunks. */
  end(error: Error | null): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { error };
    this.#first.resolve();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    this.#result(this.#outcome).then(waiting.resolve, waiting.reject);
  }

  #request(): void {
    if (this.#requested || this.#outcome !== undefined) return;
    this.#requested = true;
    this.#owner.requestNext(this.id);
  }

  #result({ error }: { error: Error | null }): Promise<IteratorResult<PipelineChunk, undefined>> {
    return error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }
}
