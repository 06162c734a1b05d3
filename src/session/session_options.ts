import type { Clock } from "../async/mod.ts";
import type { EncoderEffort, VideoCodec } from "../media/mod.ts";
import type { PipelineSession, StreamMode, ViewerMedia } from "../pipeline/mod.ts";
import type { IceServer, MediaPorts } from "../webrtc/mod.ts";

/** Why a session ended: a code for programs, a sentence for people. */
export interface CloseReason {
  readonly code:
    | "finished"
    | "pipeline_failed"
    | "client_request"
    | "connection_lost"
    | "setup_failed"
    | "shutting_down";
  readonly detail: string;
}

/** A viewer's offer to connect, the first time or again. */
export interface ViewerOffer {
  readonly sdp: string;
  /** Whether candidates that come up later reach the viewer through `trickle()`; else the answer waits for them. */
  readonly trickle: boolean;
  /** Whether the viewer may come back after it closed its connection, as a page does that is loaded again. */
  readonly resumable: boolean;
  /** STUN and TURN servers for this connection. */
  readonly iceServers: readonly IceServer[];
  /** Whether the viewer is on this machine. */
  readonly loopback: boolean;
}

/** What a session is made with. */
export interface SessionOptions {
  readonly id: string;
  readonly offer: ViewerOffer;
  readonly mode: StreamMode;
  readonly fps: number;
  readonly preferredCodec: VideoCodec;
  /** bit/s of the picture on a good network. */
  readonly bitrate: number;
  /** Least bit/s on a bad one. */
  readonly minBitrate: number;
  /** What of the viewer's camera and microphone the pipeline takes. */
  readonly viewerMedia: ViewerMedia;
  /** Most that the viewer's camera may send, in bit/s. */
  readonly cameraBitrate: number;
  readonly effort: EncoderEffort;
  readonly bufferSeconds: number;
  readonly connectLimit: number;
  /** Seconds from the connection until the control channel must be open, for a bidirectional session. */
  readonly channelLimit: number;
  readonly silenceLimit: number;
  /** Seconds for which a viewer that vanished may come back; 0: not at all. */
  readonly holdSeconds: number;
  readonly ports: MediaPorts;
  readonly clock: Clock;
  /** Begins the pipeline's side. */
  readonly openPipeline: () => PipelineSession;
}
