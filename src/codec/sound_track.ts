import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_SAMPLE_FMT_S16,
  AVERROR_EOF,
  AVMEDIA_TYPE_AUDIO,
  type AVSampleFormat,
} from "node-av/constants";
import { type CodecContext, FormatContext, type Frame, SoftwareResampleContext } from "node-av/lib";
import { openInput } from "./media_input.ts";
import { allocFrame, allocPacket, check } from "./native.ts";
import { openDecoder } from "./open_codec.ts";

/** Audio of a file is handed out at this rate: what goes on the wire. */
export const FILE_AUDIO_RATE = 48_000;

/** Decodes the sound of a file in a pass of its own, so that pictures can be read at any speed meanwhile. */
export async function readSoundTrack(path: string, channels: 1 | 2): Promise<Int16Array> {
  const format = new FormatContext();
  const packet = allocPacket();
  const frame = allocFrame();
  const resampler = new SoftwareResampleContext();
  const blocks: Int16Array[] = [];
  let decoder: CodecContext | undefined;
  try {
    await openInput(format, path);
    check(await format.findStreamInfo(null), `cannot read ${path}`);
    const stream = format.streams?.[format.findBestStream(AVMEDIA_TYPE_AUDIO)];
    if (stream === undefined) return new Int16Array(0);
    decoder = openDecoder(stream);
    const layout = channels === 2 ? AV_CHANNEL_LAYOUT_STEREO : AV_CHANNEL_LAYOUT_MONO;
    let ready = false;
    for (let ended = false; !ended;) {
      const read = await format.readFrame(packet);
      ended = read === AVERROR_EOF;
      if (!ended) {
        check(read, `cannot read ${path}`);
        if (packet.streamIndex !== stream.index) {
          packet.unref();
          continue;
        }
      }
      check(await decoder.sendPacket(ended ? null : packet), `cannot decode the sound of ${path}`);
      packet.unref();
      while (await decoder.receiveFrame(frame) >= 0) {
        if (!ready) {
          const sampleFormat = frame.format as AVSampleFormat;
          resampler.allocSetOpts2(
            layout,
            AV_SAMPLE_FMT_S16,
            FILE_AUDIO_RATE,
            frame.channelLayout,
            sampleFormat,
            frame.sampleRate,
          );
          check(resampler.init(), `cannot resample the sound of ${path}`);
          ready = true;
        }
        blocks.push(drain(resampler, { frame, channels }));
        frame.unref();
      }
    }
    if (ready) blocks.push(drain(resampler, { frame: null, channels }));
  } finally {
    resampler.free();
    decoder?.freeContext();
    frame.free();
    packet.free();
    await format.closeInput();
  }
  return concat(blocks);
}

function drain(
  resampler: SoftwareResampleContext,
  { frame, channels }: { frame: Frame | null; channels: 1 | 2 },
): Int16Array {
  const room = resampler.getOutSamples(frame?.nbSamples ?? 0) + 64;
  const out = Buffer.alloc(room * channels * 2);
  const data = frame?.extendedData ?? frame?.data ?? null;
  const written = resampler.convertSync([out], room, data, frame?.nbSamples ?? 0);
  check(written, "the sound does not resample");
  return new Int16Array(out.buffer, out.byteOffset, written * channels);
}

function concat(blocks: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}
