import type { BidirectionalService, Chunk, SessionConfig, SessionEnd } from "../../../src/pipeline/contract.ts";

/** What was called, in order: `create mine`, `close mine client_request`, … */
export const calls: string[] = [];

/** What a method waits for, by the words of its call. */
export const gates: Map<string, PromiseWithResolvers<void>> = new Map();

/** Has a call wait until it is let go. */
export function holdBack(call: string): PromiseWithResolvers<void> {
  const gate = Promise.withResolvers<void>();
  gates.set(call, gate);
  return gate;
}

async function pass(call: string): Promise<void> {
  calls.push(call);
  await gates.get(call)?.promise;
}

/** A two-way pipeline that is driven by hand from a test of the same thread. */
export function getService(): BidirectionalService {
  return {
    async createSession({ session_id }: SessionConfig): Promise<string> {
      await pass(`create ${session_id}`);
      return session_id;
    },
    pushChunk(id: string): Promise<void> {
      return pass(`push ${id}`);
    },
    async *pullChunks(id: string): AsyncGenerator<Chunk> {
      await pass(`pull ${id}`);
      yield {};
    },
    closeSession(id: string, { code }: SessionEnd): Promise<void> {
      return pass(`close ${id} ${code}`);
    },
    stop(): Promise<void> {
      return pass("stop");
    },
  };
}
