import assert from "node:assert/strict";
import {
  AV_CODEC_ID_H264,
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_VP8,
  AV_LOG_FATAL,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_RANGE_JPEG,
  FF_ENCODER_MJPEG,
} from "node-av/constants";
import { Codec, CodecContext, Frame, Log, Packet, Rational } from "node-av/lib";
import type { JpegPicture, RawPicture, VideoCodec } from "../../../src/media/mod.ts";

/** Sample values of one point: Y, U and V. */
export type Yuv = readonly [number, number, number];

/** A decoded picture, planes without padding. */
export interface DecodedPicture {
  readonly width: number;
  readonly height: number;
  readonly key: boolean;
  /** Whether luma uses 0–255 instead of 16–235, as the stream says. */
  readonly fullRange: boolean;
  /** The mean of Y, U and V over a part of the picture, in shares of its sides. */
  mean(part?: { left: number; top: number; right: number; bottom: number }): Yuv;
}

const WHOLE = { left: 0, top: 0, right: 1, bottom: 1 };

/** Decodes access units with FFmpeg as a viewer would: in order, from the first on. */
export function decodeVideo(codec: VideoCodec, units: readonly Uint8Array[]): DecodedPicture[] {
  return decode(codec === "H264" ? AV_CODEC_ID_H264 : AV_CODEC_ID_VP8, units);
}

/** Decodes JPEG pictures with FFmpeg. */
export function decodeJpegs(pictures: readonly Uint8Array[]): DecodedPicture[] {
  return decode(AV_CODEC_ID_MJPEG, pictures);
}

function decode(id: Parameters<typeof Codec.findDecoder>[0], units: readonly Uint8Array[]): DecodedPicture[] {
  Log.setLevel(AV_LOG_FATAL);
  const codec = Codec.findDecoder(id);
  assert.ok(codec !== null, "this FFmpeg has no such decoder");
  using context = new CodecContext();
  context.allocContext3(codec);
  context.threadCount = 1;
  assert.ok(context.open2Sync(codec, null) >= 0);
  using packet = new Packet();
  packet.alloc();
  using frame = new Frame();
  frame.alloc();
  const pictures: DecodedPicture[] = [];
  function drain(): void {
    while (context.receiveFrameSync(frame) >= 0) {
      assert.equal(frame.decodeErrorFlags, 0, `picture ${pictures.length} decodes with errors`);
      pictures.push(readFrame(frame));
      frame.unref();
    }
  }
  for (const unit of units) {
    packet.data = Buffer.from(unit);
    assert.ok(context.sendPacketSync(packet) >= 0, `access unit ${pictures.length} does not decode`);
    packet.unref();
    drain();
  }
  context.sendPacketSync(null);
  drain();
  return pictures;
}

/** Copies the planes of a 4:2:0 frame, so that they outlive it. */
export function readFrame(frame: Frame): DecodedPicture {
  const { width, height } = frame;
  const data = frame.data ?? [];
  const planes = [0, 1, 2].map((index) => {
    const size = index === 0 ? { width, height } : { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
    const source = data[index];
    const stride = frame.linesize[index];
    assert.ok(source !== undefined && stride !== undefined, `the frame has no plane ${index}`);
    const bytes = new Uint8Array(size.width * size.height);
    for (let row = 0; row < size.height; row++) {
      bytes.set(source.subarray(row * stride, row * stride + size.width), row * size.width);
    }
    return { ...size, bytes };
  });
  return {
    width,
    height,
    key: frame.keyFrame === 1,
    fullRange: frame.colorRange === AVCOL_RANGE_JPEG,
    mean(part = WHOLE): Yuv {
      const [y = 0, u = 0, v = 0] = planes.map((plane) => meanOf(plane, part));
      return [y, u, v];
    },
  };
}

function meanOf(plane: { width: number; height: number; bytes: Uint8Array }, part: typeof WHOLE): number {
  const right = Math.max(1, Math.floor(part.right * plane.width));
  const bottom = Math.max(1, Math.floor(part.bottom * plane.height));
  let sum = 0;
  let count = 0;
  for (let y = Math.floor(part.top * plane.height); y < bottom; y++) {
    for (let x = Math.floor(part.left * plane.width); x < right; x++) {
      sum += plane.bytes[y * plane.width + x] ?? 0;
      count++;
    }
  }
  return sum / count;
}

/** Whether all three samples are within a tolerance of what is expected. */
export function assertNear(actual: Yuv, expected: Yuv, tolerance: number, what = "picture"): void {
  const off = actual.some((value, index) => Math.abs(value - (expected[index] ?? 0)) > tolerance);
  assert.ok(!off, `${what}: ${actual.map((value) => value.toFixed(1))} instead of ${expected}`);
}

/** A picture of one colour in I420. */
export function i420(width: number, height: number, [y, u, v]: Yuv): RawPicture {
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  const data = new Uint8Array(width * height + 2 * chroma);
  data.fill(y, 0, width * height);
  data.fill(u, width * height, width * height + chroma);
  data.fill(v, width * height + chroma);
  return { format: "i420", data, width, height };
}

/** A picture whose left half has one colour and whose right half has another, in RGBA. */
export function rgba(
  width: number,
  height: number,
  left: readonly [number, number, number],
  right: readonly [number, number, number] = left,
): RawPicture {
  const data = new Uint8Array(width * height * 4);
  for (let at = 0; at < width * height; at++) {
    data.set([...(at % width < width / 2 ? left : right), 255], at * 4);
  }
  return { format: "rgba", data, width, height };
}

/** A JPEG made by FFmpeg; colours are full-range Y, U and V, which is what JFIF files hold. */
export function jpeg(width: number, height: number, [y, u, v]: Yuv): JpegPicture {
  return encodeJpeg(width, height, (planes) => {
    for (const [index, value] of [y, u, v].entries()) planes[index]?.fill(value);
  });
}

/** A JPEG full of detail, so that most of it is picture and little of it is header. */
export function detailedJpeg(width: number, height: number): JpegPicture {
  return encodeJpeg(width, height, (planes) => {
    for (const plane of planes) {
      for (let at = 0; at < plane.length; at++) plane[at] = (at * at * 7 + at * 13) % 251;
    }
  });
}

function encodeJpeg(width: number, height: number, paint: (planes: readonly Uint8Array[]) => void): JpegPicture {
  Log.setLevel(AV_LOG_FATAL);
  const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG);
  assert.ok(codec !== null, "this FFmpeg has no JPEG encoder");
  using context = new CodecContext();
  context.allocContext3(codec);
  context.width = width;
  context.height = height;
  context.pixelFormat = AV_PIX_FMT_YUVJ420P;
  context.colorRange = AVCOL_RANGE_JPEG;
  context.timeBase = new Rational(1, 25);
  context.threadCount = 1;
  assert.ok(context.open2Sync(codec, null) >= 0);
  using frame = new Frame();
  frame.alloc();
  frame.format = AV_PIX_FMT_YUVJ420P;
  frame.width = width;
  frame.height = height;
  assert.ok(frame.getBuffer(0) >= 0);
  paint(frame.data ?? []);
  frame.pts = 0n;
  using packet = new Packet();
  packet.alloc();
  assert.ok(context.sendFrameSync(frame) >= 0);
  assert.ok(context.receivePacketSync(packet) >= 0);
  assert.ok(packet.data !== null);
  return { format: "jpeg", data: new Uint8Array(packet.data) };
}
