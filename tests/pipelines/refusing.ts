import type { Chunk, ServerPushService } from "telefuser";

/** Refuses every request. */
class Refusing implements ServerPushService {
  // deno-lint-ignore require-yield
  async *serve(): AsyncGenerator<Chunk> {
    throw new Error("steps must be 1 to 50, not 900; leave it out for 20");
  }
}

export function getService(): ServerPushService {
  return new Refusing();
}
