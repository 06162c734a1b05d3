import type { Chunk, PipelineContext, ServerPushService, VideoFileFrame } from "telefuser";

/** Files of such pictures that may be open at a time. */
const FILES = 4;

/** Reads the largest pictures that there are from as many files as there may be, all at once, and tells what it got. */
class LargePictures implements ServerPushService {
  #seen = {};

  async start(context: PipelineContext): Promise<void> {
    const files = await Promise.all(Array.from({ length: FILES }, () => {
      return context.openVideo("telefuser:clip", { format: "rgba", width: 4096, height: 4096 });
    }));
    const lengths = await Promise.all(files.map(async (file) => {
      let bytes = 0;
      let count = 0;
      for await (const { data } of file.frames() as AsyncIterable<VideoFileFrame>) {
        bytes += data.byteLength;
        if (++count === 2) break;
      }
      return bytes;
    }));
    const sound = await files[0]?.readAudio();
    await Promise.all(files.map((file) => file.close()));
    this.#seen = { lengths: [...new Set(lengths)], samples: sound?.length };
    context.log.info("read", this.#seen);
  }

  async *serve(): AsyncGenerator<Chunk> {
    yield { ...this.#seen };
  }
}

export function getService(): ServerPushService {
  return new LargePictures();
}
