import type { OpenVideoOptions, VideoFile, VideoFileFrame } from "./contract.ts";
import type { HostCaller } from "./host_caller.ts";
import type { HostCalls } from "./protocol.ts";

/** Pictures that cross to the worker at a time. */
const BATCH = 8;

/** Opens a video that the host decodes. Runs in the worker. */
export async function openHostedVideo(
  caller: HostCaller,
  path: string,
  options: OpenVideoOptions = {},
): Promise<VideoFile> {
  return new HostedVideo(caller, await caller.call("openVideo", { path, options: { ...options } }));
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
      const batch = await this.#caller.call("readPictures", { handle: this.#handle, count: BATCH });
      for (const picture of batch) yield picture as VideoFileFrame;
      if (batch.length < BATCH) return;
    }
  }

  async readAudio(): Promise<Int16Array> {
    return await this.#caller.call("readAudio", { handle: this.#handle });
  }

  async close(): Promise<void> {
    await this.#caller.call("closeVideo", { handle: this.#handle });
  }
}
