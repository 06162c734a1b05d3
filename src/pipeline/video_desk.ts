import { z } from "zod";
import { Turns } from "../async/mod.ts";
import { messageOf, StreamError } from "../errors.ts";
import { type OpenVideoFile, rawPictureBytes, type VideoFileReader } from "../media/mod.ts";
import { dirname, resolve } from "./paths.ts";
import type { PipelinePermissions } from "./permissions.ts";
import type { HostCalls } from "./protocol.ts";

/** Pictures that may be asked for at a time. */
const MAX_BATCH = 64;
/** Bytes of pictures, or of sound, that go out at a time; a single picture may have more. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Bytes of a sound track that is decoded for a pipeline. */
const MAX_SOUND_BYTES = 512 * 1024 * 1024;
/** Files that one pipeline may have open at a time. */
const MAX_OPEN = 16;
/** Bytes of one picture of each open file: the decoder of a file holds one. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** Readings of one pipeline that may wait for the one that is under way. */
const MAX_WAITING = 16;
/** Characters of a path: `PATH_MAX` of Linux. */
const MAX_PATH = 4096;

const openArgs = z.object({
  path: z.string().min(1).max(MAX_PATH),
  options: z.object({
    format: z.enum(["jpeg", "i420", "rgba"]).default("jpeg"),
    quality: z.number().min(1).max(100).default(90),
    width: z.number().int().min(16).max(4096).optional(),
    height: z.number().int().min(16).max(4096).optional(),
  }),
});
const readArgs = z.object({ handle: z.number().int(), count: z.number().int().min(1).max(MAX_BATCH) });
const soundArgs = z.object({ handle: z.number().int(), from: z.number().int().min(0) });
const handleArgs = z.object({ handle: z.number().int() });

type OpenArgs = z.infer<typeof openArgs>;

/** An answer and the buffers that move with it. */
export interface DeskAnswer {
  readonly value: unknown;
  readonly transfer: ArrayBuffer[];
}

interface OpenFile {
  readonly reader: VideoFileReader;
  /** Bytes of a picture that is not compressed. */
  readonly pictureBytes: number;
}

/**
 * Opens and decodes video files on behalf of one pipeline, within what it may read. What is read is held here until it is
 * on its way to the pipeline, so it is read in parts, one at a time.
 */
export class VideoDesk {
  readonly #entry: string;
  readonly #permissions: PipelinePermissions;
  readonly #assets: ReadonlyMap<string, string>;
  readonly #openVideo: OpenVideoFile;
  readonly #files = new Map<number, OpenFile>();
  #last = 0;
  #opening = 0;
  readonly #openingTurns = new Turns();
  readonly #readingTurns = new Turns();
  /** The reading that is under way and those that wait for it. */
  #readings = 0;
  /** The sound track that is being handed out. */
  #sound: { readonly handle: number; readonly samples: Int16Array } | undefined;
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
        return await this.#inTurn(() => this.#readPictures(parse(readArgs, args)));
      case "readAudio":
        return await this.#inTurn(() => this.#readSound(parse(soundArgs, args)));
      case "closeVideo": {
        const { handle } = parse(handleArgs, args);
        const file = this.#file(handle);
        this.#files.delete(handle);
        if (this.#sound?.handle === handle) this.#sound = undefined;
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
    this.#sound = undefined;
    await Promise.all(files.map(({ reader }) => reader.close()));
  }

  async #open({ path, options }: OpenArgs): Promise<DeskAnswer> {
    if (this.#files.size + this.#opening >= MAX_OPEN) {
      throw new StreamError("permission_denied", `${MAX_OPEN} videos are open already; close() one first`);
    }
    this.#opening++;
    const opening = this.#openingTurns.take(() => this.#openReader(path, options));
    const handle = await opening.finally(() => this.#opening--);
    const { width, height, fps, duration, audio } = this.#file(handle);
    const value: HostCalls["openVideo"]["value"] = {
      handle,
      width,
      height,
      fps,
      duration_s: duration,
      audio: audio === null ? null : { sample_rate: audio.sampleRate, channels: audio.channels },
    };
    return { value, transfer: [] };
  }

  /** Returns the file's handle. */
  async #openReader(path: string, { format, quality, width, height }: OpenArgs["options"]): Promise<number> {
    const reader = await this.#openVideo(await this.#resolve(path), { format, quality, width, height });
    const pictureBytes = rawPictureBytes(format === "rgba" ? "rgba" : "i420", reader.width, reader.height);
    const held = [...this.#files.values()].reduce((sum, file) => sum + file.pictureBytes, pictureBytes);
    if (!this.#closed && held <= MAX_HELD_BYTES) {
      this.#files.set(++this.#last, { reader, pictureBytes });
      return this.#last;
    }
    await reader.close();
    if (this.#closed) throw new StreamError("shutting_down", "the pipeline has been stopped");
    const detail =
      `the pictures of all open videos take ${held} bytes each time, at most ${MAX_HELD_BYTES} are held; ` +
      "close() one first, or ask for a smaller width";
    throw new StreamError("permission_denied", detail);
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
    for (let bytes = 0; pictures.length < count && bytes < MAX_BYTES;) {
      const picture = await file.nextPicture();
      if (picture === null) break;
      bytes += picture.data.byteLength;
      pictures.push(picture);
      transfer.push(picture.data.buffer as ArrayBuffer);
    }
    return { value: pictures, transfer };
  }

  /** The track is decoded at its first part and let go with its last one, or when another one is read. */
  async #readSound({ handle, from }: z.infer<typeof soundArgs>): Promise<DeskAnswer> {
    const file = this.#file(handle);
    if (this.#sound?.handle !== handle) {
      this.#sound = undefined;
      const { duration, audio } = file;
      refuseLong(audio === null ? 0 : Math.ceil(duration * audio.sampleRate) * audio.channels * 2);
      const samples = await file.readAudio();
      refuseLong(samples.byteLength);
      this.#sound = { handle, samples };
    }
    const { samples } = this.#sound;
    const part = samples.slice(from, from + MAX_BYTES / samples.BYTES_PER_ELEMENT);
    if (from + part.length >= samples.length) this.#sound = undefined;
    const value: HostCalls["readAudio"]["value"] = { samples: part, total: samples.length };
    return { value, transfer: [part.buffer as ArrayBuffer] };
  }

  /** Reads after those before it have been answered. */
  async #inTurn(read: () => Promise<DeskAnswer>): Promise<DeskAnswer> {
    if (this.#readings > MAX_WAITING) {
      throw new StreamError("permission_denied", `${MAX_WAITING} readings of videos wait already; await them first`);
    }
    this.#readings++;
    return await this.#readingTurns.take(read).finally(() => this.#readings--);
  }

  #file(handle: number): VideoFileReader {
    const file = this.#files.get(handle);
    if (file === undefined) throw new StreamError("permission_denied", "this video is closed");
    return file.reader;
  }
}

/** @throws StreamError when a sound track has too many bytes to be held */
function refuseLong(bytes: number): void {
  if (bytes <= MAX_SOUND_BYTES) return;
  const detail = `the sound has ${bytes} bytes, at most ${MAX_SOUND_BYTES} are decoded; give a shorter video`;
  throw new StreamError("permission_denied", detail);
}

function parse<T>(schema: z.ZodType<T>, args: unknown): T {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new StreamError("invalid_pipeline", `openVideo: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}
