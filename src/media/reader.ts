import type { EncodedAudio, EncodedFrame } from "./frame.ts";

/** Someone who takes what a stream produces: a viewer, a recorder. Calls must not block. */
export interface MediaReader {
  /** A video frame and, made once for all readers, the RTP payloads it is cut into. */
  video(frame: EncodedFrame, payloads: readonly Uint8Array[]): void;
  /** An Opus packet; one packet is one RTP payload. */
  audio(packet: EncodedAudio): void;
}

/** What a reader may ask of the stream it reads. */
export interface ReaderFeedback {
  /** Makes the next frame a key frame; requests are merged over readers and time. */
  requestKeyFrame(): void;
}

/** The timeline that frames are stamped with, for whoever has to relate it to other clocks. */
export interface MediaClock {
  /** Seconds on the media timeline at this instant; negative before it starts. */
  mediaNow(): number;
}
