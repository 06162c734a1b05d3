/**
 * Pictures and sound into codecs and back, in FFmpeg's native threads. The only room that knows node-av.
 *
 * Every class here owns native memory: close it, and it waits for what is running before it frees.
 *
 * @module
 */
export { CappedEncoder } from "./capped_encoder.ts";
export { encoderOptions, type VideoEncoderSettings } from "./encoder_options.ts";
export { jpegSize } from "./jpeg_size.ts";
export { type CodecLibrary, codecLibrary } from "./library.ts";
export { OpusDecoder } from "./opus_decoder.ts";
export { OPUS_FRAME_SAMPLES, OPUS_SAMPLE_RATE, OpusEncoder } from "./opus_encoder.ts";
export { isFullRange, PICTURE_SIDE, PictureConverter } from "./picture_converter.ts";
export { type PcmShape, Resampler } from "./resampler.ts";
export { type DecodedFormat, VideoDecoder } from "./video_decoder.ts";
export { type EncodedPictureData, VideoEncoder } from "./video_encoder.ts";
export { openVideoFile } from "./video_file.ts";
