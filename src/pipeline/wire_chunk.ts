import { DEFAULT_LIMITS, MAX_METADATA } from "./limits.ts";
import type { ChunkLimits, WireChunk } from "./protocol.ts";
import { describe } from "./thrown.ts";

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

/** Characters of a text that says what a picture or a chunk is. */
const MAX_WORD = 1000;
/** Characters of what a pipeline calls something, in a message. */
const MAX_NAME = 100;

/** A chunk for the port and the buffers that move with it. */
export interface PackedChunk {
  readonly chunk: WireChunk;
  readonly transfer: ArrayBuffer[];
}

/** Turns what a pipeline yielded into what crosses to the host. Never throws: what is wrong is in `faults`. */
export function packChunk(yielded: unknown, limits: ChunkLimits = DEFAULT_LIMITS): PackedChunk {
  if (typeof yielded !== "object" || yielded === null) {
    return faultyChunk(`is ${typeName(yielded)}; yield an object such as { frames_b64: [...] }`);
  }
  try {
    const [source, prefix] = unnest(yielded as Record<string, unknown>);
    const excess = excessOf(source, limits);
    return excess === null ? packObject(source, prefix) : faultyChunk(excess);
  } catch (error) {
    return faultyChunk(`cannot be read: ${describe(error).detail}`);
  }
}

function faultyChunk(detail: string): PackedChunk {
  const faults = [{ field: "chunk", detail }];
  const chunk = { fields: {}, frames: [], frameNames: [], audio: null, audioName: "", metadata: "{}", faults };
  return { chunk, transfer: [] };
}

/** What is too much for one chunk, before anything is copied; null when it fits. */
function excessOf(source: Record<string, unknown>, { chunkBytes, chunkFrames }: ChunkLimits): string | null {
  const frames = [source.frames, source.frames_b64].flatMap((list) => Array.isArray(list) ? [list] : []);
  const count = frames.reduce((sum, list) => sum + list.length, 0);
  if (count > chunkFrames) return `has ${count} frames, at most ${chunkFrames} fit into one; yield them in several`;
  const parts: unknown[] = [...frames.flat(), source.audio, source.audio_b64];
  const size = parts.reduce((sum: number, part) => sum + sizeOf(part), 0);
  if (size <= chunkBytes) return null;
  return `has ${size} bytes of pictures and sound, at most ${chunkBytes} are taken; yield less at a time`;
}

function sizeOf(part: unknown): number {
  if (typeof part === "string") return Math.floor(part.length * 3 / 4);
  if (ArrayBuffer.isView(part)) return part.byteLength;
  const data = typeof part === "object" && part !== null ? (part as { data?: unknown }).data : undefined;
  return ArrayBuffer.isView(data) ? data.byteLength : 0;
}

/**
 * The media fields of a chunk may stand in its `data`: they are taken from there with those that tell of them, and what
 * else is in `data` stays. Beside the chunk comes what its media fields are called in front, for messages.
 */
function unnest(source: Record<string, unknown>): [Record<string, unknown>, string] {
  const { data, ...outer } = source;
  if (typeof data !== "object" || data === null || Array.isArray(data)) return [source, ""];
  const inner = data as Record<string, unknown>;
  const hasMedia = "frames_b64" in inner || Array.isArray(inner.frames) || "audio_b64" in inner ||
    ArrayBuffer.isView(inner.audio);
  if (!hasMedia) return [source, ""];
  const isKnown = (name: string) => MEDIA_FIELDS.has(name) || PLAIN_FIELDS.has(name) || name === "applied_controls";
  const known = Object.entries(inner).filter(([name]) => isKnown(name));
  const rest = Object.entries(inner).filter(([name]) => !isKnown(name));
  const left = rest.length === 0 ? {} : { data: Object.fromEntries(rest) };
  return [{ ...Object.fromEntries(known), ...outer, ...left }, "data."];
}

function packObject(source: Record<string, unknown>, prefix: string): PackedChunk {
  const faults: { field: string; detail: string }[] = [];
  const transfer = new Set<ArrayBuffer>();
  const move = source.transfer === true;
  const named = [
    ...packBase64Frames(source.frames_b64, { faults, transfer }),
    ...packFrames(source.frames, { faults, transfer, move }),
  ];
  const audio = packAudio(source, { faults, transfer, move });
  const fields: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(source)) {
    if (PLAIN_FIELDS.has(name)) fields[name] = plainField(name, { value, faults });
    else if (!MEDIA_FIELDS.has(name)) rest[name] = value;
  }
  const frames = named.map(({ frame }) => frame);
  const frameNames = named.map(({ name }) => prefix + name);
  const audioName = prefix + (source.audio === undefined || source.audio === null ? "audio_b64" : "audio");
  const prefixed = faults.map(({ field, detail }) => ({ field: prefix + field, detail }));
  const metadata = toJson(rest, prefixed);
  return {
    chunk: { fields, frames, frameNames, audio, audioName, metadata, faults: prefixed },
    transfer: [...transfer],
  };
}

