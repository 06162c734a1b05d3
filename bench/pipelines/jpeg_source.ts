/**
 * A pipeline without a model: yields the JPEG files of the folder in `BENCH_FRAMES`, in name order, for ever, as
 * base64 in chunks of half a second.
 *
 * @module
 */
import { join } from "node:path";
import type { ServerPushService } from "telefuser";

const FPS = 24;
const CHUNK_FRAMES = 12;

export function getService(): ServerPushService {
  const chunks: string[][] = [];
  return {
    async start() {
      const frames = await readFrames(framesFolder());
      for (let at = 0; at < frames.length; at += CHUNK_FRAMES) chunks.push(frames.slice(at, at + CHUNK_FRAMES));
    },
    stop() {
      chunks.length = 0;
    },
    async *serve() {
      for (let index = 0;; index++) {
        yield { type: "chunk", index, fps: FPS, frames_b64: chunks[index % chunks.length]! };
      }
    },
  };
}

function framesFolder(): string {
  const folder = Deno.env.get("BENCH_FRAMES");
  if (folder === undefined) throw new Error("BENCH_FRAMES names no folder; deno run -A bench/frames.ts makes one");
  return folder;
}

async function readFrames(folder: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name);
  const jpegs = names.filter((name) => name.endsWith(".jpg")).sort();
  if (jpegs.length === 0) throw new Error(`no *.jpg in ${folder}`);
  return await Promise.all(jpegs.map(async (name) => (await Deno.readFile(join(folder, name))).toBase64()));
}
