/**
 * A pipeline that yields H.264 as a hardware encoder beside the model would: the access units of `clip.h264` in the
 * folder in `BENCH_FRAMES`, for ever.
 *
 * @module
 */
import { join } from "node:path";
import type { EncodedAccessUnit, ServerPushService } from "telefuser";

const FPS = 24;
const CHUNK_FRAMES = 12;

interface UnitEntry {
  readonly size: number;
  readonly key: boolean;
}

export function getService(): ServerPushService {
  const units: EncodedAccessUnit[] = [];
  return {
    async start() {
      const folder = Deno.env.get("BENCH_FRAMES");
      if (folder === undefined) throw new Error("BENCH_FRAMES names no folder; deno run -A bench/frames.ts makes one");
      const stream = await Deno.readFile(join(folder, "clip.h264"));
      const entries: UnitEntry[] = JSON.parse(await Deno.readTextFile(join(folder, "clip.json")));
      units.push(...splitStream(stream, entries));
    },
    stop() {
      units.length = 0;
    },
    async *serve() {
      for (let index = 0;; index++) {
        const first = index * CHUNK_FRAMES;
        const frames = Array.from({ length: CHUNK_FRAMES }, (_, offset) => units[(first + offset) % units.length]!);
        yield { type: "chunk", index, fps: FPS, frames };
      }
    },
  };
}

/** Each unit gets a buffer of its own, so that sending one does not copy the whole stream. */
function splitStream(stream: Uint8Array, entries: readonly UnitEntry[]): EncodedAccessUnit[] {
  let offset = 0;
  return entries.map(({ size, key }) => {
    const data = stream.slice(offset, offset + size);
    offset += size;
    return { format: "h264", data, key };
  });
}
