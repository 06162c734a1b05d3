import { z } from "zod";

/** What of the viewer's camera and microphone a service takes, and in which shape. */
export interface ViewerMedia {
  readonly video: {
    readonly format: "rgba" | "i420" | "jpeg";
    readonly width: number | undefined;
    readonly height: number | undefined;
  } | null;
  readonly audio: { readonly sampleRate: number; readonly channels: 1 | 2 } | null;
}

const side = z.number().int().min(16).max(4096).multipleOf(2).optional();

const schema = z.object({
  video: z.union([
    z.literal(false),
    z.object({ format: z.enum(["rgba", "i420", "jpeg"]).default("rgba"), width: side, height: side }),
  ]).default({ format: "rgba", width: undefined, height: undefined }),
  audio: z.union([
    z.literal(false),
    z.object({
      sample_rate: z.number().int().min(8000).max(192_000).default(48_000),
      channels: z.union([z.literal(1), z.literal(2)]).default(1),
    }),
  ]).default({ sample_rate: 48_000, channels: 1 }),
});

/** Reads a service's `viewerMedia`; a fault is a sentence that names the field. */
export function parseViewerMedia(value: unknown): ViewerMedia | { readonly fault: string } {
  const parsed = schema.safeParse(value ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { fault: `viewerMedia.${issue?.path.join(".") ?? ""} ${issue?.message ?? "is not of its shape"}` };
  }
  const { video, audio } = parsed.data;
  return {
    video: video === false ? null : { format: video.format, width: video.width, height: video.height },
    audio: audio === false ? null : { sampleRate: audio.sample_rate, channels: audio.channels },
  };
}
