import assert from "node:assert/strict";
import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_LOG_FATAL,
  AV_PIX_FMT_YUV420P,
  AV_SAMPLE_FMT_FLTP,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBX264,
} from "node-av/constants";
import { Codec, CodecContext, FormatContext, Frame, Log, Packet, Rational, type Stream } from "node-av/lib";
import type { Yuv } from "./pictures.ts";

/** What a film is made of. */
export interface FilmOptions {
  readonly width: number;
  readonly height: number;
  /** Frames per second as a fraction. */
  readonly rate: readonly [number, number];
  readonly frames: number;
  /** The colour of each picture, limited range. */
  readonly color: (index: number) => Yuv;
  /** A tone that is as long as the pictures. */
  readonly sound?: { readonly hertz: number; readonly rate: number; readonly channels: 1 | 2 };
}

/** Writes a small MP4 file with H.264 pictures in another order than they are shown (two B-frames), and AAC sound. */
export function writeFilm(path: string, options: FilmOptions): void {
  Log.setLevel(AV_LOG_FATAL);
  const format = new FormatContext();
  ok(format.allocOutputContext2(null, "mp4", path));
  const video = openVideo(options);
  const sound = options.sound === undefined ? undefined : openSound(options.sound);
  const tracks = [video, ...(sound === undefined ? [] : [sound])].map((context) => {
    const stream = format.newStream(null);
    ok(stream.codecpar.fromContext(context));
    stream.timeBase = context.timeBase;
    return { context, stream };
  });
  ok(format.openOutputSync());
  ok(format.writeHeaderSync(null));
  const [videoTrack, soundTrack] = tracks;
  assert.ok(videoTrack !== undefined);
  writePictures(format, videoTrack, options);
  if (soundTrack !== undefined && options.sound !== undefined) {
    const seconds = options.frames * options.rate[1] / options.rate[0];
    writeTone(format, soundTrack, { ...options.sound, seconds });
  }
  ok(format.writeTrailerSync());
  format.closeOutputSync();
  for (const { context } of tracks) context.freeContext();
  format.freeContext();
}

interface Track {
  readonly context: CodecContext;
  readonly stream: Stream;
}

function ok(result: number): void {
  assert.ok(result >= 0, `FFmpeg says ${result}`);
}

function openVideo({ width, height, rate }: FilmOptions): CodecContext {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264);
  assert.ok(codec !== null, "this FFmpeg has no H.264 encoder");
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = width;
  context.height = height;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.timeBase = new Rational(rate[1], rate[0]);
  context.framerate = new Rational(rate[0], rate[1]);
  context.maxBFrames = 2;
  context.gopSize = 12;
  context.threadCount = 1;
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  ok(context.setOption("preset", "veryfast"));
  ok(context.setOption("x264-params", "b-adapt=0:log-level=none"));
  ok(context.open2Sync(codec, null));
  return context;
}

function openSound({ rate, channels }: { rate: number; channels: 1 | 2 }): CodecContext {
  const codec = Codec.findEncoderByName(FF_ENCODER_AAC);
  assert.ok(codec !== null, "this FFmpeg has no AAC encoder");
  const context = new CodecContext();
  context.allocContext3(codec);
  context.sampleRate = rate;
  context.sampleFormat = AV_SAMPLE_FMT_FLTP;
  context.channelLayout = channels === 2 ? AV_CHANNEL_LAYOUT_STEREO : AV_CHANNEL_LAYOUT_MONO;
  context.timeBase = new Rational(1, rate);
  context.bitRate = 128_000n;
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  ok(context.open2Sync(codec, null));
  return context;
}

function writePictures(format: FormatContext, track: Track, { width, height, frames, color }: FilmOptions): void {
  for (let index = 0; index < frames; index++) {
    using frame = new Frame();
    frame.alloc();
    frame.format = AV_PIX_FMT_YUV420P;
    frame.width = width;
    frame.height = height;
    ok(frame.getBuffer(0));
    for (const [plane, value] of color(index).entries()) frame.data?.[plane]?.fill(value);
    frame.pts = BigInt(index);
    ok(track.context.sendFrameSync(frame));
    writePackets(format, track);
  }
  ok(track.context.sendFrameSync(null));
  writePackets(format, track);
}

function writeTone(
  format: FormatContext,
  track: Track,
  { hertz, rate, channels, seconds }: { hertz: number; rate: number; channels: 1 | 2; seconds: number },
): void {
  const total = Math.round(seconds * rate);
  for (let from = 0; from < total; from += 1024) {
    const count = Math.min(1024, total - from);
    using frame = new Frame();
    frame.alloc();
    frame.format = AV_SAMPLE_FMT_FLTP;
    frame.sampleRate = rate;
    frame.channelLayout = track.context.channelLayout;
    frame.nbSamples = count;
    ok(frame.getBuffer(0));
    for (let channel = 0; channel < channels; channel++) {
      const plane = frame.data?.[channel];
      assert.ok(plane !== undefined);
      const view = new DataView(plane.buffer, plane.byteOffset, plane.byteLength);
      for (let at = 0; at < count; at++) {
        view.setFloat32(at * 4, 0.4 * Math.sin(2 * Math.PI * hertz * (from + at) / rate), true);
      }
    }
    frame.pts = BigInt(from);
    ok(track.context.sendFrameSync(frame));
    writePackets(format, track);
  }
  ok(track.context.sendFrameSync(null));
  writePackets(format, track);
}

function writePackets(format: FormatContext, { context, stream }: Track): void {
  using packet = new Packet();
  packet.alloc();
  while (context.receivePacketSync(packet) >= 0) {
    // x264 does not say how long a picture lasts; without it the last one would last no time at all.
    if (packet.duration === 0n) packet.duration = 1n;
    packet.rescaleTs(context.timeBase, stream.timeBase);
    packet.streamIndex = stream.index;
    ok(format.interleavedWriteFrameSync(packet));
    packet.unref();
  }
}
