/** What a pipeline may take of time and space. Times are seconds. */
export interface PipelineLimits {
  /** From the start of its worker until `start()` has returned. */
  readonly startSeconds: number;
  /** Without a sign of life, while it runs. */
  readonly heartbeatSeconds: number;
  /** For `createSession()`. */
  readonly openSeconds: number;
  /** For `closeSession()`, and for `stop()`. */
  readonly closeSeconds: number;
  /** Bytes of pictures and sound in one chunk. */
  readonly chunkBytes: number;
  /** Pictures in one chunk. */
  readonly chunkFrames: number;
}

/** What holds when nobody says otherwise. */
export const DEFAULT_LIMITS: PipelineLimits = {
  startSeconds: 600,
  heartbeatSeconds: 10,
  openSeconds: 30,
  closeSeconds: 5,
  chunkBytes: 256 * 1024 * 1024,
  chunkFrames: 1000,
};

/** Characters of a chunk's metadata as JSON, and of its prompt: no viewer takes a longer message. */
export const MAX_METADATA = 1024 * 1024;
