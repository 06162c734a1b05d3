/**
 * From chunks to encoded media on one timeline. A private session is a `LiveStream` with one reader.
 *
 * Frames are dropped before encoding, never after it.
 *
 * @module
 */
export { AudioFramer } from "./audio_framer.ts";
export { type CameraCounters, CameraFeed } from "./camera_feed.ts";
export { ChunkRouter, type RoutedChunk } from "./chunk_router.ts";
export { EncodedTrack, type TrackCounters } from "./encoded_track.ts";
export { FramePacer } from "./frame_pacer.ts";
export { LiveStream, type LiveStreamOptions } from "./live_stream.ts";
export { type MicrophoneCounters, MicrophoneFeed } from "./microphone_feed.ts";
export { PlayoutTimeline } from "./playout_timeline.ts";
export { SampleBuffer } from "./sample_buffer.ts";
