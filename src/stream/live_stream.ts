import type { Clock, Timer } from "../async/mod.ts";
import type { Log } from "../log.ts";
import type {
  EncodedAudio,
  EncodedFrame,
  EncoderEffort,
  MediaClock,
  MediaReader,
  ReaderFeedback,
  VideoCodec,
} from "../media/mod.ts";
import type { PipelineChunk } from "../pipeline/mod.ts";
import { H264Packetizer, MAX_RTP_PAYLOAD, type RtpPacketizer, Vp8Packetizer } from "../rtp/mod.ts";
import { AudioFramer } from "./audio_framer.ts";
import { ChunkRouter, type RoutedChunk } from "./chunk_router.ts";
import { EncodedTrack, type StreamTarget, type TrackCounters } from "./encoded_track.ts";
import { FramePacer } from "./frame_pacer.ts";
import { PlayoutTimeline } from "./playout_timeline.ts";

/** Seconds between key frames on request; requests in between are answered by the next one. */
const KEY_FRAME_INTERVAL = 0.3;

/** What a live stream is made for. */
export interface LiveStreamOptions {
  readonly codec: VideoCodec;
  readonly bitrate: number;
  readonly effort: EncoderEffort;
  /** Frames per second of chunks that do not say. */
  readonly fps: number;
  readonly bufferSeconds: number;
  /** Whether chunks answer input, and are asked for as late as they can be made in time. */
  readonly interactive: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes each chunk once its media have been placed. */
  readonly routed: (chunk: RoutedChunk) => void;
}

/** One pipeline's output as encoded media, for any number of readers. */
export class LiveStream implements ReaderFeedback {
  readonly #options: LiveStreamOptions;
  readonly #timeline: PlayoutTimeline;
  readonly #track: EncodedTrack;
  readonly #audio: AudioFramer;
  readonly #pacer: FramePacer;
  readonly #router: ChunkRouter;
  readonly #packetizer: RtpPacketizer;
  readonly #readers = new Set<MediaReader>();
  readonly #abort = new AbortController();
  #lastKeyRequest = Number.NEGATIVE_INFINITY;
  #keyTimer: Timer | undefined;

  constructor(options: LiveStreamOptions) {
    const { clock, log } = options;
    this.#options = options;
    const timeline = this.#timeline = new PlayoutTimeline(clock);
    this.#packetizer = options.codec === "H264" ? new H264Packetizer() : new Vp8Packetizer();
    const track = this.#track = new EncodedTrack({
      codec: options.codec,
      bitrate: options.bitrate,
      effort: options.effort,
      clock,
      log,
      timeline,
      emit: (frame) => this.#video(frame),
    });
    this.#audio = new AudioFramer({ clock, timeline, log, emit: (packet) => this.#sound(packet) });
    this.#pacer = new FramePacer({ clock, timeline, release: (picture, at) => track.push(picture, at) });
    this.#router = new ChunkRouter({
      clock,
      timeline,
      pacer: this.#pacer,
      audio: this.#audio,
      fps: options.fps,
      bufferSeconds: options.bufferSeconds,
      interactive: options.interactive,
      routed: options.routed,
    });
  }

  /** The timeline that frames are stamped with. */
  get clock(): MediaClock {
    return this.#timeline;
  }

  /** Chunks taken from the pipeline so far. */
  get chunks(): number {
    return this.#router.chunks;
  }

  /** Counters of the picture track. */
  get counters(): Readonly<TrackCounters> & { readonly underruns: number } {
    return { ...this.#track.counters, underruns: this.#timeline.underruns };
  }

  /** Adds a reader; the next frame it gets is a key frame. */
  addReader(reader: MediaReader): () => void {
    this.#readers.add(reader);
    if (this.#timeline.started) this.requestKeyFrame();
    return () => this.#readers.delete(reader);
  }

  /** Stands still: nothing is played, and no chunk is asked for beyond what is buffered. */
  pause(): void {
    this.#timeline.pause();
  }

  /** Goes on where it stood still; returns for how many seconds it did. */
  unpause(): number {
    const seconds = this.#timeline.unpause();
    this.#pacer.wake();
    this.#audio.wake();
    return seconds;
  }

  /** Begins playing; until then chunks are only buffered. */
  start(): void {
    this.#timeline.start();
    this.#pacer.wake();
    this.#audio.wake();
  }

  /**
   * Consumes the chunks; resolves when all has been played, or at once on `close()`.
   *
   * @throws what the pipeline threw
   */
  async run(chunks: AsyncIterable<PipelineChunk>): Promise<void> {
    await this.#router.run(chunks, this.#abort.signal);
  }

  /** Input has come that the next picture is to show soon; only an interactive stream heeds it. */
  nudge(): void {
    this.#router.nudge();
  }

  /** Follows what the network to the readers carries. */
  setTarget(target: StreamTarget): void {
    this.#track.setTarget(target);
  }

  requestKeyFrame(): void {
    if (this.#keyTimer !== undefined || this.#abort.signal.aborted) return;
    const { clock } = this.#options;
    const wait = this.#lastKeyRequest + KEY_FRAME_INTERVAL - clock.now();
    if (wait > 0) {
      this.#keyTimer = clock.schedule(wait, () => {
        this.#keyTimer = undefined;
        this.requestKeyFrame();
      });
      return;
    }
    this.#lastKeyRequest = clock.now();
    this.#track.requestKeyFrame();
  }

  /** Stops and frees the codecs. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#keyTimer?.cancel();
    this.#pacer.close();
    this.#readers.clear();
    await this.#audio.close();
    await this.#track.close();
  }

  #video(frame: EncodedFrame): void {
    const payloads = this.#packetizer.packetize(frame.data, MAX_RTP_PAYLOAD);
    for (const reader of this.#readers) reader.video(frame, payloads);
  }

  #sound(packet: EncodedAudio): void {
    for (const reader of this.#readers) reader.audio(packet);
  }
}
