/**
 * Writes a tar (POSIX ustar) that depends on nothing but names, modes and contents: the same files give the same bytes.
 *
 * @module
 */

/** One file or folder of an archive. */
export interface TarEntry {
  /** Relative, with `/`; a folder's ends with `/`. At most 255 characters of ASCII. */
  readonly name: string;
  /** Permission bits, such as 0o755. */
  readonly mode: number;
  /** The file's path on disk; absent for a folder. */
  readonly path?: string;
}

const BLOCK = 512;
/** Field of a header: offset and length in bytes. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

/**
 * The bytes of an archive, in the order of the names; owner and time are 0.
 *
 * @throws RangeError when a name is too long or not ASCII
 */
export async function* tarOf(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const sorted = entries.toSorted((one, other) => one.name < other.name ? -1 : 1);
  for (const entry of sorted) {
    if (entry.path === undefined) {
      yield tarHeader(entry, 0);
      continue;
    }
    using file = await Deno.open(entry.path);
    const { size } = await file.stat();
    yield tarHeader(entry, size);
    let written = 0;
    for await (const bytes of file.readable) {
      written += bytes.length;
      yield bytes;
    }
    if (written !== size) throw new RangeError(`${entry.path} changed while it was read`);
    yield new Uint8Array((BLOCK - size % BLOCK) % BLOCK);
  }
  yield new Uint8Array(2 * BLOCK);
}

/** The header of one entry. */
export function tarHeader({ name, mode, path }: TarEntry, size: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(BLOCK);
  const { prefix, rest } = split(name);
  put(header, { field: "name", text: rest });
  put(header, { field: "prefix", text: prefix });
  put(header, { field: "mode", text: octal(mode, 7) });
  put(header, { field: "uid", text: octal(0, 7) });
  put(header, { field: "gid", text: octal(0, 7) });
  put(header, { field: "size", text: octal(size, 11) });
  put(header, { field: "mtime", text: octal(0, 11) });
  put(header, { field: "type", text: path === undefined ? "5" : "0" });
  put(header, { field: "magic", text: "ustar\x0000" });
  put(header, { field: "checksum", text: " ".repeat(8) });
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(header, { field: "checksum", text: `${octal(sum, 6)}\0 ` });
  return header;
}

/** A long name is kept in two parts, cut at a `/`. */
function split(name: string): { prefix: string; rest: string } {
  const [, maxName] = FIELDS.name;
  const [, maxPrefix] = FIELDS.prefix;
  if (/^[ -~]+$/.test(name)) {
    if (name.length <= maxName) return { prefix: "", rest: name };
    const at = name.indexOf("/", name.length - maxName - 1);
    if (at !== -1 && at <= maxPrefix && at < name.length - 1) {
      return { prefix: name.slice(0, at), rest: name.slice(at + 1) };
    }
  }
  throw new RangeError(`${JSON.stringify(name)} does not fit into a tar`);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function put(header: Uint8Array, { field, text }: { field: keyof typeof FIELDS; text: string }): void {
  const [offset, length] = FIELDS[field];
  if (text.length > length) throw new RangeError(`${text} is longer than ${length} bytes`);
  header.set(new TextEncoder().encode(text), offset);
}
