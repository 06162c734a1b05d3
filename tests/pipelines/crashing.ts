import type { Chunk, ServerPushService, SessionContext, StreamRequest } from "telefuser";

const PICTURE = { format: "rgba", data: new Uint8Array(64 * 48 * 4).fill(90), width: 64, height: 48 } as const;

/** Crashes as native code does, by the request's `config.crash`, after a few pictures. */
class Crashing implements ServerPushService {
  async *serve(request: StreamRequest, session: SessionContext): AsyncGenerator<Chunk> {
    for (let index = 0; !session.signal.aborted; index++) {
      yield { frames: [PICTURE, PICTURE], fps: 24 };
      if (index === 10 && request.config.crash === true) readNowhere();
    }
  }
}

/** Reads memory that is not mapped. */
function readNowhere(): void {
  const nowhere = Deno.UnsafePointer.create(8n);
  if (nowhere !== null) new Deno.UnsafePointerView(nowhere).getUint8();
}

export function getService(): ServerPushService {
  return new Crashing();
}
