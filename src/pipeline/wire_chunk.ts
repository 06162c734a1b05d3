import type { WireChunk } from "./protocol.ts";

/** Fields with a meaning of their own; all others are metadata. */
const KNOWN_FIELDS = [
  "type",
  "index",
  "fps",
  "num_frames",
  "resolution",
  "prompt",
  "timestamp",
  "audio_sample_rate",
  "audio_channels",
] as const;

const MEDIA_FIELDS = new Set<string>(["frames_b64", "frames", "audio_b64", "audio", "transfer"]);
const PLAIN_FIELDS = new Set<string>(KNOWN_FIELDS);

/** A chunk for the port and the buffers that move with it. */
export interface PackedChunk {
  readonly chunk: WireChunk;
  readonly transfer: ArrayBuffer[];
}

/** Turns what a pipeline yielded into what crosses to the host. Never throws: what is wrong is in `faults`. */
export function packChunk(yielded: unknown): PackedChunk {
  const faults: { field: string; detail: string }[] = [];
  if (typeof yielded !== "object" || yielded === null) {
    faults.push({ field: "chunk", detail: `is ${typeName(yielded)}; yield an object such as { frames_b64: [...] }` });
    return { chunk: { fields: {}, frames: [], audio: null, metadata: "{}", faults }, transfer: [] };
  }
  const source = yielded as Record<string, unknown>;
  const transfer = new Set<ArrayBuffer>();
  const move = source.transfer === true;
  const frames = [
    ...packBase64Frames(source.frames_b64, { faults, transfer }),
    ...packFrames(source.frames, { faults, transfer, move }),
  ];
  const audio = packAudio(source, { faults, transfer, move });
  const fields: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(source)) {
    if (PLAIN_FIELDS.has(name)) fields[name] = plain(value);
    else if (!MEDIA_FIELDS.has(name)) rest[name] = value;
  }
  return { chunk: { fields, frames, audio, metadata: toJson(rest, faults), faults }, transfer: [...transfer] };
}

type Faults = { field: string; detail: string }[];

function packBase64Frames(value: unknown, { faults, transfer }: { faults: Faults; transfer: Set<ArrayBuffer> }) {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    faults.push({ field: "frames_b64", detail: `is ${typeName(value)}; give an array of base64 strings` });
    return [];
  }
  const frames: unknown[] = [];
  for (const [index, text] of value.entries()) {
    const data = decodeBase64(text, { field: `frames_b64[${index}]`, faults });
    if (data === null) continue;
    transfer.add(data.buffer);
    frames.push({ format: "jpeg", data });
  }
  return frames;
}

function packFrames(
  value: unknown,
  { faults, transfer, move }: { faults: Faults; transfer: Set<ArrayBuffer>; move: boolean },
) {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    faults.push({ field: "frames", detail: `is ${typeName(value)}; give an array of frames` });
    return [];
  }
  const frames: unknown[] = [];
  for (const [index, frame] of value.entries()) {
    const field = `frames[${index}]`;
    if (typeof frame !== "object" || frame === null || !ArrayBuffer.isView(frame.data)) {
      faults.push({ field: `${field}.data`, detail: "is missing; give the picture's bytes as a Uint8Array" });
      continue;
    }
    const data = takeBytes(frame.data, { transfer, move });
    const { format, width, height, key } = frame;
    frames.push({ format: plain(format), data, width: plain(width), height: plain(height), key: plain(key) });
  }
  return frames;
}

function packAudio(
  source: Record<string, unknown>,
  { faults, transfer, move }: { faults: Faults; transfer: Set<ArrayBuffer>; move: boolean },
): Uint8Array | null {
  const { audio, audio_b64 } = source;
  if (audio !== undefined && audio !== null) {
    if (!(audio instanceof Int16Array) && !(audio instanceof Uint8Array)) {
      faults.push({ field: "audio", detail: `is ${typeName(audio)}; give PCM16 as Int16Array or Uint8Array` });
      return null;
    }
    return takeBytes(audio, { transfer, move });
  }
  if (audio_b64 === undefined || audio_b64 === null || audio_b64 === "") return null;
  const data = decodeBase64(audio_b64, { field: "audio_b64", faults });
  if (data !== null) transfer.add(data.buffer);
  return data;
}

/** The bytes of a view: the same buffer when it may be moved, else a copy of just what the view covers. */
function takeBytes(view: ArrayBufferView, { transfer, move }: { transfer: Set<ArrayBuffer>; move: boolean }) {
  const { buffer, byteOffset, byteLength } = view;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  if (move && buffer instanceof ArrayBuffer) {
    transfer.add(buffer);
    return bytes;
  }
  const copy = bytes.slice();
  transfer.add(copy.buffer);
  return copy;
}

function decodeBase64(text: unknown, { field, faults }: { field: string; faults: Faults }) {
  if (typeof text !== "string") {
    faults.push({ field, detail: `is ${typeName(text)}; give a base64 string` });
    return null;
  }
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    faults.push({ field, detail: "is not base64" });
    return null;
  }
}

/** Values that survive the port as they are; anything else becomes its type's name, which the schema then names. */
function plain(value: unknown): unknown {
  return value === null || ["string", "number", "boolean", "undefined"].includes(typeof value)
    ? value
    : { not_plain: typeName(value) };
}

function toJson(rest: Record<string, unknown>, faults: Faults): string {
  try {
    return JSON.stringify(rest);
  } catch (error) {
    faults.push({ field: Object.keys(rest).join(", "), detail: `does not turn into JSON: ${String(error)}` });
    return "{}";
  }
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? value?.constructor?.name ?? "an object" : `a ${typeof value}`;
}
