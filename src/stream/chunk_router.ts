import { type Clock, sleep } from "../async/mod.ts";
import type { PipelineChunk } from "../pipeline/mod.ts";
import type { AudioFramer } from "./audio_framer.ts";
import type { FramePacer } from "./frame_pacer.ts";
import type { PlayoutTimeline } from "./playout_timeline.ts";

/** Where a chunk's parts go. */
export interface ChunkRouterOptions {
  readonly clock: Clock;
  readonly timeline: PlayoutTimeline;
  readonly pacer: FramePacer;
  readonly audio: AudioFramer;
  /** Frames per second of chunks that do not say. */
  readonly fps: number;
  /** Seconds of content that may wait before the next chunk is asked for. */
  readonly bufferSeconds: number;
  /** Takes what is not media, as each chunk arrives. */
  readonly metadata: (index: number, data: Readonly<Record<string, unknown>>) => void;
}

/** Seconds between chunks that hold no media, which nothing else holds back. */
const EMPTY_CHUNK_PAUSE = 0.005;
/** Longest wait before the buffer is looked at again. */
const MAX_WAIT = 0.1;

/** Consumes a pipeline's chunks once and sends each part its way; asks for the next only when there is room. */
export class ChunkRouter {
  readonly #options: ChunkRouterOptions;
  #chunks = 0;

  constructor(options: ChunkRouterOptions) {
    this.#options = options;
  }

  /** Chunks routed so far. */
  get chunks(): number {
    return this.#chunks;
  }

  /**
   * Routes until the pipeline is done, then waits until everything that was placed has been played.
   *
   * @throws what the pipeline threw
   */
  async run(chunks: AsyncIterable<PipelineChunk>, signal: AbortSignal): Promise<void> {
    for await (const chunk of chunks) {
      if (signal.aborted) return;
      const duration = this.#route(chunk);
      if (duration === 0) await sleep(this.#options.clock, EMPTY_CHUNK_PAUSE, signal);
      await this.#room(signal);
      if (signal.aborted) return;
    }
    await this.#played(signal);
  }

  /** Sends the parts of a chunk their way; returns how long it plays. */
  #route(chunk: PipelineChunk): number {
    const { timeline, pacer, audio, metadata } = this.#options;
    const fps = chunk.fps ?? this.#options.fps;
    const pictureSeconds = chunk.pictures.length / fps;
    const audioSeconds = chunk.audio === null
      ? 0
      : chunk.audio.samples.length / chunk.audio.channels / chunk.audio.sampleRate;
    const duration = chunk.pictures.length > 0 ? pictureSeconds : audioSeconds;
    const begin = timeline.place(duration, { withAudio: chunk.audio !== null });
    pacer.add(chunk.pictures, { begin, fps });
    if (chunk.audio !== null) audio.add(chunk.audio, { begin, chunkSeconds: pictureSeconds });
    metadata(chunk.index ?? this.#chunks, chunk.metadata);
    this.#chunks++;
    return duration;
  }

  async #room(signal: AbortSignal): Promise<void> {
    const { clock, timeline, bufferSeconds } = this.#options;
    for (let excess = timeline.ahead - bufferSeconds; excess >= 0; excess = timeline.ahead - bufferSeconds) {
      await sleep(clock, Math.min(excess + 0.001, MAX_WAIT), signal);
      if (signal.aborted) return;
    }
  }

  async #played(signal: AbortSignal): Promise<void> {
    const { clock, timeline, audio } = this.#options;
    const end = Math.max(timeline.cursor, audio.endTime);
    while (!signal.aborted && timeline.secondsUntil(end) > 0) {
      await sleep(clock, Math.min(timeline.secondsUntil(end), MAX_WAIT), signal);
    }
  }
}
