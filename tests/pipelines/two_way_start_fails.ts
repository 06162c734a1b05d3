import type { BidirectionalService } from "telefuser";

export function getService(): BidirectionalService {
  return {
    start() {
      throw new Error("the weights are missing");
    },
    createSession: ({ session_id }) => session_id,
    pushChunk: () => undefined,
    async *pullChunks() {},
    closeSession: () => undefined,
  };
}
