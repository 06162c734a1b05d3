import { parse, type ParserPlugin } from "@babel/parser";
import { dirname, extname, fromFileUrl, toFileUrl } from "./paths.ts";
import { StreamError } from "../errors.ts";

/** What a pipeline module is made of, found by parsing it and every local module it imports. */
export interface ModuleGraph {
  /** Absolute path of the pipeline module. */
  readonly entry: string;
  /** Absolute paths of all local modules, the entry first; imported JSON, text and bytes count too. */
  readonly files: readonly string[];
  /** Specifiers that are not local, for example `imagescript`. */
  readonly packages: ReadonlySet<string>;
}

const SCRIPT_EXTENSIONS = new Set([".ts", ".mts", ".tsx", ".js", ".mjs", ".jsx"]);

/**
 * Reads the local module graph of a pipeline.
 *
 * @throws StreamError `invalid_pipeline` that names file, line and column
 */
export async function readModuleGraph(entry: string): Promise<ModuleGraph> {
  if (!SCRIPT_EXTENSIONS.has(extname(entry))) {
    throw new StreamError("invalid_pipeline", `${entry} is not a TypeScript or JavaScript module`);
  }
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [entry];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (files.has(path)) continue;
    files.add(path);
    if (!SCRIPT_EXTENSIONS.has(extname(path))) continue;
    for (const found of importsOf(path, await Deno.readTextFile(path))) {
      const target = localPath(found, path);
      if (target === null) {
        packages.add(found.specifier);
        continue;
      }
      if (!await isFile(target)) {
        const { line, column } = found;
        throw new StreamError(
          "invalid_pipeline",
          `${path}:${line}:${column} imports "${found.specifier}", but there is no file ${target}`,
        );
      }
      queue.push(target);
    }
  }
  return { entry, files: [...files], packages };
}

interface FoundImport {
  readonly specifier: string;
  readonly line: number;
  readonly column: number;
}

/** The modules that a source file loads at run time: static, re-exported and literal dynamic imports. */
function importsOf(path: string, source: string): FoundImport[] {
  const found: FoundImport[] = [];
  walk(parseModule(path, source), (node) => {
    if (node.importKind === "type" || node.exportKind === "type") return;
    if (!IMPORTING.has(node.type)) return;
    const specifier = literalText(node.source);
    if (specifier === null) return;
    const { line, column } = (node.source as AstNode).loc?.start ?? { line: 0, column: 0 };
    found.push({ specifier, line, column: column + 1 });
  });
  return found;
}

const IMPORTING = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
]);

function parseModule(path: string, source: string): unknown {
  const plugins: ParserPlugin[] = ["decoratorAutoAccessors", "decorators"];
  if (/\.m?ts$|\.tsx$/.test(path)) plugins.push("typescript");
  if (/\.[jt]sx$/.test(path)) plugins.push("jsx");
  try {
    return parse(source, { sourceType: "module", createImportExpressions: true, plugins }).program;
  } catch (error) {
    const loc = (error as { loc?: { line: number; column: number } }).loc;
    const place = loc === undefined ? path : `${path}:${loc.line}:${loc.column + 1}`;
    const message = (error as Error).message.replace(/ \(\d+:\d+\)$/, "");
    throw new StreamError("invalid_pipeline", `${place} does not parse: ${message}`, { cause: error });
  }
}

interface AstNode {
  readonly type: string;
  readonly loc?: { start: { line: number; column: number } };
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && typeof (value as AstNode).type === "string";
}

/** The text of a string, or of a template without holes. */
function literalText(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === "StringLiteral" && typeof node.value === "string") return node.value;
  const [only, ...more] = node.type === "TemplateLiteral" && Array.isArray(node.quasis) ? node.quasis : [];
  if (more.length > 0 || !isNode(only)) return null;
  return (only.value as { cooked?: string }).cooked ?? null;
}

function walk(value: unknown, visit: (node: AstNode) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
  } else if (isNode(value)) {
    visit(value);
    for (const [field, child] of Object.entries(value)) {
      if (field !== "loc" && typeof child === "object") walk(child, visit);
    }
  }
}

/** The file a specifier names, or null when it names no file. */
function localPath({ specifier, line, column }: FoundImport, importer: string): string | null {
  if (!/^\.{0,2}\/|^file:/.test(specifier)) return null;
  try {
    return fromFileUrl(new URL(specifier, toFileUrl(importer)));
  } catch (cause) {
    const detail = `${importer}:${line}:${column} imports "${specifier}", which is no file name`;
    throw new StreamError("invalid_pipeline", detail, { cause });
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** The folder whose files a pipeline may read at the standard level. */
export function pipelineFolder(entry: string): string {
  return dirname(entry);
}
