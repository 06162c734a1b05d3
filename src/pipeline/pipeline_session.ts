import type { PipelineChunk } from "./chunk_schema.ts";
import type { SessionEnd } from "./contract.ts";
import { Inbox } from "./inbox.ts";
import type { InputLane } from "./protocol.ts";

/** What a session asks of the host that owns it. */
export interface SessionOwner {
  /** Has the worker make the next chunk. */
  requestNext(): void;
  /** Gives the worker a message. */
  push(lane: InputLane, message: unknown, transfer: Transferable[]): void;
  /** Ends the worker's side. */
  close(reason: SessionEnd): void;
}

/**
 * One session as seen from outside the worker: chunks one at a time, only when asked for, and for a bidirectional service
 * the way in.
 */
export class PipelineSession implements AsyncIterableIterator<PipelineChunk, undefined> {
  /** The way into `pushChunk()`. */
  readonly inbox: Inbox;
  readonly #owner: SessionOwner;
  readonly #opened = Promise.withResolvers<void>();
  readonly #first = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  #waiting: PromiseWithResolvers<IteratorResult<PipelineChunk, undefined>> | undefined;
  #ready: PipelineChunk | undefined;
  #outcome: { error: Error | null } | undefined;
  #requested = false;
  #skipped = 0;
  #isClosing = false;

  constructor(owner: SessionOwner) {
    this.#owner = owner;
    this.inbox = new Inbox((lane, message, transfer) => owner.push(lane, message, transfer));
    this.#opened.promise.catch(() => undefined);
  }

  /**
   * Resolves when the service has accepted the session.
   *
   * @throws StreamError `pipeline_failed` or `session_exists` with the service's words
   */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Why the session failed, if it has. */
  get failure(): Error | null {
    return this.#outcome?.error ?? null;
  }

  /** Resolves when the first chunk is there or the session has ended without one. */
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

  /** Takes no more chunks, as a loop does that is left early; `close()` releases the session. */
  return(): Promise<IteratorResult<PipelineChunk, undefined>> {
    this.end(null);
    this.#ready = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the session. Resolves when the worker has released it. */
  close(reason: SessionEnd): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.inbox.close();
      this.end(null);
      this.#ready = undefined;
      this.#owner.close(reason);
    }
    return this.#released.promise;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Resolves when the worker holds nothing of the session any more. */
  get released(): Promise<void> {
    return this.#released.promise;
  }

  /** Called by the host: the service has accepted the session. */
  accept(): void {
    this.#opened.resolve();
  }

  /** Called by the host: the worker holds nothing of the session any more. */
  release(): void {
    this.end(null);
    this.#released.resolve();
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
    if (error === null) this.#opened.resolve();
    else this.#opened.reject(error);
    this.inbox.close();
    this.#first.resolve();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    this.#result(this.#outcome).then(waiting.resolve, waiting.reject);
  }

  #request(): void {
    if (this.#requested || this.#outcome !== undefined) return;
    this.#requested = true;
    this.#owner.requestNext();
  }

  #result({ error }: { error: Error | null }): Promise<IteratorResult<PipelineChunk, undefined>> {
    return error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }
}
