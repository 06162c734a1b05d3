/**
 * Messages over a pipe: a header of JSON and the bytes that belong into it, each with its length in front.
 *
 * ```
 * u32 header bytes | u32 bytes of all parts | header | parts, one after the other
 * ```
 *
 * Numbers are big-endian. The header is `{ m: message, p: [[path, kind, bytes], …] }`: each part is a typed array and its
 * path is where it belongs in the message.
 *
 * @module
 */

/** Bytes before the header. */
const PREFIX = 8;

/** The typed arrays that cross. */
const KINDS = { u8: Uint8Array, i16: Int16Array } as const;
type Kind = keyof typeof KINDS;
type PartBytes = Uint8Array | Int16Array;

type Path = readonly (string | number)[];

interface Header {
  readonly m: unknown;
  readonly p: readonly (readonly [Path, Kind, number])[];
}

/**
 * Writes a message.
 *
 * @returns what is to be written, in order; the parts are not copied
 * @throws RangeError when it is nested too deeply
 */
export function encodeFrame(message: unknown): Uint8Array[] {
  const parts: { readonly path: Path; readonly data: PartBytes }[] = [];
  const plain = extract(message, { path: [], parts });
  const p = parts.map(({ path, data }) => [path, data instanceof Int16Array ? "i16" : "u8", data.byteLength] as const);
  const header = new TextEncoder().encode(JSON.stringify({ m: plain, p } satisfies Header));
  const start = new Uint8Array(PREFIX + header.length);
  const view = new DataView(start.buffer);
  view.setUint32(0, header.length);
  view.setUint32(4, parts.reduce((sum, { data }) => sum + data.byteLength, 0));
  start.set(header, PREFIX);
  return [
    start,
    ...parts.map(({ data: { buffer, byteOffset, byteLength } }) => new Uint8Array(buffer, byteOffset, byteLength)),
  ];
}

/** Takes typed arrays out of a message. */
function extract(value: unknown, { path, parts }: { path: Path; parts: { path: Path; data: PartBytes }[] }): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array || value instanceof Int16Array) {
    parts.push({ path, data: value });
    return null;
  }
  if (Array.isArray(value)) return value.map((item, index) => extract(item, { path: [...path, index], parts }));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, extract(item, { path: [...path, name], parts })]),
  );
}

/** A stream that does not hold what a frame is. */
export class FrameError extends Error {
  override name = "FrameError";
}

/** Reads messages from bytes as they come. */
export class FrameReader {
  readonly #maxHeader: number;
  readonly #maxParts: number;
  readonly #prefix = new Uint8Array(PREFIX);
  #filled = 0;
  /** Header and parts of the message that is being read; each part has memory of its own, which may be handed on. */
  #body: Uint8Array<ArrayBuffer> | undefined;
  #headerLength = 0;
  #partsLength = 0;

  /** @param limits bytes of a header, and of all parts of a message */
  constructor({ maxHeader, maxParts }: { maxHeader: number; maxParts: number }) {
    this.#maxHeader = maxHeader;
    this.#maxParts = maxParts;
  }

  /**
   * Takes bytes; gives the messages that are complete now.
   *
   * @throws FrameError when it is too large or not of the form
   */
  *read(bytes: Uint8Array): Generator<unknown, void> {
    let at = 0;
    while (at < bytes.length) {
      const target = this.#body ?? this.#prefix;
      const count = Math.min(target.length - this.#filled, bytes.length - at);
      target.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < target.length) return;
      this.#filled = 0;
      if (this.#body === undefined) {
        this.#begin();
        continue;
      }
      const body = this.#body;
      this.#body = undefined;
      yield this.#message(body);
    }
  }

  #begin(): void {
    const view = new DataView(this.#prefix.buffer);
    this.#headerLength = view.getUint32(0);
    this.#partsLength = view.getUint32(4);
    if (this.#headerLength === 0 || this.#headerLength > this.#maxHeader) {
      throw new FrameError(`a header of ${this.#headerLength} bytes, at most ${this.#maxHeader}`);
    }
    if (this.#partsLength > this.#maxParts) {
      throw new FrameError(`parts of ${this.#partsLength} bytes, at most ${this.#maxParts}`);
    }
    this.#body = new Uint8Array(this.#headerLength + this.#partsLength);
  }

  #message(body: Uint8Array<ArrayBuffer>): unknown {
    const header = parseHeader(body.subarray(0, this.#headerLength));
    const message = { m: header.m };
    let at = this.#headerLength;
    for (const [path, kind, length] of header.p) {
      if (at + length > body.length) throw new FrameError("a part that is longer than the message");
      place(message, ["m", ...path], new KINDS[kind](body.slice(at, at + length).buffer));
      at += length;
    }
    return message.m;
  }
}

function parseHeader(bytes: Uint8Array): Header {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new FrameError("a header that is not JSON", { cause });
  }
  const { m, p } = (typeof header === "object" && header !== null ? header : {}) as Partial<Header>;
  if (!Array.isArray(p) || !p.every(isPart)) throw new FrameError("a header that is not of the form");
  return { m, p };
}

function isPart(part: unknown): part is Header["p"][number] {
  if (!Array.isArray(part) || part.length !== 3) return false;
  const [path, kind, length] = part;
  return Array.isArray(path) && path.every((step) => typeof step === "string" || Number.isInteger(step)) &&
    typeof kind === "string" && Object.hasOwn(KINDS, kind) && Number.isInteger(length) && length >= 0 &&
    length % KINDS[kind as Kind].BYTES_PER_ELEMENT === 0;
}

/** Puts a part where it belongs; only where the writer left a hole for it. */
function place(root: object, path: Path, part: PartBytes): void {
  let owner: unknown = root;
  for (const step of path.slice(0, -1)) {
    owner = typeof owner === "object" && owner !== null && Object.hasOwn(owner, step)
      ? (owner as Record<string | number, unknown>)[step]
      : undefined;
  }
  const last = path.at(-1);
  const isHole = typeof owner === "object" && owner !== null && last !== undefined && Object.hasOwn(owner, last) &&
    (owner as Record<string | number, unknown>)[last] === null;
  if (!isHole) throw new FrameError("a part that belongs nowhere");
  (owner as Record<string | number, unknown>)[last] = part;
}
