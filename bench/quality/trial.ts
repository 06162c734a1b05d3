import { AV_CODEC_ID_H264, AV_CODEC_ID_VP8, Codec, CodecContext, Frame, Packet } from "node-av";
import process from "node:process";
import { checked } from "../clips/checked.ts";
import type { CodedPicture, PictureEncoder } from "../clips/ffmpeg_encoder.ts";
import { asBuffer, hasNothing } from "../clips/jpeg.ts";
import { FPS } from "../clips/picture.ts";
import { type Psnr, PsnrMeter } from "./psnr.ts";

/** What is encoded, and what decodes it again. */
export interface TrialSubject {
  readonly codec: "H264" | "VP8";
  readonly open: () => PictureEncoder;
}

/** One pass of one encoder over one clip. */
export interface Pass {
  readonly coded: readonly CodedPicture[];
  /** CPU milliseconds of this process per encoded frame, all threads. */
  readonly cpuPerFrame: number;
}

/** Encodes the whole clip once and takes the CPU time. */
export async function encodeClip(subject: TrialSubject, clip: readonly Uint8Array[]): Promise<Pass> {
  await using encoder = subject.open();
  const coded: CodedPicture[] = [];
  const before = cpuMicroseconds();
  for (const [index, picture] of clip.entries()) coded.push(...await encoder.encode(picture, index));
  coded.push(...await encoder.flush());
  return { coded, cpuPerFrame: (cpuMicroseconds() - before) / 1000 / clip.length };
}

/** Bits per second of a coded clip, key frames included. */
export function bitrateOf(coded: readonly CodedPicture[]): number {
  return coded.reduce((sum, picture) => sum + picture.data.length, 0) * 8 * FPS / coded.length;
}

/**
 * Decodes what was encoded and compares frame n with frame n.
 *
 * @throws when a frame of the clip is missing in what was decoded
 */
export function comparePictures(
  coded: readonly CodedPicture[],
  options: { readonly clip: readonly Uint8Array[]; readonly codec: "H264" | "VP8" },
): Psnr {
  const codec = Codec.findDecoder(options.codec === "H264" ? AV_CODEC_ID_H264 : AV_CODEC_ID_VP8);
  if (codec === null) throw new Error(`this FFmpeg build cannot decode ${options.codec}`);
  using context = new CodecContext();
  using frame = new Frame();
  using packet = new Packet();
  context.allocContext3(codec);
  context.threadCount = 1;
  context.setOption("flags", "+low_delay");
  checked(context.open2Sync(codec, null), "open the decoder");
  frame.alloc();
  packet.alloc();
  const meter = new PsnrMeter();
  const send = (next: Packet | null) => {
    checked(context.sendPacketSync(next), "send to the decoder");
    for (;;) {
      const result = context.receiveFrameSync(frame);
      if (hasNothing(result)) return;
      checked(result, "decode");
      const source = options.clip[Number(frame.pts)];
      if (source === undefined) throw new RangeError(`decoded a frame with the number ${frame.pts}`);
      meter.add(source, frame.toBuffer());
      frame.unref();
    }
  };
  for (const picture of coded) {
    packet.data = asBuffer(picture.data);
    packet.pts = packet.dts = BigInt(picture.index);
    send(packet);
    packet.unref();
  }
  send(null);
  if (meter.frames !== options.clip.length) {
    throw new Error(`${meter.frames} of ${options.clip.length} frames could be decoded`);
  }
  return meter.result();
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
