import type { BidirectionalService, Chunk, SessionConfig, SessionContext } from "telefuser";
import { blotches } from "./blotches.ts";

const WIDTH = 640;
const HEIGHT = 360;
const PICTURES = 24;

const sessions = new Map<string, AbortSignal>();

/** Takes the viewer's camera, looks at none of it, and shows drifting blotches that use up any bitrate. */
class TwoWayBusy implements BidirectionalService {
  readonly viewerMedia = { video: { format: "i420", width: 320 }, audio: false } as const;
  readonly #pictures = Array.from(
    { length: PICTURES },
    (_, index) => blotches(index, { width: WIDTH, height: HEIGHT }),
  );

  createSession({ session_id }: SessionConfig, { signal }: SessionContext): string {
    sessions.set(session_id, signal);
    return session_id;
  }

  pushChunk(): void {
    // What comes does not change the picture.
  }

  async *pullChunks(id: string): AsyncGenerator<Chunk> {
    for (let index = 0; sessions.get(id)?.aborted === false; index++) {
      const data = this.#pictures[index % PICTURES]?.slice() ?? new Uint8Array();
      yield { index, fps: 24, frames: [{ format: "i420", data, width: WIDTH, height: HEIGHT }], transfer: true };
    }
  }

  closeSession(id: string): void {
    sessions.delete(id);
  }
}

export function getService(): BidirectionalService {
  return new TwoWayBusy();
}
