import type { BidirectionalService, Chunk, SessionConfig, SessionContext } from "telefuser";

const WIDTH = 640;
const HEIGHT = 360;
const PICTURES = 24;

const sessions = new Map<string, AbortSignal>();

/** Takes the viewer's camera, looks at none of it, and shows drifting blotches that use up any bitrate. */
class TwoWayBusy implements BidirectionalService {
  readonly viewerMedia = { video: { format: "i420", width: 320 }, audio: false } as const;
  readonly #pictures = Array.from({ length: PICTURES }, (_, index) => picture(index));

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

function picture(index: number): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT * 1.5).fill(128);
  let state = index + 1;
  for (let at = 0; at < WIDTH * HEIGHT; at++) {
    state = (state * 1_103_515_245 + 12_345) >>> 0;
    const x = at % WIDTH;
    data[at] = Math.abs(x - index * 20) < 20 ? 230 : 60 + (state >>> 26);
  }
  return data;
}

export function getService(): BidirectionalService {
  return new TwoWayBusy();
}
