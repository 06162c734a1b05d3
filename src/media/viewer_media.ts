import type { PcmBlock } from "./frame.ts";

/** A picture of the viewer's camera as it came off the wire, complete and in decoding order. */
export interface ReceivedFrame {
  readonly codec: "H264" | "VP8";
  /** Annex B for H.264, a frame as in RFC 6386 for VP8. */
  readonly data: Uint8Array;
  readonly key: boolean;
  /** When its last packet arrived, in seconds since 1970. */
  readonly receivedAt: number;
}

/** A packet of the viewer's microphone. */
export interface ReceivedAudio {
  /** One Opus packet; null where a packet was lost, for the decoder to conceal. */
  readonly data: Uint8Array | null;
  readonly receivedAt: number;
}

/** A camera picture for the pipeline. */
export interface CameraPicture {
  readonly format: "rgba" | "i420" | "jpeg";
  /** Its buffer is handed over. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly receivedAt: number;
}

/** Where camera and microphone go. */
export interface ViewerMediaSink {
  /** Whether a picture would be taken at once; when not, keep only the newest until `whenFree` is called. */
  readonly takesPicture: boolean;
  /** Called when `takesPicture` has become true again. */
  whenFree: () => void;
  picture(picture: CameraPicture): void;
  sound(block: PcmBlock): void;
}
