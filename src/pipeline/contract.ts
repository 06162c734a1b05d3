/**
 * What a pipeline author writes against: `import type { ServerPushService } from "telefuser"`.
 *
 * A pipeline is one module that exports `getService()`. The server loads it into a sandboxed worker, calls `start()`
 * once, `serve()` once per viewer and `stop()` at shutdown. Field names of requests and chunks are the wire names.
 *
 * This file holds types only, so importing it costs a pipeline nothing at run time.
 *
 * @module
 */

/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** The export every pipeline module must have: `export function getService(): ServerPushService`. */
export type GetService = () => MaybePromise<ServerPushService>;

/** A pipeline that takes one request and pushes chunks until it is done or the viewer leaves. */
export interface ServerPushService {
  /** Frames per second when neither the request nor the chunk says; 24 when this is absent too. Fractions are exact. */
  defaultFps?: number;
  /** Called once before the first viewer. Load models and open files here; a throw makes the server answer 503. */
  start?(context: PipelineContext): MaybePromise<void>;
  /** Called once at shutdown. */
  stop?(): MaybePromise<void>;
  /**
   * Called once per viewer. The next chunk is asked for only when the viewer's buffer has room (about one second), so
   * a generator may run as fast as it likes. When the viewer leaves, `session.signal` aborts and the generator is
   * returned, which runs its `finally` blocks.
   */
  serve(request: StreamRequest, session: SessionContext): AsyncIterable<Chunk>;
}

/** The offer's fields without `sdp` and `type`; unknown fields are passed on as they came. */
export interface StreamRequest {
  /** Id of the session this request belongs to. */
  session_id: string;
  /** Task type, for example `t2v`. */
  task: string;
  /** Input prompt. */
  prompt?: string;
  /** Frames per second the viewer asked for. */
  fps?: number;
  /** How long to stream, in seconds. */
  duration_s?: number;
  /** Free-form settings. */
  config: Record<string, unknown>;
  /** Anything else the client sent. */
  [field: string]: unknown;
}

/** One step of output. Only `frames_b64` or `frames` or `audio_b64` or `audio` has to be there. */
export interface Chunk {
  /** Always `"chunk"`; may be left out. */
  type?: "chunk";
  /** Sequence number of this chunk; may be left out. */
  index?: number;
  /** Base64 of JPEG pictures, in display order. */
  frames_b64?: readonly string[];
  /** Pictures as bytes, in display order: no base64 to pay for. */
  frames?: readonly Frame[];
  /** Frames per second of this chunk (0.1–240, fractions such as 30000/1001 are exact). */
  fps?: number;
  /** Number of frames; checked against the frames when given. */
  num_frames?: number;
  /** For people and logs, for example `"1280x720"`. */
  resolution?: string;
  /** Echo of the prompt. */
  prompt?: string;
  /** When the chunk was generated, in seconds since 1970. */
  timestamp?: number;
  /** Base64 of interleaved signed 16-bit little-endian PCM that starts with the first frame of this chunk. */
  audio_b64?: string;
  /** The same PCM as samples or as bytes. */
  audio?: Int16Array | Uint8Array;
  /** Sample rate of the audio in Hz (8000–192000); 48000 when absent. */
  audio_sample_rate?: number;
  /** Channels of the audio, interleaved: 1 (default) or 2. */
  audio_channels?: 1 | 2;
  /**
   * Hands the buffers of `frames` and `audio` over instead of copying them: they are empty afterwards. For pictures
   * that are made anew for every chunk.
   */
  transfer?: boolean;
  /** Anything else is passed to the client as metadata. */
  [field: string]: unknown;
}

/** Bytes of a picture; image libraries give either kind. */
export type PictureBytes = Uint8Array | Uint8ClampedArray;

/** One picture. */
export type Frame = JpegFrame | RawFrame | EncodedAccessUnit;

/** A JPEG picture; its size is read from the data. */
export interface JpegFrame {
  format: "jpeg";
  data: PictureBytes;
}

/**
 * Uncompressed pixels without row padding. `rgba`: width·height·4 bytes. `i420`: a Y plane of width·height bytes, then U,
 * then V, each ⌈width/2⌉·⌈height/2⌉, BT.601 limited range.
 */
export interface RawFrame {
  format: "rgba" | "i420";
  data: PictureBytes;
  /** Pixels, 16–4096. */
  width: number;
  /** Pixels, 16–4096. */
  height: number;
}

/**
 * One access unit that goes out as it is: H.264 Annex B (constrained baseline) or a VP8 frame. The viewer must have
 * negotiated that codec; the first one must be a key frame.
 */
export interface EncodedAccessUnit {
  format: "h264" | "vp8";
  data: Uint8Array;
  /** Whether a decoder can start here; read from the data when absent. */
  key?: boolean;
}

/** What the server offers to a pipeline at `start()`. */
export interface PipelineContext {
  /** Writes to the server's log under the pipeline's name. */
  readonly log: PipelineLog;
  /** Aborts when the service is to stop. */
  readonly signal: AbortSignal;
  /** Files named by `--media`, which may be opened at every security level. */
  readonly media: readonly string[];
  /**
   * Opens a video file that the pipeline may read and has the server decode it. `telefuser:clip` is the clip that comes
   * with the server. Relative paths start at the pipeline's folder.
   *
   * @throws when the level does not allow the file, or when it is missing or not a video; the message says which flag
   * would allow it
   */
  openVideo(path: string, options?: OpenVideoOptions): Promise<VideoFile>;
}

/** What the server offers to one call of `serve()`. */
export interface SessionContext {
  /** Writes to the server's log under the pipeline's name and the session's id. */
  readonly log: PipelineLog;
  /** Aborts when the viewer has left. */
  readonly signal: AbortSignal;
}

/** Log lines of a pipeline; values are shown as JSON behind the message. */
export interface PipelineLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** How `openVideo` hands out pictures. */
export interface OpenVideoOptions {
  /** `jpeg` (default) is small enough to keep in memory; `i420` and `rgba` are raw. */
  format?: "jpeg" | "i420" | "rgba";
  /** JPEG quality, 1–100; default 90. */
  quality?: number;
  /** Scale to this many pixels across, keeping the aspect ratio unless `height` is given too. Even numbers. */
  width?: number;
  /** Scale to this many pixels down. */
  height?: number;
}

/** A decoded video file. Reading goes through it once, from its beginning. */
export interface VideoFile {
  /** Pixels across of the pictures handed out. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
  /** Average frames per second. */
  readonly fps: number;
  /** Length in seconds; 0 when the file does not say. */
  readonly duration_s: number;
  /** Shape of the sound, or null when the file has none. */
  readonly audio: { readonly sample_rate: number; readonly channels: 1 | 2 } | null;
  /** Every picture in display order. */
  frames(): AsyncIterable<VideoFileFrame>;
  /** The whole sound track as interleaved PCM16; empty when there is none. */
  readAudio(): Promise<Int16Array>;
  /** Frees the decoder. Called by the server when the service stops, at the latest. */
  close(): Promise<void>;
}

/** One decoded picture; it can be yielded in `Chunk.frames` as it is. */
export type VideoFileFrame = (JpegFrame | RawFrame) & {
  /** Seconds from the beginning of the file. */
  timestamp: number;
};
