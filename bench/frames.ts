/**
 * The bench's test material: three clips of JPEG frames and the same clips as H.264, made once into `bench/.cache/`.
 * `deno run -A bench/frames.ts` makes them alone; the other bench programs make them when they are missing.
 *
 * @module
 */
import { join } from "node:path";
import { AV_LOG_ERROR, Log } from "node-av";
import { calmScene } from "./clips/calm_scene.ts";
import { detailScene } from "./clips/detail_scene.ts";
import { FfmpegEncoder } from "./clips/ffmpeg_encoder.ts";
import { JpegDecoder, JpegEncoder } from "./clips/jpeg.ts";
import { patternScene } from "./clips/pattern_scene.ts";
import { drawFrameNumber, FPS, FRAME_COUNT, HEIGHT, Picture, type Scene, WIDTH } from "./clips/picture.ts";

/** The names of the clips. */
export const CLIP_NAMES = ["detail", "calm", "pattern"] as const;
/** `detail` is hard to encode, `calm` is a natural scene, `pattern` is FFmpeg's moving test picture. */
export type ClipName = typeof CLIP_NAMES[number];

/** Where a clip lies on disk. */
export interface ClipFiles {
  /** Folder of `000.jpg`, `001.jpg` …; also holds the encoded clip. */
  readonly folder: string;
  readonly jpegs: readonly string[];
  /** H.264 Annex B, constrained baseline, {@link ENCODED_BITRATE}, a key frame every {@link ENCODED_GOP} frames. */
  readonly encoded: string;
  /** JSON list of `{size, key}`, one for each access unit of `encoded`. */
  readonly encodedIndex: string;
}

/** Bits per second of the encoded clips. */
export const ENCODED_BITRATE = 2_000_000;
/** Frames from one key frame of the encoded clips to the next. */
export const ENCODED_GOP = 48;

// Raise this when a scene or a coding setting changes, so that cached material is made again.
const VERSION = "1";
const CACHE = join(import.meta.dirname!, ".cache");
const SCENES: Readonly<Record<ClipName, () => Scene>> = {
  detail: detailScene,
  calm: calmScene,
  pattern: patternScene,
};

/** Makes the clip unless it is there, and says where it is. */
export async function ensureClip(name: ClipName): Promise<ClipFiles> {
  const files = clipFiles(name);
  const stamp = join(files.folder, "version");
  if (await readIfPresent(stamp) === VERSION) return files;
  console.error(`making the clip "${name}" …`);
  await Deno.mkdir(files.folder, { recursive: true });
  const jpegs = await writeJpegs(files, SCENES[name]());
  await writeEncoded(files, jpegs);
  await Deno.writeTextFile(stamp, VERSION);
  return files;
}

/** The clip's frames as limited-range I420, decoded from its JPEG files. */
export async function loadPictures(files: ClipFiles): Promise<Uint8Array[]> {
  using decoder = new JpegDecoder();
  const pictures: Uint8Array[] = [];
  for (const path of files.jpegs) pictures.push(decoder.decode(await Deno.readFile(path)));
  return pictures;
}

function clipFiles(name: ClipName): ClipFiles {
  const folder = join(CACHE, name);
  return {
    folder,
    jpegs: Array.from({ length: FRAME_COUNT }, (_, index) => join(folder, `${String(index).padStart(3, "0")}.jpg`)),
    encoded: join(folder, "clip.h264"),
    encodedIndex: join(folder, "clip.json"),
  };
}

async function writeJpegs(files: ClipFiles, scene: Scene): Promise<Uint8Array[]> {
  using encoder = new JpegEncoder();
  const picture = new Picture();
  const jpegs: Uint8Array[] = [];
  for (const [index, path] of files.jpegs.entries()) {
    scene(picture, index);
    drawFrameNumber(picture, index);
    const jpeg = encoder.encode(picture.toI420());
    await Deno.writeFile(path, jpeg);
    jpegs.push(jpeg);
  }
  return jpegs;
}

async function writeEncoded(files: ClipFiles, jpegs: readonly Uint8Array[]): Promise<void> {
  using decoder = new JpegDecoder();
  using encoder = new FfmpegEncoder({
    codec: "libx264",
    options: { preset: "veryfast", tune: "zerolatency", profile: "baseline", "x264-params": "scenecut=0" },
    gop: ENCODED_GOP,
    bufferSeconds: 0.5,
    threads: 1,
  }, ENCODED_BITRATE);
  const units = jpegs.flatMap((jpeg, index) => encoder.encode(decoder.decode(jpeg), index));
  using file = await Deno.open(files.encoded, { write: true, create: true, truncate: true });
  const writer = file.writable.getWriter();
  for (const unit of units) await writer.write(unit.data);
  await writer.close();
  const index = units.map((unit) => ({ size: unit.data.length, key: unit.key }));
  await Deno.writeTextFile(files.encodedIndex, JSON.stringify(index));
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

if (import.meta.main) {
  Log.setLevel(AV_LOG_ERROR);
  for (const name of CLIP_NAMES) {
    const files = await ensureClip(name);
    console.log(`${name}: ${FRAME_COUNT} frames of ${WIDTH}x${HEIGHT} at ${FPS} fps in ${files.folder}`);
  }
}