/** A frame and what the pipeline called it. */
interface NamedFrame {
  readonly name: string;
  readonly frame: unknown;
}

type Faults = { field: string; detail: string }[];

function packBase64Frames(value: unknown, { faults, transfer }: { faults: Faults; transfer: Set<ArrayBuffer> }) {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    faults.push({ field: "frames_b64", detail: `is ${typeName(value)}; give an array of base64 strings` });
    return [];
  }
  const frames: NamedFrame[] = [];
  for (const [index, text] of value.entries()) {
    const name = `frames_b64[${index}]`;
    const data = decodeBase64(text, { field: name, faults });
    if (data === null) continue;
    transfer.add(data.buffer);
    frames.push({ name, frame: { format: "jpeg", data } });
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
  const frames: NamedFrame[] = [];
  for (const [index, frame] of value.entries()) {
    const name = `frames[${index}]`;
    if (typeof frame !== "object" || frame === null || !ArrayBuffer.isView(frame.data)) {
      faults.push({ field: `${name}.data`, detail: "is missing; give the picture's bytes as a Uint8Array" });
      continue;
    }
    const data = takeBytes(frame.data, { field: `${name}.data`, faults, transfer, move });
    if (data === null) continue;
    const { format, width, height, key } = frame;
    const checked = { format: plain(format), data, width: plain(width), height: plain(height), key: plain(key) };
    frames.push({ name, frame: checked });
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
    return takeBytes(audio, { field: "audio", faults, transfer, move });
  }
  if (audio_b64 === undefined || audio_b64 === null || audio_b64 === "") return null;
  const data = decodeBase64(audio_b64, { field: "audio_b64", faults });
  if (data !== null) transfer.add(data.buffer);
  return data;
}

/** The bytes of a view: the same buffer when it may be moved, else a copy of just what the view covers. */
function takeBytes(
  view: ArrayBufferView,
  { field, faults, transfer, move }: { field: string; faults: Faults; transfer: Set<ArrayBuffer>; move: boolean },
) {
  const { buffer, byteOffset, byteLength } = view;
  if (buffer instanceof ArrayBuffer && buffer.detached) {
    faults.push({ field, detail: "was handed over before (transfer: true); give each chunk buffers of its own" });
    return null;
  }
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

/** Values that survive a port and a pipe as they are; anything else becomes its name, which the schema then refuses. */
function plain(value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return { not_plain: String(value) };
  if (typeof value === "string" && value.length > MAX_WORD) return { not_plain: "a long text" };
  return value === null || ["string", "number", "boolean", "undefined"].includes(typeof value)
    ? value
    : { not_plain: typeName(value) };
}

/** A field with a meaning of its own. A text that is too long does not cross. */
function plainField(name: string, { value, faults }: { value: unknown; faults: Faults }): unknown {
  if (name !== "prompt" || typeof value !== "string") return plain(value);
  if (value.length <= MAX_METADATA) return value;
  faults.push({ field: name, detail: tooLong(value.length) });
  return undefined;
}

function toJson(rest: Record<string, unknown>, faults: Faults): string {
  try {
    const text = JSON.stringify(rest, withoutMedia);
    if (text.length <= MAX_METADATA) return text;
    const [field, length] = largest(rest);
    const whole = length === text.length ? "" : `, and all metadata ${text.length}`;
    faults.push({ field, detail: `${tooLong(length)}${whole}` });
  } catch (error) {
    const field = shortened(Object.keys(rest).join(", "));
    faults.push({ field, detail: `does not turn into JSON: ${describe(error).detail}` });
  }
  return "{}";
}

/** The field that takes the most of the metadata, and its characters as JSON. */
function largest(rest: Record<string, unknown>): [string, number] {
  const sizes = Object.entries(rest).map(([name, value]): [string, number] => {
    return [shortened(name), JSON.stringify({ [name]: value }, withoutMedia).length];
  });
  return sizes.reduce((most, one) => one[1] > most[1] ? one : most, ["metadata", 0]);
}

function tooLong(length: number): string {
  return `has ${length} characters, at most ${MAX_METADATA} of metadata are taken; send large data over HTTP`;
}

function shortened(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
}

/** Media never travel as metadata: bytes, and base64 fields deeper than the server looks for them, are left out. */
function withoutMedia(this: unknown, name: string, value: unknown): unknown {
  if (name === "frames_b64" || name === "audio_b64") return undefined;
  // A Buffer has turned itself into an array of numbers by now.
  const original = (this as Record<string, unknown>)[name];
  return ArrayBuffer.isView(original) || original instanceof ArrayBuffer ? undefined : value;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `a ${typeof value}`;
  const name: unknown = value?.constructor?.name;
  return typeof name === "string" ? shortened(name) : "an object";
}
