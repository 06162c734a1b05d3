import assert from "node:assert/strict";
import { AV_CHANNEL_LAYOUT_MONO, AV_CHANNEL_LAYOUT_STEREO, AV_CODEC_ID_OPUS, AV_LOG_FATAL } from "node-av/constants";
import { Codec, CodecContext, Frame, Log, Packet } from "node-av/lib";

/** A tone as interleaved PCM16, the same on every channel, that can be cut into seamless pieces. */
export function tone(
  hertz: number,
  { rate, channels, from = 0, count, level = 12_000 }: {
    rate: number;
    channels: 1 | 2;
    /** First sample per channel. */
    from?: number;
    /** Samples per channel. */
    count: number;
    level?: number;
  },
): Int16Array {
  const samples = new Int16Array(count * channels);
  for (let index = 0; index < count; index++) {
    const value = Math.round(level * Math.sin(2 * Math.PI * hertz * (from + index) / rate));
    for (let channel = 0; channel < channels; channel++) samples[index * channels + channel] = value;
  }
  return samples;
}

/** Decodes Opus packets with FFmpeg; one array of samples, −1 to 1 at 48 kHz, for each channel. */
export function decodeOpus(packets: readonly Uint8Array[], channels: 1 | 2): Float32Array[] {
  Log.setLevel(AV_LOG_FATAL);
  const codec = Codec.findDecoder(AV_CODEC_ID_OPUS);
  assert.ok(codec !== null, "this FFmpeg has no Opus decoder");
  using context = new CodecContext();
  context.allocContext3(codec);
  context.channelLayout = channels === 2 ? AV_CHANNEL_LAYOUT_STEREO : AV_CHANNEL_LAYOUT_MONO;
  context.sampleRate = 48_000;
  assert.ok(context.open2Sync(codec, null) >= 0);
  using packet = new Packet();
  packet.alloc();
  using frame = new Frame();
  frame.alloc();
  const out: number[][] = Array.from({ length: channels }, () => []);
  for (const [index, data] of packets.entries()) {
    packet.data = Buffer.from(data);
    assert.ok(context.sendPacketSync(packet) >= 0, `packet ${index} does not decode`);
    packet.unref();
    while (context.receiveFrameSync(frame) >= 0) {
      for (let channel = 0; channel < channels; channel++) {
        const plane = frame.extendedData?.[channel] ?? frame.data?.[channel];
        assert.ok(plane !== undefined, "planar floats are expected");
        const view = new DataView(plane.buffer, plane.byteOffset, plane.byteLength);
        for (let sample = 0; sample < frame.nbSamples; sample++) out[channel]?.push(view.getFloat32(sample * 4, true));
      }
      frame.unref();
    }
  }
  return out.map((channel) => Float32Array.from(channel));
}

/** How much of the energy of some samples lies at one frequency, 0–1 (Goertzel). */
export function shareAt(hertz: number, samples: ArrayLike<number>, rate: number): number {
  const turn = 2 * Math.PI * hertz / rate;
  let real = 0;
  let imaginary = 0;
  let energy = 0;
  for (let index = 0; index < samples.length; index++) {
    const value = samples[index] ?? 0;
    real += value * Math.cos(turn * index);
    imaginary += value * Math.sin(turn * index);
    energy += value * value;
  }
  return energy === 0 ? 0 : 2 * (real * real + imaginary * imaginary) / (energy * samples.length);
}

/** Root mean square of some samples. */
export function loudness(samples: ArrayLike<number>): number {
  let energy = 0;
  for (let index = 0; index < samples.length; index++) energy += (samples[index] ?? 0) ** 2;
  return Math.sqrt(energy / Math.max(1, samples.length));
}
