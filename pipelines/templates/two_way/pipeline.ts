/**
 * A pipeline that takes input while it generates: here the arrow keys move a square. Put your own in the place of
 * `step()` and `draw()`.
 *
 * What a viewer may ask for: `fps` (1 to 60; 24 when absent). What it sends afterwards: an object for every key, such as
 * `{ key: "ArrowUp", action: "press" }`.
 *
 * @module
 */

import type {
  BidirectionalService,
  Chunk,
  ControlMessage,
  MediaMessage,
  PipelineContext,
  RawFrame,
  SessionConfig,
  SessionContext,
} from "telefuser";

const WIDTH = 640;
const HEIGHT = 360;
const DEFAULT_FPS = 24;
const SIDE = 60;
/** Pixels that the square moves in a second while a key is held. */
const SPEED = 240;
/** Colours of pixels, each as 0xAABBGGRR: opacity, blue, green, red. */
const BACKGROUND = 0xff30241a;
const SQUARE = 0xff3c8cff;

/** Which way a key moves the square. */
const KEYS: ReadonlyMap<unknown, Direction> = new Map([
  ["ArrowLeft", { x: -1, y: 0 }],
  ["ArrowRight", { x: 1, y: 0 }],
  ["ArrowUp", { x: 0, y: -1 }],
  ["ArrowDown", { x: 0, y: 1 }],
]);

interface Direction {
  x: number;
  y: number;
}

/** One viewer. */
interface Session {
  readonly fps: number;
  readonly signal: AbortSignal;
  /** The upper left corner of the square. */
  x: number;
  y: number;
  /** Keys that are down. */
  readonly held: Map<unknown, Direction>;
  /** Ids of messages that no picture has shown yet. */
  readonly applied: (string | number)[];
}

/** The server calls this once. */
export function getService(): BidirectionalService {
  return new Pipeline();
}

class Pipeline implements BidirectionalService {
  readonly defaultFps = DEFAULT_FPS;
  /** Camera and microphone are not used, so nothing of them is decoded. */
  readonly viewerMedia = { video: false, audio: false } as const;
  readonly #sessions = new Map<string, Session>();

  /** Called once, before the first viewer: load models and open files here. */
  start({ log }: PipelineContext): void {
    log.info("started", { resolution: `${WIDTH}x${HEIGHT}` });
  }

  /** Called once for each viewer. An error refuses the viewer, who gets its words. */
  createSession({ session_id, fps = DEFAULT_FPS }: SessionConfig, { signal }: SessionContext): string {
    if (typeof fps !== "number" || !(fps >= 1 && fps <= 60)) {
      throw new Error(`fps: give a number from 1 to 60, or leave it out for ${DEFAULT_FPS}.`);
    }
    const [x, y] = [(WIDTH - SIDE) / 2, (HEIGHT - SIDE) / 2];
    this.#sessions.set(session_id, { fps, signal, x, y, held: new Map(), applied: [] });
    return session_id;
  }

  /** Takes what the viewer sends. What is not known is ignored: an error here would end the session. */
  pushChunk(sessionId: string, message: ControlMessage | MediaMessage): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined || message.type === "media") return;
    const { key, action, id } = message as ControlMessage;
    const direction = KEYS.get(key);
    if (direction === undefined) return;
    if (action === "press") session.held.set(key, direction);
    else if (action === "release") session.held.delete(key);
    else return;
    if (id !== undefined) session.applied.push(id);
  }

  /**
   * Yields what the viewer is to see. The server asks for a chunk just before it is due, and at once when a message has
   * come: a chunk of one picture shows it without delay.
   */
  async *pullChunks(sessionId: string): AsyncGenerator<Chunk> {
    const session = this.#sessions.get(sessionId);
    while (session !== undefined && !session.signal.aborted) {
      step(session);
      // The ids say which messages this picture is the first to show; from that the time from key to picture is measured.
      const applied_controls = session.applied.splice(0);
      yield { frames: [draw(session)], fps: session.fps, applied_controls, transfer: true };
    }
  }

  /** Called once, however the session ends. */
  closeSession(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }
}

/** Moves the square on by one picture. */
function step(session: Session): void {
  const distance = SPEED / session.fps;
  for (const { x, y } of session.held.values()) {
    session.x = Math.min(Math.max(session.x + x * distance, 0), WIDTH - SIDE);
    session.y = Math.min(Math.max(session.y + y * distance, 0), HEIGHT - SIDE);
  }
}

/** One picture, in a buffer of its own: it is handed over. */
function draw({ x, y }: { x: number; y: number }): RawFrame {
  const pixels = new Uint32Array(WIDTH * HEIGHT).fill(BACKGROUND);
  const [left, top] = [Math.round(x), Math.round(y)];
  for (let row = top; row < top + SIDE; row++) {
    pixels.fill(SQUARE, row * WIDTH + left, row * WIDTH + left + SIDE);
  }
  return { format: "rgba", data: new Uint8Array(pixels.buffer), width: WIDTH, height: HEIGHT };
}
