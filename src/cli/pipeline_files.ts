import { dirname, join } from "node:path";
import { VERSION } from "../version.ts";

/** What comes with the server to be copied. */
const PIPELINES = new URL("../../pipelines/", import.meta.url);
const CONTRACT = new URL("../pipeline/contract.ts", import.meta.url);

/** The drawing package as pipelines get it from the server; here it is for the editor. */
const IMAGESCRIPT = "npm:imagescript@1.3.1";

/** Contents by path, relative to a folder. */
export type Files = ReadonlyMap<string, Uint8Array>;

const encoder = new TextEncoder();

/** Address of something in the folder of pipelines. */
export function pipelinesUrl(path = ""): URL {
  return new URL(path, PIPELINES);
}

/**
 * What an editor, and Deno, need beside a pipeline to know `telefuser`: the types, and a deno.json that names them. The
 * server needs neither.
 */
export async function editorFiles(): Promise<Files> {
  const types = await Deno.readTextFile(CONTRACT);
  const config = {
    imports: { telefuser: "./telefuser.d.ts", imagescript: IMAGESCRIPT },
    fmt: { lineWidth: 120 },
  };
  return new Map([
    ["telefuser.d.ts", encoder.encode(`// The types of TeleFuser Stream ${VERSION}, for the editor.\n\n${types}`)],
    ["deno.json", encoder.encode(`${JSON.stringify(config, null, 2)}\n`)],
  ]);
}

/**
 * Which of these files are there already with other content, or cannot be because something else has the place.
 *
 * @returns their paths, relative to the folder
 */
export async function takenPlaces(folder: string, files: Files): Promise<string[]> {
  const taken: string[] = [];
  for (const [path, content] of files) {
    const there = await readIfThere(join(folder, path));
    if (there === "other" || (there !== null && !equal(there, content))) taken.push(path);
  }
  return taken;
}

/**
 * Writes the files that are not there yet; none is overwritten.
 *
 * @returns paths of those written, relative to the folder
 * @throws Error when one is there with other content
 */
export async function writeFiles(folder: string, files: Files): Promise<string[]> {
  const written: string[] = [];
  for (const [path, content] of files) {
    const target = join(folder, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    try {
      await Deno.writeFile(target, content, { createNew: true });
    } catch (error) {
      const isThere = error instanceof Deno.errors.AlreadyExists;
      if (!isThere || (await takenPlaces(folder, new Map([[path, content]]))).length > 0) throw error;
      continue;
    }
    written.push(path);
  }
  return written;
}

/** A word of a command line as it has to be typed. */
export function typed(word: string): string {
  return /^[\p{L}\p{N}_./+:,@%-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

async function readIfThere(path: string): Promise<Uint8Array | "other" | null> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return isLink(path) ? "other" : null;
    if (error instanceof Deno.errors.IsADirectory || error instanceof Deno.errors.NotADirectory) return "other";
    throw error;
  }
}

/** A link that leads nowhere is in the way all the same. */
function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
