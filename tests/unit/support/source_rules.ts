/**
 * Reads source files and says where they break the house rules: who may import whom, which package lives in which room,
 * and the few globals that only one place may touch. Works on texts, so that the rules themselves can be tested.
 *
 * @module
 */

import { posix } from "node:path";
import { parse } from "@babel/parser";

/** A file by its path from the root of the project, for example `src/rtp/mod.ts`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Rooms and the ranks they may import; a room of the same rank is out of bounds unless `peers` says otherwise. */
const LAYERS: readonly { rank: number; rooms: readonly string[]; imports: readonly number[]; peers: boolean }[] = [
  { rank: 0, rooms: ["errors.ts", "log.ts", "network.ts", "version.ts", "async", "media"], imports: [], peers: true },
  { rank: 1, rooms: ["config", "codec", "rtp"], imports: [0], peers: false },
  { rank: 2, rooms: ["pipeline"], imports: [0], peers: false },
  { rank: 3, rooms: ["stream", "webrtc", "recording"], imports: [0, 1, 2], peers: false },
  { rank: 4, rooms: ["session"], imports: [0, 1, 2, 3], peers: false },
  { rank: 5, rooms: ["http", "metrics", "auth"], imports: [0, 1, 2, 3, 4], peers: false },
  { rank: 6, rooms: ["doctor"], imports: [0, 1, 2, 3, 4, 5], peers: false },
  { rank: 7, rooms: ["server.ts", "network.ts", "cli", "main.ts"], imports: [0, 1, 2, 3, 4, 5, 6], peers: true },
];

const PACKAGE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  "node-av": ["codec"],
  werift: ["webrtc"],
  hono: ["http"],
  commander: ["cli"],
  zod: ["config", "pipeline", "http"],
  "@babel/parser": ["pipeline"],
  imagescript: ["pipeline"],
};

/** One module that a file refers to. */
interface FoundImport {
  readonly specifier: string;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
}

interface AstNode {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

/** Who imports whom, and which package in which room. */
export function importViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path);
    const layer = layerOf(room);
    if (layer === undefined) return [`${file.path}: ${room} is in no rank`];
    return importsOf(file).flatMap(({ specifier }) => {
      if (specifier.startsWith("node:")) return [];
      if (!isLocal(specifier)) return packageViolation(file.path, specifier);
      const target = resolveLocal(file.path, specifier);
      const targetRoom = roomOf(target);
      if (targetRoom === room) return [];
      const targetLayer = layerOf(targetRoom);
      if (targetLayer === undefined) return [`${file.path} imports ${target}, which is in no rank`];
      const allowed = layer.imports.includes(targetLayer.rank) || (layer === targetLayer && layer.peers);
      const found = allowed ? [] : [`${file.path} of rank ${layer.rank} imports ${target} of rank ${targetLayer.rank}`];
      const isProgram = file.path === "main.ts" && PROGRAMS.has(target);
      const door = targetRoom.endsWith(".ts") || target === `src/${targetRoom}/mod.ts` || isProgram;
      return door ? found : [...found, `${file.path} imports ${target} past the door of ${targetRoom}`];
    });
  });
}

/** Rooms without a `mod.ts`, and doors whose comment has no `@module`. */
export function doorViolations(files: readonly SourceFile[]): string[] {
  const rooms = new Set(files.map((file) => roomOf(file.path)).filter((room) => !room.endsWith(".ts")));
  return [...rooms].flatMap((room) => {
    const door = files.find((file) => file.path === `src/${room}/mod.ts`);
    if (door === undefined) return [`${room} has no mod.ts`];
    const comments = parse(door.text, PARSE_OPTIONS).comments ?? [];
    return comments.some(({ value }) => /^\s*\*\s*@module\b/m.test(value))
      ? []
      : [`${door.path} has no @module comment`];
  });
}

/** What is loaded when a module runs: its files and its packages. */
export function runtimeGraph(entry: string, files: readonly SourceFile[]): { files: string[]; packages: string[] } {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const queue = [entry];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const file = files.find((one) => one.path === path);
    if (file === undefined) throw new Error(`there is no ${path}`);
    for (const { specifier, typeOnly } of importsOf(file)) {
      if (typeOnly || specifier.startsWith("node:")) continue;
      if (isLocal(specifier)) queue.push(resolveLocal(path, specifier));
      else packages.add(specifier);
    }
  }
  return { files: [...seen], packages: [...packages] };
}

