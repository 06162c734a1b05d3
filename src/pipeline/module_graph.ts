import { StreamError } from "../errors.ts";
import { dirname, extname, fromFileUrl, relative, sep, toFileUrl } from "./paths.ts";
import type { Observation } from "./validation/finding.ts";
import {
  type AstNode,
  childrenOf,
  literalText,
  nodeAt,
  nodesAt,
  parseModule,
  type Position,
  positionOf,
  SCRIPT_EXTENSIONS,
} from "./validation/syntax_tree.ts";

/** What a pipeline module is made of, found by parsing it and every local module it imports. */
export interface ModuleGraph {
  /** Absolute path of the pipeline module. */
  readonly entry: string;
  /** Absolute paths of all local modules, the entry first; imported JSON, text and bytes count too. */
  readonly files: readonly string[];
  /** Specifiers that are not local, for example `imagescript`. */
  readonly packages: ReadonlySet<string>;
}

/** A module graph with everything that the check before the start looks at. Each file has been parsed once. */
export interface ParsedPipeline extends ModuleGraph {
  readonly modules: readonly ParsedModule[];
}

/** One file of code. */
export interface ParsedModule {
  /** Absolute path. */
  readonly path: string;
  readonly source: string;
  /** Null when it does not parse. */
  readonly program: AstNode | null;
  readonly imports: readonly FoundImport[];
  /** What stands in the way of reading it or what it imports. */
  readonly faults: readonly Observation[];
}

/** A module that a file loads: by a static, a re-exporting or a literal dynamic import. */
export interface FoundImport {
  readonly specifier: string;
  readonly at: Position;
  /** Whether it is loaded as JSON, text or bytes. */
  readonly isData: boolean;
  /** Path of the local file as it is imported, and its real path, when it is one and is there. */
  readonly path?: string;
  readonly file?: string;
}

/** Largest file of code, in characters. */
const MAX_SOURCE = 16 * 1024 * 1024;

/** Files that are loaded and are no code to parse, whatever they are imported as. */
const BINARY_EXTENSIONS = new Set([".wasm", ".node", ".json"]);

/**
 * Reads the local module graph of a pipeline.
 *
 * @throws StreamError `invalid_pipeline` that names file, line and column
 */
export async function readModuleGraph(entry: string): Promise<ModuleGraph> {
  const { modules, files, packages } = await readPipeline(entry);
  for (const { path, faults: [fault] } of modules) {
    if (fault === undefined) continue;
    const { at: { line, column }, detail } = fault;
    throw new StreamError("invalid_pipeline", `${path}:${line}:${column + 1} ${detail}`);
  }
  return { entry, files, packages };
}

/**
 * Reads and parses a pipeline and all that it imports; what does not parse or is not there is noted with the module.
 *
 * @throws StreamError `invalid_pipeline` when the entry is no module at all
 */
export async function readPipeline(entry: string): Promise<ParsedPipeline> {
  if (!SCRIPT_EXTENSIONS.has(extname(entry))) {
    throw new StreamError("invalid_pipeline", `${entry} is not a TypeScript or JavaScript module`);
  }
  const files = new Set<string>();
  const parsed = new Map<string, ParsedModule>();
  const packages = new Set<string>();
  const queue = [{ path: entry, isData: false }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { path, isData } = next;
    files.add(path);
    if (isData || parsed.has(path) || BINARY_EXTENSIONS.has(extname(path))) continue;
    const module = await readModule(path);
    parsed.set(path, module.parsed);
    queue.push(...module.local);
    for (const specifier of module.packages) packages.add(specifier);
  }
  return { entry, files: [...files], packages, modules: [...parsed.values()] };
}

interface ReadModule {
  readonly parsed: ParsedModule;
  readonly local: { path: string; isData: boolean }[];
  readonly packages: string[];
}

async function readModule(path: string): Promise<ReadModule> {
  const read: ReadModule = {
    parsed: { path, source: "", program: null, imports: [], faults: [] },
    local: [],
    packages: [],
  };
  const source = await Deno.readTextFile(path);
  if (source.length > MAX_SOURCE) return faulty(read, source, `is longer than ${MAX_SOURCE} characters`);
  try {
    const parsed = parseModule(path, source);
    if ("fault" in parsed) return faulty(read, source, `does not parse: ${parsed.fault.detail}`, parsed.fault.at);
    const { program } = parsed;
    const imports: FoundImport[] = [];
    const faults: Observation[] = [];
    for (const found of importsOf(program)) {
      const target = await localFile(found, path);
      if (target === null) read.packages.push(found.specifier);
      else if ("reason" in target) {
        const detail = `imports "${found.specifier}", ${target.reason}`;
        faults.push({ rule: "missing-module", at: found.at, detail });
      } else read.local.push({ path: target.path, isData: found.isData });
      imports.push(target !== null && "real" in target ? { ...found, path: target.path, file: target.real } : found);
    }
    return { ...read, parsed: { path, source, program, imports, faults } };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return faulty(read, source, "is nested too deeply to be checked");
  }
}

function faulty(read: ReadModule, source: string, detail: string, at: Position = { line: 1, column: 0 }): ReadModule {
  return { ...read, parsed: { ...read.parsed, source, faults: [{ rule: "syntax", at, detail }] } };
}

const IMPORTING = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
]);

const DATA_TYPES = new Set(["json", "text", "bytes"]);

/** The modules that a source file loads at run time. */
function importsOf(program: AstNode): FoundImport[] {
  const found: FoundImport[] = [];
  function visit(node: AstNode): void {
    const source = IMPORTING.has(node.type) ? nodeAt(node, "source") : null;
    const specifier = literalText(source);
    if (source !== null && specifier !== null) {
      found.push({ specifier, at: positionOf(source), isData: DATA_TYPES.has(importType(node) ?? "") });
    }
    for (const [, child] of childrenOf(node)) visit(child);
  }
  visit(program);
  return found;
}

/** The `type` of an import's attributes. */
function importType(node: AstNode): string | null {
  const named = node.type === "ImportExpression"
    ? nodesAt(nodeAt(node, "options") ?? node, "properties").find((property) => keyText(property) === "with")
    : undefined;
  const attributes = named === undefined
    ? nodesAt(node, "attributes")
    : nodesAt(nodeAt(named, "value") ?? named, "properties");
  return literalText(attributes.find((attribute) => keyText(attribute) === "type")?.value);
}

function keyText(property: AstNode): string {
  const key = nodeAt(property, "key");
  return String(key?.name ?? key?.value);
}

type LocalFile = { path: string; real: string } | { reason: string };

/** The file a specifier names, or why there is none; null when it names no file. */
async function localFile({ specifier }: FoundImport, importer: string): Promise<LocalFile | null> {
  if (!/^\.{0,2}\/|^file:/i.test(specifier)) return null;
  let path: string;
  try {
    path = fromFileUrl(new URL(specifier, toFileUrl(importer)));
  } catch (error) {
    if (error instanceof TypeError) return { reason: "which is no file name" };
    throw error;
  }
  try {
    if ((await Deno.stat(path)).isFile) return { path, real: await Deno.realPath(path) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) {
      return { reason: `but ${path} cannot be read` };
    }
  }
  return { reason: `but there is no file ${path}` };
}

/** The folder whose files a pipeline may read at the standard level. */
export function pipelineFolder(entry: string): string {
  return dirname(entry);
}

/** Whether a path is a folder's or lies below it. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith(`..${sep}`) && way !== ".." && !way.startsWith(sep));
}
