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

const SIDE = "must be an even number of pixels, 16 to 4096";
const RATE = "must be a whole number of Hz, 8000 to 192000";

const side = z.number(SIDE).int(SIDE).min(16, SIDE).max(4096, SIDE).multipleOf(2, SIDE).optional();

const schema = z.object({
  video: z.union([
    z.literal(false),
    z.object({
      format: z.enum(["rgba", "i420", "jpeg"], 'must be "rgba", "i420" or "jpeg"').default("rgba"),
      width: side,
      height: side,
    }, 'must be false or an object such as { format: "rgba" }'),
  ]).default({ format: "rgba", width: undefined, height: undefined }),
  audio: z.union([
    z.literal(false),
    z.object({
      sample_rate: z.number(RATE).int(RATE).min(8000, RATE).max(192_000, RATE).default(48_000),
      channels: z.literal([1, 2], "must be 1 or 2").default(1),
    }, "must be false or an object such as { sample_rate: 48000 }"),
  ]).default({ sample_rate: 48_000, channels: 1 }),
}, "must be an object such as { video: false }");

/** Reads a service's `viewerMedia`; a fault is a sentence that names the field. */
export function parseViewerMedia(value: unknown): ViewerMedia | { readonly fault: string } {
  const parsed = schema.safeParse(value ?? {});
  if (!parsed.success) {
    const { path, message } = innermost(parsed.error.issues[0]);
    return { fault: `${["viewerMedia", ...path].join(".")} ${message}` };
  }
  const { video, audio } = parsed.data;
  return {
    video: video === false ? null : { format: video.format, width: video.width, height: video.height },
    audio: audio === false ? null : { sampleRate: audio.sample_rate, channels: audio.channels },
  };
}

/** Of `false` or an object, what is wrong with the object. */
function innermost(issue: z.core.$ZodIssue | undefined): { path: PropertyKey[]; message: string } {
  if (issue?.code !== "invalid_union") return issue ?? { path: [], message: "is not of its shape" };
  const { path, message } = innermost(issue.errors.at(-1)?.[0]);
  return { path: [...issue.path, ...path], message };
}
