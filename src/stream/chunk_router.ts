import { type Clock, sleep } from "../async/mod.ts";
import type { PipelineChunk } from "../pipeline/mod.ts";
import type { AudioFramer } from "./audio_framer.ts";
import type { FramePacer } from "./frame_pacer.ts";
import type { PlayoutTimeline } from "./playout_timeline.ts";
import { type Pull, pullAhead, pullJustInTime } from "./pull.ts";

/** What is known of a chunk when its media have been placed. */
export interface RoutedChunk {
  readonly index: number;
  /** What is not media. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Media time of its first picture; null when it has none. */
  readonly mediaTime: number | null;
}

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
  /** Whether chunks answer input, and are asked for as late as they can be made in time. */
  readonly interactive: boolean;
  /** Takes each chunk once its media have been placed. */
  readonly routed: (chunk: RoutedChunk) => void;
}

/** Seconds between chunks that hold hardly any media, which nothing else holds back. */
const EMPTY_CHUNK_PAUSE = 0.005;
/** Seconds up to which a chunk is one of those: a sample at a time would keep the server busy with nothing. */
const EMPTY_CHUNK = 0.001;
/** Longest wait before the buffer is looked at again. */
const MAX_WAIT = 0.1;

/** Consumes a pipeline's chunks once and sends each part its way; asks for the next only when it is wanted. */
export class ChunkRouter {
  readonly #options: ChunkRouterOptions;
  readonly #pull: Pull;
  #chunks = 0;
  #nudged: AbortController | undefined;

  constructor(options: ChunkRouterOptions) {
    this.#options = options;
    const { clock, timeline, bufferSeconds } = options;
    this.#pull = options.interactive
      ? pullJustInTime({ clock, timeline, bufferSeconds })
      : pullAhead({ timeline, bufferSeconds });
  }

  /** Chunks routed so far. */
  get chunks(): number {
    return this.#chunks;
  }

  /** Input has come that the next chunk is to show soon. */
  nudge(): void {
    this.#pull.nudge();
    this.#nudged?.abort();
  }

  /**
   * Routes until the pipeline is done, then waits until everything that was placed has been played.
   *
   * @throws what the pipeline threw
   */
  async run(chunks: AsyncIterable<PipelineChunk>, signal: AbortSignal): Promise<void> {
    this.#pull.asked();
    for await (const chunk of chunks) {
      if (signal.aborted) return;
      const fps = chunk.fps ?? this.#options.fps;
      this.#pull.arrived(chunk, fps);
      const duration = this.#route(chunk, fps);
      if (duration < EMPTY_CHUNK) await sleep(this.#options.clock, EMPTY_CHUNK_PAUSE, signal);
      await this.#room(signal);
      if (signal.aborted) return;
      this.#pull.asked();
    }
    await this.#played(signal);
  }

  /** Sends the parts of a chunk their way; returns how long it plays. */
  #route(chunk: PipelineChunk, fps: number): number {
    const { timeline, pacer, audio, routed } = this.#options;
    const hasPictures = chunk.pictures.length > 0;
    const chunkSeconds = chunk.pictures.length / fps;
    const audioSeconds = chunk.audio === null
      ? 0
      : chunk.audio.samples.length / chunk.audio.channels / chunk.audio.sampleRate;
    const { cushion, forward } = this.#pull;
    const count = chunk.pictures.length;
    const placed = hasPictures
      ? {
        begin: timeline.place(chunkSeconds, { withAudio: chunk.audio !== null, count, cushion, forward }),
        chunkSeconds,
      }
      : timeline.placeSound(audioSeconds, { cushion });
    pacer.add(chunk.pictures, { begin: placed.begin, fps });
    if (chunk.audio !== null) audio.add(chunk.audio, placed);
    const mediaTime = hasPictures ? placed.begin : null;
    routed({ index: chunk.index ?? this.#chunks, data: chunk.metadata, mediaTime });
    this.#chunks++;
    return hasPictures ? chunkSeconds : audioSeconds;
  }

  async #room(signal: AbortSignal): Promise<void> {
    const { clock, timeline } = this.#options;
    const waitFor = () => timeline.isPaused ? MAX_WAIT : this.#pull.wait();
    for (let wait = waitFor(); wait > 0; wait = waitFor()) {
      const nudged = this.#nudged = new AbortController();
      await sleep(clock, Math.min(wait, MAX_WAIT), AbortSignal.any([signal, nudged.signal]));
      if (signal.aborted) return;
    }
  }

  async #played(signal: AbortSignal): Promise<void> {
    const { clock, timeline, audio } = this.#options;
    const end = Math.max(timeline.cursor, audio.endTime);
    while (!signal.aborted && timeline.secondsUntil(end) > 0) {
      await sleep(clock, timeline.isPaused ? MAX_WAIT : Math.min(timeline.secondsUntil(end), MAX_WAIT), signal);
    }
  }
}
