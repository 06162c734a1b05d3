import type { BidirectionalService, Chunk, ControlMessage, MediaMessage, SessionConfig } from "telefuser";

interface Session {
  readonly seen: { control: number; video: number; audio: number };
  isOpen: boolean;
  wake: () => void;
}

const sessions = new Map<string, Session>();

/** Counts what comes in each lane; a message `{ hold: true }` is never done. After a picture and sound a chunk tells. */
class TwoWayLanes implements BidirectionalService {
  createSession({ session_id }: SessionConfig): string {
    sessions.set(session_id, { seen: { control: 0, video: 0, audio: 0 }, isOpen: true, wake: () => undefined });
    return session_id;
  }

  pushChunk(id: string, message: ControlMessage | MediaMessage): void | Promise<void> {
    const session = sessions.get(id);
    if (session === undefined) return;
    if (message.video_frames !== undefined) session.seen.video++;
    else if (message.audio_pcm !== undefined) session.seen.audio++;
    else session.seen.control++;
    session.wake();
    if ((message as ControlMessage).hold === true) return new Promise(() => undefined);
  }

  async *pullChunks(id: string): AsyncGenerator<Chunk> {
    const session = sessions.get(id);
    for (let round = 1; session?.isOpen; round++) {
      while (session.isOpen && (session.seen.video < round || session.seen.audio < round)) {
        await new Promise<void>((wake) => session.wake = wake);
      }
      yield { seen: { ...session.seen } };
    }
  }

  closeSession(id: string): void {
    const session = sessions.get(id);
    sessions.delete(id);
    if (session === undefined) return;
    session.isOpen = false;
    session.wake();
  }
}

export function getService(): BidirectionalService {
  return new TwoWayLanes();
}
