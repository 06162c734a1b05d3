/**
 * Replays a video file to every viewer, over and over: its pictures as JPEG and its sound, cut to the sample.
 *
 * The file is the first one named by `--media`, or the clip that comes with the server. It is decoded once and kept in
 * memory, and all viewers share it.
 *
 * What a request may ask for: `fps` (other than the file's own: pictures are left out or shown again, speed and sound
 * stay as they are), `duration_s` (endless when absent), `realtime` (`false` hands out chunks as fast as the server
 * takes them instead of at the pace of a camera) and `prompt` (comes back with every chunk).
 *
 * @module
 */

import type {
  Chunk,
  PipelineContext,
  ServerPushService,
  SessionContext,
  StreamRequest,
  VideoFile,
  VideoFileFrame,
} from "telefuser";

/** Length of one chunk in seconds, as near as whole frames allow. */
const CHUNK_S = 0.5;
/** Bytes of pictures and sound to keep in memory. */
const MEMORY_LIMIT = 512 * 1024 * 1024;

/** A clip in memory. */
interface Clip {
  frames: readonly VideoFileFrame[];
  fps: number;
  /** Length of one round in seconds. */
  length_s: number;
  resolution: string;
  sound: Sound | null;
}

interface Sound {
  /** Interleaved samples. */
  pcm: Int16Array;
  sample_rate: number;
  channels: 1 | 2;
}

/** What one viewer asked for. */
interface Wishes {
  fps: number;
  /** Number of frames to send; Infinity for an endless stream. */
  total: number;
  realtime: boolean;
}

/** The server calls this once. */
export function getService(): ServerPushService {
  return new VideoReplay();
}

class VideoReplay implements ServerPushService {
  defaultFps = 24;
  #clip: Clip | null = null;

  async start(context: PipelineContext): Promise<void> {
    const path = context.media[0] ?? "telefuser:clip";
    const file = await context.openVideo(path, { format: "jpeg" });
    try {
      this.#clip = await loadClip(file, { path, context });
    } finally {
      await file.close();
    }
    this.defaultFps = this.#clip.fps;
    const { frames, length_s, resolution, sound } = this.#clip;
    context.log.info("clip loaded", { path, frames: frames.length, length_s, resolution, sound: sound !== null });
  }

  stop(): void {
    this.#clip = null;
  }

  async *serve(request: StreamRequest, session: SessionContext): AsyncGenerator<Chunk> {
    const clip = this.#clip;
    if (clip === null) throw new Error("The clip is not loaded: start() has to be called before serve().");
    const { fps, total, realtime } = readWishes(request, clip);
    const size = Math.max(1, Math.round(fps * CHUNK_S));
    const began = performance.now() / 1000;
    for (let index = 0, first = 0; first < total && !session.signal.aborted; index++, first += size) {
      const last = Math.min(first + size, total);
      if (realtime) await sleepUntil(began + (first - size) / fps, session.signal);
      const frames = [];
      for (let number = first; number < last; number++) frames.push(frameAt(clip, number / fps));
      const chunk: Chunk = {
        type: "chunk",
        index,
        frames,
        fps,
        num_frames: frames.length,
        resolution: clip.resolution,
        timestamp: Date.now() / 1000,
      };
      if (request.prompt !== undefined) chunk.prompt = request.prompt;
      yield { ...chunk, ...soundBetween(clip, first / fps, last / fps) };
    }
  }
}

