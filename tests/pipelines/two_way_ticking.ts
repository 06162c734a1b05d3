import type {
  BidirectionalService,
  Chunk,
  ControlMessage,
  MediaMessage,
  SessionConfig,
  SessionContext,
  SessionEnd,
} from "telefuser";

const WIDTH = 160;
const HEIGHT = 120;
let created = 0;

interface Session {
  isOpen: boolean;
  /** What the viewer has sent. */
  readonly received: string[];
  readonly context: SessionContext;
}

const sessions = new Map<string, Session>();

/**
 * A world that goes on: pictures that grow lighter and darker, and with every chunk its number, how many sessions were
 * ever made and which messages have come. Why a session ends is logged.
 */
class Ticking implements BidirectionalService {
  createSession(config: SessionConfig, context: SessionContext): string {
    created++;
    sessions.set(config.session_id, { isOpen: true, received: [], context });
    return config.session_id;
  }

  pushChunk(id: string, message: ControlMessage | MediaMessage): void {
    const { note } = message as ControlMessage;
    if (typeof note === "string") sessions.get(id)?.received.push(note);
  }

  async *pullChunks(id: string): AsyncGenerator<Chunk> {
    const session = sessions.get(id);
    for (let tick = 0; session?.isOpen === true; tick++) {
      const data = new Uint8Array(WIDTH * HEIGHT * 1.5).fill(128);
      data.fill(60 + Math.abs((tick * 5) % 240 - 120), 0, WIDTH * HEIGHT);
      yield {
        index: tick,
        fps: 24,
        frames: [{ format: "i420", data, width: WIDTH, height: HEIGHT }],
        created,
        received: [...session.received],
        transfer: true,
      };
    }
  }

  closeSession(id: string, { code, detail }: SessionEnd): void {
    const session = sessions.get(id);
    if (session === undefined) return;
    session.isOpen = false;
    session.context.log.info("closeSession was called", { code, detail });
    sessions.delete(id);
  }
}

export function getService(): BidirectionalService {
  return new Ticking();
}
