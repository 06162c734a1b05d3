import { z } from "zod";
import { messageOf, StreamError } from "../errors.ts";
import type { OpenVideoFile, VideoFileReader } from "../media/mod.ts";
import { dirname, resolve } from "./paths.ts";
import type { PipelinePermissions } from "./permissions.ts";
import type { HostCalls } from "./protocol.ts";

/** Pictures that may be asked for at a time. */
const MAX_BATCH = 64;
/** Files that one pipeline may have open at a time. */
const MAX_OPEN = 16;

const openArgs = z.object({
  path: z.string().min(1),
  options: z.object({
    format: z.enum(["jpeg", "i420", "rgba"]).default("jpeg"),
    quality: z.number().min(1).max(100).default(90),
    width: z.number().int().min(16).max(4096).optional(),
    height: z.number().int().min(16).max(4096).optional(),
  }),
});
const readArgs = z.object({ handle: z.number().int(), count: z.number().int().min(1).max(MAX_BATCH) });
const handleArgs = z.object({ handle: z.number().int() });

/** An answer and the buffers that move with it. */
export interface DeskAnswer {
  readonly value: unknown;
  readonly transfer: ArrayBuffer[];
}

/** Opens and decodes video files on behalf of one pipeline, within what it may read. */
export class VideoDesk {
  readonly #entry: string;
  readonly #permissions: PipelinePermissions;
  readonly #assets: ReadonlyMap<string, string>;
  readonly #openVideo: OpenVideoFile;
  readonly #files = new Map<number, VideoFileReader>();
  #last = 0;
  #opening = 0;
  #closed = false;

  constructor(
    options: {
      /** Path of the pipeline module; relative paths start at its folder. */
      entry: string;
      permissions: PipelinePermissions;
      /** Files that come with the server, by name such as `telefuser:clip`. */
      assets: ReadonlyMap<string, string>;
      openVideo: OpenVideoFile;
    },
  ) {
    this.#entry = options.entry;
    this.#permissions = options.permissions;
    this.#assets = options.assets;
    this.#openVideo = options.openVideo;
  }

  /**
   * Answers one call of the worker.
   *
   * @throws StreamError whose message goes back to the pipeline
   */
  async answer(op: string, args: unknown): Promise<DeskAnswer> {
    switch (op) {
      case "openVideo":
        return await this.#open(parse(openArgs, args));
      case "readPictures":
        return await this.#readPictures(parse(readArgs, args));
      case "readAudio": {
        const samples = await this.#file(parse(handleArgs, args).handle).readAudio();
        return { value: samples, transfer: [samples.buffer as ArrayBuffer] };
      }
      case "closeVideo": {
        const { handle } = parse(handleArgs, args);
        const file = this.#file(handle);
        this.#files.delete(handle);
        await file.close();
        return { value: null, transfer: [] };
      }
      default:
        throw new StreamError("invalid_pipeline", `the host has no call ${op}`);
    }
  }

  /** Closes every file that is still open. */
  async close(): Promise<void> {
    this.#closed = true;
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(files.map((file) => file.close()));
  }

  async #open({ path, options }: z.infer<typeof openArgs>): Promise<DeskAnswer> {
    if (this.#files.size + this.#opening >= MAX_OPEN) {
      throw new StreamError("permission_denied", `${MAX_OPEN} videos are open already; close() one first`);
    }
    this.#opening++;
    let file: VideoFileReader;
    try {
      file = await this.#openVideo(await this.#resolve(path), {
        format: options.format,
        quality: options.quality,
        width: options.width,
        height: options.height,
      });
    } finally {
      this.#opening--;
    }
    if (this.#closed) {
      await file.close();
      throw new StreamError("shutting_down", "the pipeline has been stopped");
    }
    const handle = ++this.#last;
    this.#files.set(handle, file);
    const value: HostCalls["openVideo"]["value"] = {
      handle,
      width: file.width,
      height: file.height,
      fps: file.fps,
      duration_s: file.duration,
      audio: file.audio === null ? null : { sample_rate: file.audio.sampleRate, channels: file.audio.channels },
    };
    return { value, transfer: [] };
  }

  async #resolve(path: string): Promise<string> {
    const asset = this.#assets.get(path);
    if (asset !== undefined) return asset;
    if (path.startsWith("telefuser:")) {
      const names = [...this.#assets.keys()].join(", ");
      throw new StreamError("permission_denied", `there is no ${path}; the server comes with ${names}`);
    }
    const full = resolve(dirname(this.#entry), path);
    let real: string;
    try {
      real = await Deno.realPath(full);
    } catch (error) {
      // Whether a file exists is told only where it may be opened.
      if (!this.#permissions.mayOpen(full)) throw this.#refusal(full);
      throw new StreamError("permission_denied", `cannot open ${full}: ${messageOf(error)}`, { cause: error });
    }
    if (!this.#permissions.mayOpen(real)) throw this.#refusal(full);
    return real;
  }

  #refusal(path: string): StreamError {
    return new StreamError(
      "permission_denied",
      `security level ${this.#permissions.level} does not let this pipeline open ${path}; ` +
        `start the server with --media ${path}`,
    );
  }

  async #readPictures({ handle, count }: z.infer<typeof readArgs>): Promise<DeskAnswer> {
    const file = this.#file(handle);
    const pictures: unknown[] = [];
    const transfer: ArrayBuffer[] = [];
    while (pictures.length < count) {
      const picture = await file.nextPicture();
      if (picture === null) break;
      pictures.push(picture);
      transfer.push(picture.data.buffer as ArrayBuffer);
    }
    return { value: pictures, transfer };
  }

  #file(handle: number): VideoFileReader {
    const file = this.#files.get(handle);
    if (file === undefined) throw new StreamError("permission_denied", "this video is closed");
    return file;
  }
}

function parse<T>(schema: z.ZodType<T>, args: unknown): T {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new StreamError("invalid_pipeline", `openVideo: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}
