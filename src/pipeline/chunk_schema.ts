import { z } from "zod";
import type { PcmBlock, SourcePicture } from "../media/mod.ts";
import { rawPictureBytes } from "../media/mod.ts";
import { MAX_METADATA } from "./limits.ts";
import type { ChunkLimits } from "./protocol.ts";

/** A chunk that has been checked: what the rest of the server works with. */
export interface PipelineChunk {
  readonly index: number | undefined;
  /** Frames per second this chunk asks for. */
  readonly fps: number | undefined;
  readonly pictures: readonly SourcePicture[];
  readonly audio: PcmBlock | null;
  /** What goes to the client beside the media, in wire names. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A field of a chunk that does not hold. */
export interface ChunkFault {
  readonly field: string;
  readonly detail: string;
}

/** Characters of what is said about a fault. */
const MAX_WORD = 1000;

/** Bytes that nobody else can write to any more. */
const bytes = z.instanceof(Uint8Array).refine(
  (data) => data.buffer instanceof ArrayBuffer,
  "must not be shared memory",
);
const side = z.number().int().min(16).max(4096);

const frameSchema = z.discriminatedUnion("format", [
  z.object({ format: z.literal("jpeg"), data: bytes }),
  z.object({ format: z.literal("rgba"), data: bytes, width: side, height: side }),
  z.object({ format: z.literal("i420"), data: bytes, width: side, height: side }),
  z.object({ format: z.literal("h264"), data: bytes, key: z.boolean().optional() }),
  z.object({ format: z.literal("vp8"), data: bytes, key: z.boolean().optional() }),
]);

/** Words about a chunk from the side where the user's code runs. */
const word = z.string().transform((text) => text.slice(0, MAX_WORD));

const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

const fieldsSchema = z.object({
  type: optional(z.literal("chunk")),
  index: optional(z.number().int().nonnegative()),
  fps: optional(z.number().min(0.1).max(240)),
  num_frames: optional(z.number().int().nonnegative()),
  resolution: optional(z.string().max(100)),
  prompt: optional(z.string().max(MAX_METADATA)),
  timestamp: optional(z.number()),
  audio_sample_rate: optional(z.number().int().min(8000).max(192_000)),
  audio_channels: optional(z.union([z.literal(1), z.literal(2)])),
});

const wireSchema = z.object({
  fields: fieldsSchema,
  frames: z.array(frameSchema),
  frameNames: z.array(z.string()),
  audio: bytes.nullable(),
  audioName: z.string(),
  metadata: z.string().transform(parseMetadata),
  faults: z.array(z.object({ field: word, detail: word })),
});

/** How key frames are told apart when the pipeline does not say. */
export interface KeyFrameProbe {
  h264(data: Uint8Array): boolean;
  vp8(data: Uint8Array): boolean;
}

/** Checks a chunk that came from the worker. Either it holds as a whole, or every fault is named. */
export function parseChunk(
  wire: unknown,
  { probe, limits }: { probe: KeyFrameProbe; limits: ChunkLimits },
): { readonly chunk: PipelineChunk } | { readonly faults: readonly ChunkFault[] } {
  const parsed = wireSchema.safeParse(wire);
  if (!parsed.success) {
    const names = (wire as { frameNames?: unknown } | null)?.frameNames;
    return {
      faults: parsed.error.issues.map((issue) => faultOf(issue, Array.isArray(names) ? names.map(String) : [])),
    };
  }
  const { fields, frames, frameNames, audio, audioName, metadata, faults } = parsed.data;
  if (faults.length > 0) return { faults };
  const broken = [
    ...limitFaults(parsed.data, limits),
    ...sizeFaults(frames, frameNames),
    ...countFaults(fields.num_frames, frames.length),
  ];
  const channels = fields.audio_channels ?? 1;
  if (audio !== null && audio.byteLength % (2 * channels) !== 0) {
    broken.push({
      field: audioName,
      detail: `has ${audio.byteLength} bytes, which is not a whole number of ${channels}-channel PCM16 samples`,
    });
  }
  if (broken.length > 0) return { faults: broken };
  return {
    chunk: {
      index: fields.index,
      fps: fields.fps,
      pictures: frames.map((frame) => toPicture(frame, probe)),
      audio: audio === null || audio.byteLength === 0
        ? null
        : { samples: toSamples(audio), sampleRate: fields.audio_sample_rate ?? 48_000, channels },
      metadata: { ...compact(fields), ...metadata },
    },
  };
}

/** What is beyond the limits of a chunk. */
function limitFaults(
  { frames, audio }: { frames: readonly { data: Uint8Array }[]; audio: Uint8Array | null },
  { chunkBytes, chunkFrames }: ChunkLimits,
): ChunkFault[] {
  const faults: ChunkFault[] = [];
  if (frames.length > chunkFrames) {
    faults.push({ field: "frames", detail: `are ${frames.length}, at most ${chunkFrames} fit into one chunk` });
  }
  const size = frames.reduce((sum, { data }) => sum + data.byteLength, audio?.byteLength ?? 0);
  if (size > chunkBytes) {
    faults.push({ field: "chunk", detail: `has ${size} bytes of pictures and sound, at most ${chunkBytes} are taken` });
  }
  return faults;
}

function faultOf(issue: z.core.$ZodIssue, frameNames: readonly string[]): ChunkFault {
  const [head, ...rest] = issue.path.map(String);
  if (head === "frames" && rest[0] !== undefined) {
    const [index, ...inner] = rest;
    return { field: frameField(frameNames, Number(index), inner.join(".")), detail: issue.message };
  }
  const path = head === "fields" ? rest : [head ?? "", ...rest];
  return { field: path.join(".") || "chunk", detail: issue.message };
}

/** What the pipeline would call a part of a frame; base64 pictures have no parts. */
function frameField(frameNames: readonly string[], index: number, part: string): string {
  const name = frameNames[index] ?? `frames[${index}]`;
  return part === "" || name.startsWith("frames_b64") ? name : `${name}.${part}`;
}

function sizeFaults(frames: readonly z.infer<typeof frameSchema>[], names: readonly string[]): ChunkFault[] {
  return frames.flatMap((frame, index) => {
    const field = frameField(names, index, "data");
    if (frame.data.length === 0) return [{ field, detail: "is empty" }];
    if (frame.format !== "rgba" && frame.format !== "i420") return [];
    const expected = rawPictureBytes(frame.format, frame.width, frame.height);
    if (frame.data.length === expected) return [];
    const size = `${frame.width}x${frame.height}`;
    return [{ field, detail: `${frame.format} ${size} takes ${expected} bytes, got ${frame.data.length}` }];
  });
}

function countFaults(claimed: number | undefined, actual: number): ChunkFault[] {
  if (claimed === undefined || claimed === actual) return [];
  return [{ field: "num_frames", detail: `says ${claimed}, but there are ${actual} frames` }];
}

function toPicture(frame: z.infer<typeof frameSchema>, probe: KeyFrameProbe): SourcePicture {
  if (frame.format !== "h264" && frame.format !== "vp8") return frame;
  return { format: frame.format, data: frame.data, key: frame.key ?? probe[frame.format](frame.data) };
}

function toSamples(audio: Uint8Array): Int16Array {
  const aligned = audio.byteOffset % 2 === 0 ? audio : audio.slice();
  return new Int16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}

function compact(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function parseMetadata(text: string, context: z.RefinementCtx): Record<string, unknown> {
  if (text.length > MAX_METADATA) {
    const message = `has ${text.length} characters, at most ${MAX_METADATA} are taken`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  context.addIssue({ code: "custom", message: "is not a JSON object" });
  return z.NEVER;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
