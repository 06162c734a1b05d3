import type { Position } from "./syntax_tree.ts";

/** Whether a finding keeps the pipeline from being started. */
export type Severity = "error" | "warning";

/** What the check before the start found at one place. */
export interface Finding {
  /** Stable id of the rule, for example `deno-api`. */
  readonly rule: RuleId;
  readonly severity: Severity;
  /** Absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The line as it stands there; of a very long one the piece that begins at the column, after `…`. */
  readonly code: string;
  /** What is there, as the end of a sentence that begins with the place. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** A rule: what it finds and what to do, for people. */
export interface Rule {
  readonly finds: string;
  readonly remedy: string;
}

const USE_LOGIC = "write the code out in a module of the pipeline";

/** Every rule by its id. The ids do not change. Which level refuses what stands in `security_levels.ts`. */
export const RULES = {
  "syntax": {
    finds: "a file that does not parse",
    remedy: "mend the syntax; `deno check` says more",
  },
  "missing-module": {
    finds: "an import of a local file that is not there or cannot be read",
    remedy: "check the path, its ending included",
  },
  "outside-import": {
    finds: "an import of a file outside the pipeline's own folder, links followed, or below a folder `node_modules`",
    remedy: "move the file into the folder of the pipeline, out of node_modules, or name it with --allow-read at " +
      "level standard",
  },
  "remote-import": {
    finds: "an import from the network (`https:`, `http:`)",
    remedy: "put a copy of the module beside the pipeline and import that",
  },
  "package-import": {
    finds: "an import of a package (`npm:`, `jsr:`, a bare name) other than `telefuser` and `imagescript`",
    remedy: "put a bundled copy of the package beside the pipeline and import that",
  },
  "inline-import": {
    finds: "an import of code that stands in the address itself (`data:`, `blob:`)",
    remedy: USE_LOGIC,
  },
  "builtin-import": {
    finds: "an import of a Node built-in that reaches beyond the worker",
    remedy: "leave it out; at --security-level standard node:fs, node:net and a few more pass",
  },
  "dynamic-import": {
    finds: "`import()` of what is not written out, and `importScripts()`",
    remedy: 'write the module\'s name as one text, so that it can be checked: import("./module.ts")',
  },
  "commonjs": {
    finds: "`require()`",
    remedy: 'write import … from "…" instead',
  },
  "eval": {
    finds: "`eval`, by whatever name",
    remedy: USE_LOGIC,
  },
  "function-constructor": {
    finds: "functions made from texts: `Function(…)`, also by way of `.constructor`",
    remedy: USE_LOGIC,
  },
  "timer-text": {
    finds: "`setTimeout()` and its like with a text instead of a function",
    remedy: "pass a function: setTimeout(() => …, ms)",
  },
  "deno-api": {
    finds: "what `Deno` offers beyond the list of the level",
    remedy: 'leave it out; local data comes by import … with { type: "json" }, video by context.openVideo()',
  },
  "deno-alias": {
    finds: "`Deno` itself handed on, renamed, or read by a name that is not written out",
    remedy: "write Deno.name where it is used",
  },
  "global-access": {
    finds: "the global object read by a name that is not written out",
    remedy: "write the name out",
  },
  "global-alias": {
    finds: "the global object handed on as a value",
    remedy: "write the names out where they are used",
  },
  "worker": {
    finds: "`Worker` and `SharedWorker`",
    remedy: "do the work in the pipeline itself; it runs in a worker of its own already",
  },
  "native-code": {
    finds: "native code: `Deno.dlopen`, `process.dlopen`, `.node` files, raw pointers",
    remedy: "use WebAssembly, or run the pipeline with --security-level permissive if you trust it",
  },
  "environment": {
    finds: "environment variables: `Deno.env`, `process.env`",
    remedy: "take settings from the request, or grant names with --security-level standard --allow-env NAME",
  },
  "process-api": {
    finds: "what `process` offers beyond a few readings",
    remedy: "leave it out; throw an Error to end a session",
  },
  "network": {
    finds: "the network: `fetch`, `WebSocket`, `Deno.connect` and their like",
    remedy: "take data from the request, or grant hosts with --security-level standard --allow-net host:port",
  },
  "shared-storage": {
    finds: "what outlives or leaves the worker: `caches`, `localStorage`, `indexedDB`, `BroadcastChannel`",
    remedy: "keep state in variables of the pipeline",
  },
  "terminal": {
    finds: "questions at the server's terminal: `prompt`, `confirm`, `alert`",
    remedy: "ask the viewer instead, with a field of a chunk and pushChunk()",
  },
} as const satisfies Record<string, Rule>;

/** Id of a rule. */
export type RuleId = keyof typeof RULES;

/** All ids, in the order of the table. */
export const RULE_IDS = Object.keys(RULES) as RuleId[];

/** Something that a rule found, before a level has judged it. */
export interface Observation {
  readonly rule: RuleId;
  readonly at: Position;
  readonly detail: string;
}

/** Characters of a line that are shown whole. */
const MAX_LINE = 200;

/** The line of a place, for a finding. */
export function codeAt(source: string, { line, column }: Position): string {
  const text = source.split(/\r\n|[\n\r\u2028\u2029]/, line)[line - 1] ?? "";
  return text.length <= MAX_LINE ? text : `…${text.slice(column, column + MAX_LINE)}`;
}
