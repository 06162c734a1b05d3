import type { Log } from "../log.ts";
import type { VideoCodec } from "../media/mod.ts";
import type { Inbox, ViewerMedia } from "../pipeline/mod.ts";
import { CameraFeed, MicrophoneFeed } from "../stream/mod.ts";
import type { PeerConnection } from "../webrtc/mod.ts";

/** The way of a viewer's camera and microphone from the connection to the pipeline. */
export class ViewerInput {
  readonly #camera: CameraFeed | undefined;
  readonly #microphone: MicrophoneFeed | undefined;
  readonly #peer: PeerConnection;

  /** Begins with a connected peer; opens a decoder for each track that the viewer may send. */
  constructor(
    { peer, inbox, media, codec, log }: {
      peer: PeerConnection;
      inbox: Inbox;
      media: ViewerMedia;
      codec: VideoCodec;
      log: Log;
    },
  ) {
    this.#peer = peer;
    const { camera, microphone } = peer;
    if (camera !== undefined && media.video !== null) {
      const feed = this.#camera = new CameraFeed({
        codec,
        format: media.video,
        sink: inbox,
        requestKeyFrame: () => camera.requestKeyFrame(),
        log,
      });
      camera.frame.on((frame) => feed.push(frame));
    }
    if (microphone !== undefined && media.audio !== null) {
      const feed = this.#microphone = new MicrophoneFeed({ shape: media.audio, sink: inbox, log });
      microphone.packet.on((packet) => feed.push(packet));
    }
  }

  /** Counters for the status. */
  get stats() {
    return {
      camera_frames: this.#camera?.counters.frames ?? 0,
      camera_dropped: this.#camera?.counters.dropped ?? 0,
      camera_invalid: this.#camera?.counters.invalid ?? 0,
      camera_packets_lost: this.#peer.camera?.stats.packetsLost ?? 0,
      microphone_packets: this.#microphone?.counters.packets ?? 0,
      microphone_lost: this.#microphone?.counters.lost ?? 0,
    };
  }

  /** Stops and frees the decoders. */
  async close(): Promise<void> {
    await Promise.all([this.#camera?.close(), this.#microphone?.close()]);
  }
}
