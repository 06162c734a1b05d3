import { OPUS_FRAME_SAMPLES, OpusDecoder, OpusEncoder, PictureConverter, VideoEncoder } from "../codec/mod.ts";
import { messageOf } from "../errors.ts";
import type { VideoCodec } from "../media/mod.ts";
import { type Check, milliseconds, type Timing } from "./check.ts";

const [WIDTH, HEIGHT] = [640, 360];
/** Packets that the Opus encoder may take to fill up. */
const OPUS_TRIES = 5;

/** Encodes one picture with each codec, and sound there and back. */
export async function checkCodecs({ clock }: Timing): Promise<Check[]> {
  const checks: Check[] = [];
  const trials = [["H264", () => encodePicture("H264")], ["VP8", () => encodePicture("VP8")], ["Opus", codeSound]];
  for (const [name, run] of trials as [string, () => Promise<string>][]) {
    const begun = clock.now();
    const id = `codec:${name}`;
    try {
      const what = await run();
      checks.push({ id, status: "ok", summary: `${name}: ${what} in ${milliseconds(clock.now() - begun)}` });
    } catch (error) {
      checks.push({
        id,
        status: "fail",
        summary: `${name} does not work: ${messageOf(error)}`,
        remedy: "the codec library node-av is damaged or not made for this system; install it anew",
      });
    }
  }
  return checks;
}

async function encodePicture(codec: VideoCodec): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const converter = stack.adopt(new PictureConverter(), (one) => one.close());
  const settings = { codec, width: WIDTH, height: HEIGHT, fps: 24, bitrate: 1_000_000, effort: "balanced" } as const;
  const encoder = stack.adopt(new VideoEncoder(settings), (one) => one.close());
  const data = new Uint8Array(WIDTH * HEIGHT * 1.5).fill(128);
  const frame = await converter.convert({ format: "i420", data, width: WIDTH, height: HEIGHT });
  const unit = await encoder.encode(frame, { key: true });
  if (unit === null || !unit.key) throw new Error("the encoder gave no key frame");
  return `a picture of ${WIDTH}×${HEIGHT} encodes`;
}

async function codeSound(): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const encoder = stack.adopt(new OpusEncoder({ channels: 1, bitrate: 64_000 }), (one) => one.close());
  const decoder = stack.adopt(new OpusDecoder({ sampleRate: 48_000, channels: 1 }), (one) => one.close());
  for (let tried = 0; tried < OPUS_TRIES; tried++) {
    const packet = await encoder.encode(new Int16Array(OPUS_FRAME_SAMPLES));
    if (packet === null) continue;
    const { length } = await decoder.decode(packet);
    if (length !== OPUS_FRAME_SAMPLES) throw new Error(`20 ms of sound came back as ${length} samples`);
    return "sound encodes and decodes";
  }
  throw new Error("the encoder gave no packet");
}
