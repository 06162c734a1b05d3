import type { Chunk, ServerPushService, StreamRequest } from "telefuser";

/** Sends its request back as metadata. */
class EchoRequest implements ServerPushService {
  async *serve(request: StreamRequest): AsyncGenerator<Chunk> {
    const picture = { format: "rgba", data: new Uint8Array(64 * 48 * 4), width: 64, height: 48 } as const;
    yield { frames: [picture], request };
  }
}

export function getService(): ServerPushService {
  return new EchoRequest();
}
