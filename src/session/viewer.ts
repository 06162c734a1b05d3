import type { Log } from "../log.ts";
import type { MediaReader, VideoCodec } from "../media/mod.ts";
import type { Inbox, ViewerMedia } from "../pipeline/mod.ts";
import type { LiveStream } from "../stream/mod.ts";
import type { PeerConnection } from "../webrtc/mod.ts";
import type { ControlTrace } from "./control_trace.ts";
import { ViewerInput } from "./viewer_input.ts";

/** What a viewer's connection is joined to. */
export interface ViewerOptions {
  readonly peer: PeerConnection;
  readonly live: LiveStream;
  readonly inbox: Inbox;
  readonly media: ViewerMedia;
  readonly codec: VideoCodec;
  readonly trace: ControlTrace;
  readonly log: Log;
}

/** One connection of a session's viewer, joined to the stream. A viewer that comes back brings another one. */
export class Viewer {
  readonly peer: PeerConnection;
  readonly #options: ViewerOptions;
  #input: ViewerInput | undefined;
  #leave: (() => void) | undefined;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.peer = options.peer;
  }

  /** Joins the stream, once, when the connection is up: the next frame is a key frame. */
  join(): void {
    if (this.#leave !== undefined) return;
    const { peer, live, inbox, codec, media, trace, log } = this.#options;
    this.#input = new ViewerInput({ peer, inbox, codec, media, log });
    const { video, audio, path } = peer;
    if (path !== undefined) live.setTarget(path.state);
    path?.changed.on((state) => live.setTarget(state));
    const reader: MediaReader = {
      video: (frame, payloads) => {
        video?.send(payloads, frame);
        trace.sent(frame.mediaTime);
      },
      audio: (packet) => audio?.send([packet.data], { mediaTime: packet.mediaTime, key: true }),
    };
    this.#leave = live.addReader(reader);
    live.start();
    video?.start(live.clock);
    audio?.start(live.clock);
    video?.keyFrameRequested.on(() => live.requestKeyFrame());
  }

  /** The stream stood still for so long, while the viewer's clock went on. */
  skip(seconds: number): void {
    this.peer.video?.skip(seconds);
    this.peer.audio?.skip(seconds);
  }

  /** Counters of camera and microphone. */
  get inputStats() {
    return this.#input?.stats;
  }

  /** Leaves the stream and closes the connection. */
  async close(reason: string): Promise<void> {
    this.#leave?.();
    await Promise.all([this.peer.close(reason), this.#input?.close()]);
  }
}
