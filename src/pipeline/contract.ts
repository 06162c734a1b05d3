/**
 * What a pipeline author writes against: `import type { ServerPushService } from "telefuser"`.
 *
 * A pipeline is one module that exports `getService()`. The server loads it into a sandboxed worker and calls `start()`
 * once and `stop()` at shutdown. What is in between depends on the service: a {@link ServerPushService} has `serve()`
 * called once per viewer, a {@link BidirectionalService} gets messages, camera and microphone as well. Field names of
 * requests, messages and chunks are the wire names.
 *
 * This file holds types only, so importing it costs a pipeline nothing at run time.
 *
 * @module
 */

/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** The export every pipeline module must have: `export function getService(): ServerPushService`. */
export type GetService = () => MaybePromise<ServerPushService | BidirectionalService>;

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

/**
 * A pipeline that takes input while it generates: what the viewer presses, says and shows arrives at `pushChunk()`, and
 * `pullChunks()` yields what it answers. Whatever it throws ends that viewer's session only, with its message.
 */
export interface BidirectionalService {
  /** Frames per second when neither the request nor the chunk says; 24 when this is absent too. Fractions are exact. */
  defaultFps?: number;
  /** How camera and microphone arrive at `pushChunk()`; read once, after `start()`. */
  viewerMedia?: ViewerMediaOptions;
  /** Called once before the first viewer. Load models and open files here; a throw makes the server answer 503. */
  start?(context: PipelineContext): MaybePromise<void>;
  /** Called once at shutdown. */
  stop?(): MaybePromise<void>;
  /**
   * Called once per viewer, before its offer is answered. Returns the id by which the other methods are called; usually
   * `config.session_id`. A throw refuses the viewer with 400 and the error's message, or with 409 when the error has
   * `code: "session_exists"`.
   */
  createSession(config: SessionConfig, session: SessionContext): MaybePromise<string>;
  /**
   * Takes what came from the viewer. Control messages come in their order, one at a time: the next one waits until the
   * promise of this call is settled. While 64 wait, the oldest of the same kind (same `type`, `key` and fields) is left
   * out. Camera and microphone have lanes of their own: a slow call gets the newest picture next, not the next one.
   */
  pushChunk(sessionId: string, message: ControlMessage | MediaMessage): MaybePromise<void>;
  /**
   * Yields what the viewer is to see and hear. Called once per session, when the viewer is connected. The next chunk is
   * asked for as late as it can be made in time, so state read when a chunk is made is as new as it can be.
   */
  pullChunks(sessionId: string): AsyncIterable<Chunk>;
  /** Called once when the session is over, whoever ended it and however. */
  closeSession(sessionId: string, reason: SessionEnd): MaybePromise<void>;
}

/**
 * What `createSession()` gets: the offer's fields without `sdp` and `type`, with those of its `config` on the same
 * level. A field of the offer itself wins over one of `config` with the same name.
 */
export interface SessionConfig {
  /** The server's id of this session. */
  session_id: string;
  /** Task type, for example `bidirectional`. */
  task: string;
  /** Input prompt. */
  prompt?: string;
  /** Frames per second the viewer asked for. */
  fps?: number;
  /** Anything else the client sent. */
  [field: string]: unknown;
}

/** A JSON object as the client sent it, for example `{ type: "control", key: "ArrowUp", action: "press" }`. */
export interface ControlMessage {
  type?: string;
  /**
   * Names the message for the latency trace: yield it in {@link Chunk.applied_controls} of the first chunk that shows
   * its effect.
   */
  id?: string | number;
  [field: string]: unknown;
}

/** Camera pictures or microphone sound of the viewer. */
export interface MediaMessage {
  type: "media";
  /** Newest last; the server sends one at a time. */
  video_frames?: readonly CameraFrame[];
  /** Interleaved signed 16-bit samples. */
  audio_pcm?: Int16Array;
  /** Hz, of `audio_pcm`. */
  sample_rate?: number;
  /** Of `audio_pcm`. */
  channels?: 1 | 2;
}

/** One picture of the viewer's camera. */
export interface CameraFrame {
  data: Uint8Array;
  format: "rgba" | "i420" | "jpeg";
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  /** When it arrived, in seconds since 1970. */
  timestamp: number;
}

/** How camera and microphone are handed over. `false`: not at all, and nothing is decoded. */
export interface ViewerMediaOptions {
  /** Pictures: `rgba` by default, in the camera's size unless `width` or `height` says otherwise (even numbers). */
  video?: false | { format?: "rgba" | "i420" | "jpeg"; width?: number; height?: number };
  /** Sound: 48000 Hz with one channel by default, in blocks of 20 ms or more. */
  audio?: false | { sample_rate?: number; channels?: 1 | 2 };
}

/** Why a session is over. */
export interface SessionEnd {
  /** `finished`, `pipeline_failed`, `client_request`, `connection_lost`, `setup_failed` or `shutting_down`. */
  readonly code: string;
  /** A sentence for people. */
  readonly detail: string;
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
  /** Ids of control messages whose effect this chunk shows first, for the latency trace. */
  applied_controls?: readonly (string | number)[];
  /**
   * Hands the buffers of `frames` and `audio` over instead of copying them: they are empty afterwards. For pictures
   * that are made anew for every chunk.
   */
  transfer?: boolean;
  /** The media fields may stand in here instead: `{ type: "chunk", data: { frames_b64: [...] } }`. */
  data?: unknown;
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
