import type { LogLevel } from "../log.ts";
import type { SessionEnd } from "./contract.ts";

/** What the pipeline may know about itself when it is loaded. */
export interface LoadMessage {
  readonly t: "load";
  /** File URL of the pipeline module. */
  readonly url: string;
  /** Files that may be opened at every level. */
  readonly media: readonly string[];
  /** What one chunk may hold. */
  readonly limits: ChunkLimits;
}

/** What one chunk may hold. */
export interface ChunkLimits {
  /** Bytes of pictures and sound. */
  readonly chunkBytes: number;
  /** Pictures. */
  readonly chunkFrames: number;
}

/**
 * Ways into a session that do not wait for each other: in each of them the next message goes to `pushChunk()` when the one
 * before it has been taken.
 */
export type InputLane = "control" | "video" | "audio";

/** Host → worker, over the message port. */
export type HostMessage =
  | LoadMessage
  | { readonly t: "open"; readonly id: string; readonly request: { readonly session_id: string } }
  | { readonly t: "next"; readonly id: string }
  | { readonly t: "push"; readonly id: string; readonly lane: InputLane; readonly message: unknown }
  | { readonly t: "close"; readonly id: string; readonly reason: SessionEnd }
  /** The host waits no longer for a session to close. */
  | { readonly t: "let_go"; readonly id: string }
  | { readonly t: "ping" }
  | { readonly t: "stop" }
  | { readonly t: "reply"; readonly call: number; readonly value: unknown }
  | { readonly t: "refuse"; readonly call: number; readonly detail: string };

/** Worker → host, over the message port. The host checks every field: the other side runs the user's code. */
export type WorkerMessage =
  | { readonly t: "loaded" }
  | {
    readonly t: "ready";
    readonly mode: "server_push" | "bidirectional";
    readonly defaultFps: number | null;
    readonly viewerMedia: unknown;
  }
  | { readonly t: "failed"; readonly during: string; readonly detail: string; readonly stack: string }
  /** The session is there; for a service that pushes, at once. */
  | { readonly t: "opened"; readonly id: string }
  | {
    readonly t: "refused";
    readonly id: string;
    readonly conflict: boolean;
    readonly detail: string;
    readonly stack: string;
  }
  | { readonly t: "chunk"; readonly id: string; readonly chunk: WireChunk }
  /** `pushChunk()` has returned; the lane is free. */
  | { readonly t: "taken"; readonly id: string; readonly lane: InputLane }
  /** No more chunks; with an error when one of the session's methods threw. */
  | {
    readonly t: "end";
    readonly id: string;
    readonly error: string | null;
    readonly during: string;
    readonly stack: string;
  }
  /** Releasing a session threw. */
  | { readonly t: "close_failed"; readonly id: string; readonly during: string; readonly detail: string }
  /** Everything of the session has been released in the worker. */
  | { readonly t: "closed"; readonly id: string }
  | {
    readonly t: "log";
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: Record<string, unknown>;
    readonly session: string | null;
  }
  /** Something was thrown where nobody caught it: in a timer, in a promise that nobody awaits. */
  | { readonly t: "fault"; readonly detail: string; readonly stack: string }
  /** The pipeline ends its own worker, by calling what is named. */
  | { readonly t: "left"; readonly by: string }
  | { readonly t: "pong" }
  | { readonly t: "call"; readonly call: number; readonly op: string; readonly args: unknown }
  | { readonly t: "stopped"; readonly error: string | null };

/** A chunk between worker and host: base64 is bytes by now, everything else is as the pipeline gave it. */
export interface WireChunk {
  readonly fields: Record<string, unknown>;
  readonly frames: readonly unknown[];
  /** What the pipeline called each frame, for messages: `frames_b64[0]`. */
  readonly frameNames: readonly string[];
  readonly audio: Uint8Array | null;
  /** What the pipeline called its sound. */
  readonly audioName: string;
  /** Fields that are not ours, as JSON text. */
  readonly metadata: string;
  /** What was found wrong while turning base64 into bytes. */
  readonly faults: readonly { readonly field: string; readonly detail: string }[];
}

/** What a pipeline may ask of the host, by name, with its arguments and answer. */
export interface HostCalls {
  openVideo: {
    args: { path: string; options: Record<string, unknown> };
    value: {
      handle: number;
      width: number;
      height: number;
      fps: number;
      duration_s: number;
      audio: { sample_rate: number; channels: 1 | 2 } | null;
    };
  };
  readPictures: {
    args: { handle: number; count: number };
    /** As many as there are, were asked for and fit into one message; none at the end. */
    value: readonly { format: string; data: Uint8Array; width?: number; height?: number; timestamp: number }[];
  };
  /** A part of the sound track, from that sample on, and how many samples there are in all. */
  readAudio: { args: { handle: number; from: number }; value: { samples: Int16Array; total: number } };
  closeVideo: { args: { handle: number }; value: null };
}
