import type { OpenVideoOptions, VideoFile, VideoFileFrame } from "./contract.ts";
import type { HostCaller } from "./host_caller.ts";
import type { HostCalls } from "./protocol.ts";
import { toPlain } from "./thrown.ts";

/** Pictures that cross to the worker at a time. */
const BATCH = 8;
/** Characters of all that is said about a video to be opened. */
const MAX_ARGS = 8192;

/** The reading that is under way, by who asks: what it brings is large, so the next one waits until it is here. */
const underWay = new WeakMap<HostCaller, Promise<void>>();

/**
 * Opens a video that the host decodes. Runs in the worker.
 *
 * @throws Error with the host's words when it refuses
 */
export async function openHostedVideo(
  caller: HostCaller,
  path: string,
  options: OpenVideoOptions = {},
): Promise<VideoFile> {
  // Only what crosses every kind of link as it is.
  const args = toPlain({ path, options: { ...options } }) as HostCalls["openVideo"]["args"];
  if (JSON.stringify(args).length > MAX_ARGS) throw new Error("openVideo: path and options are too long");
  return new HostedVideo(caller, await caller.call("openVideo", args));
}

class HostedVideo implements VideoFile {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly duration_s: number;
  readonly audio: VideoFile["audio"];
  readonly #caller: HostCaller;
  readonly #handle: number;

  constructor(caller: HostCaller, opened: HostCalls["openVideo"]["value"]) {
    this.#caller = caller;
    this.#handle = opened.handle;
    this.width = opened.width;
    this.height = opened.height;
    this.fps = opened.fps;
    this.duration_s = opened.duration_s;
    this.audio = opened.audio;
  }

  async *frames(): AsyncGenerator<VideoFileFrame> {
    for (;;) {
      const batch = await this.#inTurn(() => {
        return this.#caller.call("readPictures", { handle: this.#handle, count: BATCH });
      });
      if (batch.length === 0) return;
      for (const picture of batch) yield picture as VideoFileFrame;
    }
  }

  async readAudio(): Promise<Int16Array> {
    return await this.#inTurn(async () => {
      const { samples, total } = await this.#soundFrom(0);
      if (samples.length === total) return samples;
      const whole = new Int16Array(total);
      whole.set(samples);
      for (let at = samples.length; at < total;) {
        const part = await this.#soundFrom(at);
        if (part.samples.length === 0) throw new Error("the video has changed while its sound was read");
        whole.set(part.samples, at);
        at += part.samples.length;
      }
      return whole;
    });
  }

  async close(): Promise<void> {
    await this.#caller.call("closeVideo", { handle: this.#handle });
  }

  async #soundFrom(from: number): Promise<HostCalls["readAudio"]["value"]> {
    return await this.#caller.call("readAudio", { handle: this.#handle, from });
  }

  /** Reads after what was asked for before. */
  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const before = underWay.get(this.#caller);
    const turn = before === undefined ? read() : before.then(read, read);
    underWay.set(this.#caller, turn.then(() => undefined, () => undefined)); // Who asked has the outcome.
    return turn;
  }
}
