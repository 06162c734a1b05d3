import type { Chunk, ServerPushService } from "telefuser";

const good = () => ({ format: "rgba", data: new Uint8Array(64 * 48 * 4).fill(90), width: 64, height: 48 } as const);

/** One good chunk between many that break the schema, each in its own way. */
class BrokenChunks implements ServerPushService {
  async *serve(): AsyncGenerator<Chunk> {
    const broken: unknown[] = [
      null,
      "text",
      { frames_b64: "not an array" },
      { frames_b64: ["***"] },
      { frames: [{ format: "rgba", data: new Uint8Array(5), width: 64, height: 48 }] },
      { frames: [{ format: "bmp", data: new Uint8Array(5) }] },
      { frames: [{ format: "jpeg" }] },
      { frames: [good()], fps: -3 },
      { frames: [good()], num_frames: 2 },
      { audio_b64: "AAA=", audio_channels: 2 },
      { audio_b64: "AAAA", audio_sample_rate: 1 },
      { frames: [good()], index: 1.5 },
      { frames: [good()], note: 1n },
    ];
    for (const chunk of broken) {
      yield { frames: [good()], fps: 24 };
      yield chunk as Chunk;
    }
    yield { frames_b64: [btoa("this is not a JPEG")], fps: 24 };
    yield { frames: [good()], fps: 24 };
  }
}

export function getService(): ServerPushService {
  return new BrokenChunks();
}