/** Reads the whole file, or as much of it as may be kept. */
async function loadClip(file: VideoFile, { path, context }: { path: string; context: PipelineContext }): Promise<Clip> {
  const soundBytes = file.audio === null ? 0 : file.duration_s * file.audio.sample_rate * file.audio.channels * 2;
  const withSound = file.audio !== null && soundBytes < MEMORY_LIMIT / 2;
  if (file.audio !== null && !withSound) {
    context.log.warn("the sound is too long to be kept in memory and is left out", { path, bytes: soundBytes });
  }
  const frames: VideoFileFrame[] = [];
  let bytes = withSound ? soundBytes : 0;
  for await (const frame of file.frames()) {
    context.signal.throwIfAborted();
    bytes += frame.data.byteLength;
    if (bytes > MEMORY_LIMIT) {
      const seconds = frame.timestamp;
      context.log.warn("the video is too long to be kept in memory; only its beginning is replayed", { path, seconds });
      break;
    }
    frames.push(frame);
  }
  const last = frames.at(-1);
  if (last === undefined) throw new Error(`${path} has no pictures. Name another video with --media.`);
  const length_s = last.timestamp + 1 / file.fps;
  const pcm = withSound ? await file.readAudio() : new Int16Array(0);
  const resolution = `${file.width}x${file.height}`;
  const clip = { frames, fps: file.fps, length_s, resolution };
  if (file.audio === null || pcm.length === 0) return { ...clip, sound: null };
  const { sample_rate, channels } = file.audio;
  const end = Math.round(length_s * sample_rate) * channels;
  return { ...clip, sound: { pcm: pcm.length > end ? pcm.slice(0, end) : pcm, sample_rate, channels } };
}

function readWishes(request: StreamRequest, clip: Clip): Wishes {
  const fps = request.fps ?? clip.fps;
  if (typeof fps !== "number" || !(fps >= 0.1 && fps <= 240)) {
    throw new Error(`fps is ${show(fps)}: give a number from 0.1 to 240, or leave it out for the clip's own rate.`);
  }
  const duration = request.duration_s ?? Infinity;
  if (typeof duration !== "number" || !(duration > 0)) {
    throw new Error(
      `duration_s is ${show(duration)}: give a number of seconds above 0, or leave it out to go on for ever.`,
    );
  }
  const realtime = request["realtime"] ?? true;
  if (typeof realtime !== "boolean") {
    throw new Error(`realtime is ${show(realtime)}: give true or false, or leave it out for true.`);
  }
  return { fps, total: Math.max(1, Math.round(duration * fps)), realtime };
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

/** The picture whose own time is nearest to `seconds` of the endless stream. */
function frameAt(clip: Clip, seconds: number): VideoFileFrame {
  const { frames, length_s } = clip;
  // The small number keeps a rounding error from showing the last picture once more when a round begins.
  const rounds = Math.floor(seconds / length_s + 1e-9);
  const time = seconds - rounds * length_s;
  let low = 0;
  let high = frames.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at(frames, middle).timestamp + at(frames, middle + 1).timestamp) / 2 >= time) high = middle;
    else low = middle + 1;
  }
  return at(frames, low);
}

function at(frames: readonly VideoFileFrame[], index: number): VideoFileFrame {
  const frame = frames[index];
  if (frame === undefined) throw new RangeError(`No frame ${index}.`);
  return frame;
}

/**
 * The sound from one time of the endless stream to another, as fields of a chunk. Both ends are rounded to samples of
 * the stream, not of the chunk, so that no chunk adds an error; where the track is shorter than the pictures it is
 * silent.
 */
function soundBetween(clip: Clip, from: number, to: number): Partial<Chunk> {
  if (clip.sound === null) return {};
  const { pcm, sample_rate, channels } = clip.sound;
  const roundLength = clip.length_s * sample_rate;
  const end = Math.round(to * sample_rate);
  let sample = Math.round(from * sample_rate);
  const audio = new Int16Array((end - sample) * channels);
  let filled = 0;
  while (sample < end) {
    let round = Math.floor(sample / roundLength);
    if (Math.round(round * roundLength) > sample) round--;
    else if (Math.round((round + 1) * roundLength) <= sample) round++;
    const began = Math.round(round * roundLength);
    const count = Math.min(end, Math.round((round + 1) * roundLength)) - sample;
    audio.set(pcm.subarray((sample - began) * channels, (sample - began + count) * channels), filled);
    filled += count * channels;
    sample += count;
  }
  return { audio, audio_sample_rate: sample_rate, audio_channels: channels };
}

/** Waits for a time of the monotonic clock, in seconds, or until the viewer leaves. */
function sleepUntil(seconds: number, signal: AbortSignal): Promise<void> {
  const milliseconds = seconds * 1000 - performance.now();
  if (milliseconds <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener("abort", wake, { once: true });
    function wake(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    }
  });
}
