/**
 * A clip that goes round and round, with a D-pad on it that shows which arrow keys are held: the shortest way from a key
 * to the screen, and a pattern for anything that is steered.
 *
 * A chunk is one picture, and the server asks for it just before it is due, so a key shows in the very next picture.
 * All that costs time is done at the start: the clip is decoded and all D-pads are drawn. What is left for a chunk is to
 * copy a picture and to lay a D-pad on it. The clip is the one that comes with the server, or the first one named by
 * `--media`; its sound is left out.
 *
 * What a viewer may ask for: `fps` (1 to 60; 24 when absent) and `prompt` (comes back with every chunk). What it may
 * send afterwards is described in `arrow_overlay/controls.ts`.
 *
 * @module
 */

import type {
  BidirectionalService,
  Chunk,
  ControlMessage,
  MediaMessage,
  PipelineContext,
  SessionConfig,
  SessionContext,
} from "telefuser";
import { arrowsOf, Controls } from "./arrow_overlay/controls.ts";
import { Dpad } from "./arrow_overlay/dpad.ts";
import { loadLoop, type Loop } from "./arrow_overlay/loop.ts";

const DEFAULT_FPS = 24;

/** What all viewers share. */
interface Stage {
  loop: Loop;
  dpad: Dpad;
}

/** One viewer. */
interface Session {
  fps: number;
  controls: Controls;
  signal: AbortSignal;
}

/** The server calls this once. */
export function getService(): BidirectionalService {
  return new ArrowOverlay();
}

class ArrowOverlay implements BidirectionalService {
  readonly defaultFps = DEFAULT_FPS;
  /** Camera and microphone are not used: nothing of them is decoded. */
  readonly viewerMedia = { video: false, audio: false } as const;
  readonly #sessions = new Map<string, Session>();
  #stage: Stage | null = null;

  async start(context: PipelineContext): Promise<void> {
    const loop = await loadLoop(context);
    const { width, height, pictures } = loop;
    this.#stage = { loop, dpad: await Dpad.for({ width, height }) };
    context.log.info("clip loaded", { pictures: pictures.length, fps: loop.fps, resolution: `${width}x${height}` });
  }

  stop(): void {
    this.#stage = null;
  }

  createSession(config: SessionConfig, { signal }: SessionContext): string {
    const { fps, prompt } = readWishes(config);
    this.#sessions.set(config.session_id, { fps, controls: new Controls(prompt), signal });
    return config.session_id;
  }

  pushChunk(sessionId: string, message: ControlMessage | MediaMessage): void {
    this.#sessions.get(sessionId)?.controls.take(message as ControlMessage);
  }

  async *pullChunks(sessionId: string): AsyncGenerator<Chunk> {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    if (this.#stage === null) throw new Error("The clip is not loaded: start() has to be called before pullChunks().");
    const { loop, dpad } = this.#stage;
    const { width, height } = loop;
    const { fps, controls, signal } = session;
    for (let index = 0; this.#sessions.get(sessionId) === session && !signal.aborted; index++) {
      const { arrows, hud, prompt, applied } = controls.next();
      const data = loop.pictureAt(index / fps).slice();
      if (hud) dpad.lay(data, arrows);
      const chunk: Chunk = {
        type: "chunk",
        index,
        frames: [{ format: "i420", data, width, height }],
        fps,
        resolution: `${width}x${height}`,
        timestamp: Date.now() / 1000,
        pressed_keys: arrowsOf(arrows),
        transfer: true,
      };
      if (prompt !== null) chunk.prompt = prompt;
      if (applied.length > 0) chunk.applied_controls = applied;
      yield chunk;
    }
  }

  closeSession(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }
}

function readWishes(config: SessionConfig): { fps: number; prompt: string | null } {
  const fps: unknown = config.fps ?? DEFAULT_FPS;
  if (typeof fps !== "number" || !(fps >= 1 && fps <= 60)) {
    throw new Error(`fps is ${show(fps)}: give a number from 1 to 60, or leave it out for ${DEFAULT_FPS}.`);
  }
  const prompt: unknown = config.prompt ?? null;
  if (prompt !== null && typeof prompt !== "string") {
    throw new Error(`prompt is ${show(prompt)}: give a text, or leave it out.`);
  }
  return { fps, prompt };
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