/** Where standard streams are used: by the log, by a program of its own, and where they are taken from the pipeline. */
const PRINTERS = new Set(["src/log.ts", "src/pipeline/child_entry.ts", "src/pipeline/worker_wall.ts"]);

/** Where the environment is taken from the pipeline. */
const ENVIRONMENT_GUARDS = new Set(["src/pipeline/worker_gaps.ts"]);

/** Programs of their own threads and processes: doors for whoever starts them. */
const PROGRAMS = new Set(["src/pipeline/child_entry.ts"]);

/** Globals out of their place, `any`, and errors that are swallowed. */
export function habitViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const found: string[] = [];
    walk(parse(file.text, PARSE_OPTIONS).program, (node) => {
      const place = `${file.path}:${node.loc?.start.line ?? 0}`;
      const name = node.type === "Identifier" ? node.name : undefined;
      if (TIMERS.has(name) && file.path !== "src/async/clock.ts") found.push(`${place} has a timer of its own`);
      if ((name === "console" || isStandardStream(node)) && !PRINTERS.has(file.path)) {
        found.push(`${place} prints past the log`);
      }
      if (readsEnvironment(node) && roomOf(file.path) !== "cli" && !ENVIRONMENT_GUARDS.has(file.path)) {
        found.push(`${place} reads the environment`);
      }
      if (node.type === "TSAnyKeyword") found.push(`${place} has the type any`);
      if (isEmptyCatch(node)) found.push(`${place} has an empty catch`);
    });
    return found;
  });
}

const TIMERS = new Set<unknown>(["setTimeout", "setInterval"]);
const PARSE_OPTIONS = {
  sourceType: "module",
  createImportExpressions: true,
  plugins: ["typescript"],
} as const satisfies Parameters<typeof parse>[1];

const IMPORTING = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

function importsOf(file: SourceFile): FoundImport[] {
  const found: FoundImport[] = [];
  walk(parse(file.text, PARSE_OPTIONS).program, (node) => {
    const { source } = node;
    if (!IMPORTING.has(node.type) || !isNode(source) || typeof source.value !== "string") return;
    const typeOnly = node.type === "TSImportType" || node.importKind === "type" || node.exportKind === "type";
    found.push({ specifier: source.value, typeOnly });
  });
  return found;
}

function packageViolation(path: string, specifier: string): string[] {
  const [first = "", second = ""] = specifier.split("/");
  const name = first.startsWith("@") ? `${first}/${second}` : first;
  const rooms = PACKAGE_ROOMS[name];
  if (rooms === undefined) return [`${path} imports ${specifier}, which has no room`];
  return rooms.includes(roomOf(path)) ? [] : [`${path} imports ${specifier}, which belongs in ${rooms.join(", ")}`];
}

/** `src/rtp/rtcp.ts` → `rtp`; a file at the top is a room of its own. */
function roomOf(path: string): string {
  const parts = path.split("/");
  return (parts[0] === "src" ? parts[1] : parts[0]) ?? "";
}

function layerOf(room: string): (typeof LAYERS)[number] | undefined {
  return LAYERS.find(({ rooms }) => rooms.includes(room));
}

function isLocal(specifier: string): boolean {
  return /^\.{0,2}\//.test(specifier);
}

function resolveLocal(importer: string, specifier: string): string {
  return posix.join(posix.dirname(importer), specifier);
}

/** `Deno.stdout`, `process.stderr` and the like; not the option of that name when a program is started. */
function isStandardStream(node: AstNode): boolean {
  const { property } = node;
  return node.type === "MemberExpression" && isGlobal(node.object) && isNode(property) &&
    (property.name === "stdout" || property.name === "stderr");
}

function readsEnvironment(node: AstNode): boolean {
  if (node.type === "MemberExpression" || node.type === "OptionalMemberExpression") {
    return isGlobal(node.object) && isNode(node.property) && (node.property.name ?? node.property.value) === "env";
  }
  if (node.type !== "VariableDeclarator" || !isGlobal(node.init) || !isNode(node.id)) return false;
  const { properties } = node.id;
  return Array.isArray(properties) &&
    properties.some((property) => isNode(property) && isNode(property.key) && property.key.name === "env");
}

function isGlobal(value: unknown): boolean {
  return isNode(value) && value.type === "Identifier" && (value.name === "Deno" || value.name === "process");
}

function isEmptyCatch(node: AstNode): boolean {
  if (node.type !== "CatchClause" || !isNode(node.body)) return false;
  return Array.isArray(node.body.body) && node.body.body.length === 0;
}

function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
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
