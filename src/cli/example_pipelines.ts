import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { readPipeline, type StreamMode } from "../pipeline/mod.ts";
import { type Files, pipelinesUrl } from "./pipeline_files.ts";

/** An example pipeline that comes with the server. */
export interface Example {
  /** Its file without the ending. */
  readonly name: string;
  readonly mode: StreamMode;
  /** First sentence of the file's own comment, without the full stop. */
  readonly summary: string;
}

/** Names of all examples, sorted. */
export function exampleNames(): string[] {
  const entries = [...Deno.readDirSync(pipelinesUrl())];
  return entries.filter(({ isFile, name }) => isFile && name.endsWith(".ts"))
    .map(({ name }) => name.slice(0, -".ts".length)).toSorted();
}

/** Reads what an example says of itself. */
export async function readExample(name: string): Promise<Example> {
  return describeExample(name, await Deno.readTextFile(exampleUrl(name)));
}

/** What the text of a pipeline says of itself: what it is in its first comment, and what it returns. */
export function describeExample(name: string, source: string): Example {
  const [, comment = ""] = /^\/\*\*(.*?)\*\//s.exec(source) ?? [];
  const text = comment.replace(/^\s*\* ?/gm, "").trim();
  const [sentence = ""] = text.replace(/\s+/g, " ").split(/\.(?: |$)/, 1);
  const isTwoWay = /\bgetService\(\)\s*:[^{]*\bBidirectionalService\b/.test(source);
  return { name, mode: isTwoWay ? "bidirectional" : "server_push", summary: sentence };
}

/**
 * All that an example consists of, by path relative to the folder of pipelines: its modules, what they import as data,
 * and the licences of that. The clip is not among it, as the server has it under a name of its own.
 */
export async function exampleFiles(name: string): Promise<Files> {
  const folder = fileURLToPath(pipelinesUrl());
  const { files } = await readPipeline(fileURLToPath(exampleUrl(name)));
  const found = new Map<string, Uint8Array>();
  for (const path of files) {
    found.set(relative(folder, path).replaceAll(sep, "/"), await Deno.readFile(path));
    const licence = path.replace(/\.[^./\\]+$/, ".LICENSE.txt");
    const text = await readIfThere(licence);
    if (text !== null) found.set(relative(folder, licence).replaceAll(sep, "/"), text);
  }
  return found;
}

function exampleUrl(name: string): URL {
  return pipelinesUrl(`${name}.ts`);
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
