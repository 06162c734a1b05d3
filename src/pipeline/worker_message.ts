import { z } from "zod";
import { Log } from "../log.ts";
import { asFields } from "./log_fields.ts";
import type { WorkerMessage } from "./protocol.ts";

const log = new Log("pipeline");

/** Characters of a text that a pipeline may have printed or passed on. */
const MAX_TEXT = 16_384;

const text = z.string().transform((value) => value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value);
const id = z.string().max(64);

const schema = z.discriminatedUnion("t", [
  z.object({ t: z.literal("loaded") }),
  z.object({
    t: z.literal("ready"),
    mode: z.enum(["server_push", "bidirectional"]),
    defaultFps: z.unknown(),
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
    fields: z.unknown().transform(asFields),
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
  if (!parsed.success) return null;
  const message = parsed.data;
  return (message.t === "ready" ? { ...message, defaultFps: readFps(message.defaultFps) } : message) as WorkerMessage;
}

/** Nonsense is left out: it is no reason to take a pipeline that is ready for one that still starts. */
function readFps(value: unknown): number | null {
  if (value === null || (typeof value === "number" && value >= 0.1 && value <= 240)) return value;
  const what = typeof value === "number" ? String(value) : `of type ${typeof value}`;
  log.warn(`the service's defaultFps is left out: it is ${what}; give a number from 0.1 to 240`);
  return null;
}
