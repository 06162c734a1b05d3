import { z } from "zod";
import type { WorkerMessage } from "./protocol.ts";

/** Characters of a text that a pipeline may have printed or passed on. */
const MAX_TEXT = 16_384;

const text = z.string().transform((value) => value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value);
const id = z.string().max(64);

const schema = z.discriminatedUnion("t", [
  z.object({ t: z.literal("loaded") }),
  z.object({
    t: z.literal("ready"),
    mode: z.enum(["server_push", "bidirectional"]),
    defaultFps: z.number().nullable(),
    viewerMedia: z.unknown(),
  }),
  z.object({ t: z.literal("failed"), during: text, detail: text, stack: text }),
  z.object({ t: z.literal("opened"), id }),
  z.object({ t: z.literal("refused"), id, conflict: z.boolean(), detail: text, stack: text }),
  z.object({ t: z.literal("chunk"), id, chunk: z.unknown() }),
  z.object({ t: z.literal("taken"), id, lane: z.enum(["control", "video", "audio"]) }),
  z.object({ t: z.literal("end"), id, error: text.nullable(), during: text, stack: text }),
  z.object({ t: z.literal("close_failed"), id, during: text, detail: text }),
  z.object({ t: z.literal("closed"), id }),
  z.object({
    t: z.literal("log"),
    level: z.enum(["debug", "info", "warn", "error"]),
    message: text,
    fields: z.record(z.string(), z.unknown()),
    session: z.string().max(256).nullable(),
  }),
  z.object({ t: z.literal("fault"), detail: text, stack: text }),
  z.object({ t: z.literal("left"), by: text }),
  z.object({ t: z.literal("call"), call: z.number(), op: z.string().max(64), args: z.unknown() }),
  z.object({ t: z.literal("pong") }),
  z.object({ t: z.literal("stopped"), error: text.nullable() }),
]);

/**
 * Reads what came from the pipeline's side, where the user's code runs; null when it is no message of the protocol. What is
 * in a chunk or a call is checked where it is used.
 */
export function readWorkerMessage(data: unknown): WorkerMessage | null {
  const parsed = schema.safeParse(data);
  return parsed.success ? parsed.data as WorkerMessage : null;
}
