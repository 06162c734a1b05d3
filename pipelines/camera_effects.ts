/**
 * A mirror with effects: shows the viewer's camera back and lets the microphone be heard as an echo. A pattern for
 * anything that answers pictures with pictures.
 *
 * The newest picture wins: while one is in work, those that come replace each other, so what is shown never gets older
 * than one step of work and one picture. Sound does not wait for pictures; it goes out in chunks of its own. As long as
 * there is no camera, a card asks for it.
 *
 * What a viewer may ask for, and what it may change while it watches, is described in `camera_effects/settings.ts`.
 *
 * @module
 */

import type {
  BidirectionalService,
  CameraFrame,
  Chunk,
  ControlMessage,
  MediaMessage,
  RawFrame,
  SessionConfig,
  SessionContext,
  ViewerMediaOptions,
} from "telefuser";
import { Bell } from "./camera_effects/bell.ts";
import { drawCard } from "./camera_effects/card.ts";
import { Echo, SAMPLE_RATE } from "./camera_effects/echo.ts";
import { paint } from "./camera_effects/effects.ts";
import { changeSettings, readSettings, type Settings } from "./camera_effects/settings.ts";

/** What cameras usually give. A picture is shown as soon as it is there, whatever this says. */
const FPS = 30;
/** Milliseconds from one card to the next. */
const CARD_EVERY = 200;
/** Milliseconds without a picture after which the camera counts as switched off. */
const CAMERA_OFF = 1000;

/** One viewer. */
interface Session {
  settings: Settings;
  signal: AbortSignal;
  /** Rings when anything has come in, and when the session is over. */
  bell: Bell;
  echo: Echo;
  /** The newest picture that is not in work yet. */
  newest: CameraFrame | null;
  /** When a picture came last, on the clock of `performance.now()`. */
  seenAt: number;
  /** Ids of control messages that no picture has shown yet. */
  applied: (string | number)[];
}

/** The server calls this once. */
export function getService(): BidirectionalService {
  return new CameraEffects();
}

class CameraEffects implements BidirectionalService {
  readonly defaultFps = FPS;
  readonly viewerMedia: ViewerMediaOptions = {
    video: { format: "rgba", width: 640 },
    audio: { sample_rate: SAMPLE_RATE, channels: 1 },
  };
  readonly #sessions = new Map<string, Session>();
  #card: RawFrame | null = null;

  async start(): Promise<void> {
    this.#card = await drawCard("Switch on the camera", { width: 640, height: 360 });
  }

  createSession(config: SessionConfig, { signal }: SessionContext): string {
    const settings = readSettings(config);
    const bell = new Bell();
    signal.addEventListener("abort", () => bell.ring(), { once: true });
    const echo = new Echo();
    const seenAt = Number.NEGATIVE_INFINITY;
    this.#sessions.set(config.session_id, { settings, signal, bell, echo, newest: null, seenAt, applied: [] });
    return config.session_id;
  }

  pushChunk(sessionId: string, message: ControlMessage | MediaMessage): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    if (message.type === "media") takeMedia(session, message as MediaMessage);
    if (message.type === "control") takeControl(session, message as ControlMessage);
    session.bell.ring();
  }

  async *pullChunks(sessionId: string): AsyncGenerator<Chunk> {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    if (this.#card === null) throw new Error("There is no card: start() has to be called before pullChunks().");
    const { settings, signal, bell, echo } = session;
    let work: { picture: CameraFrame; readyAt: number } | null = null;
    let cardAt = 0;
    while (this.#sessions.get(sessionId) === session && !signal.aborted) {
      const now = performance.now();
      const sound = echo.due(settings.echo_ms, now);
      if (work === null && session.newest !== null) {
        // Here a model would begin to work on the picture.
        work = { picture: session.newest, readyAt: now + settings.work_ms };
        session.newest = null;
      }
      if (sound.length > 0) {
        yield { audio: sound, audio_sample_rate: SAMPLE_RATE, audio_channels: 1, transfer: true };
      } else if (work !== null && now >= work.readyAt) {
        const { data, width, height, timestamp } = work.picture;
        work = null;
        paint({ data, width, height }, settings);
        const camera_age_ms = Math.round(Date.now() - timestamp * 1000);
        yield { ...toChunk(session, { format: "rgba", data, width, height }), camera_age_ms };
      } else if (now - session.seenAt > CAMERA_OFF && (now >= cardAt || session.applied.length > 0)) {
        cardAt = now + CARD_EVERY;
        yield toChunk(session, { ...this.#card, data: this.#card.data.slice() });
      } else {
        await bell.wait(Math.min(CARD_EVERY, (work?.readyAt ?? Infinity) - now));
      }
    }
  }

  closeSession(sessionId: string): void {
    this.#sessions.get(sessionId)?.bell.ring();
    this.#sessions.delete(sessionId);
  }
}

/** Keeps the newest picture and all sound. */
function takeMedia(session: Session, { video_frames, audio_pcm }: MediaMessage): void {
  const now = performance.now();
  if (audio_pcm !== undefined) session.echo.hear(audio_pcm, now);
  const picture = video_frames?.at(-1);
  if (picture === undefined) return;
  session.newest = picture;
  session.seenAt = now;
}

function takeControl({ settings, applied }: Session, message: ControlMessage): void {
  const changed = changeSettings(settings, message);
  const { id } = message;
  if (changed && (typeof id === "string" || typeof id === "number")) applied.push(id);
}

/** A chunk of one picture, whose buffer is handed over; it is the first that shows what was changed before. */
function toChunk(session: Session, frame: RawFrame): Chunk {
  const { width, height } = frame;
  const applied = session.applied.splice(0);
  return {
    frames: [frame],
    fps: FPS,
    resolution: `${width}x${height}`,
    effect: session.settings.effect,
    ...(applied.length > 0 ? { applied_controls: applied } : {}),
    transfer: true,
  };
}
