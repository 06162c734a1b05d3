/**
 * What each security level means: the one table from which the check before the start, the worker's permissions, the
 * documentation, the help and the banner are made.
 *
 * @module
 */

import { RULE_IDS, type RuleId, type Severity } from "./validation/finding.ts";

/** How much a pipeline may do. */
export type SecurityLevel = "strict" | "standard" | "permissive";

/** A kind of permission of a Deno worker. */
export type PermissionKind = "read" | "write" | "net" | "env" | "run" | "sys" | "ffi" | "import";

/** Where a permission of the worker comes from. */
export type PermissionSource =
  /** The pipeline's module and the local files that it imports, as far as they lie in its folder or are granted. */
  | "modules"
  /** What the server provides: code and data of `imagescript`, and what stands in for built-in modules. */
  | "provided"
  /** The folder in which the pipeline lies. */
  | "folder"
  /** What the operator granted with the flag of that name. */
  | "grants";

/** What a grant is for. */
export type GrantKind = "read" | "net" | "env";

/** How the check judges a rule; a grant may lift it. */
export interface Judgement {
  readonly severity: Severity | "pass";
  /** A grant of this kind makes it pass. */
  readonly liftedBy?: GrantKind;
}

/** One level. */
export interface LevelDefinition {
  /** What a pipeline may do, in a few words. */
  readonly words: string;
  /** The worker's Deno permissions; a kind that is not named is denied. */
  readonly worker: "inherit" | Readonly<Partial<Record<PermissionKind, readonly PermissionSource[]>>>;
  /** Grants that the level takes. */
  readonly grants: readonly GrantKind[];
  /** What the check refuses. */
  readonly rules: Readonly<Record<RuleId, Judgement>>;
  /** Node built-ins that pass, without `node:` and with all that lies below them. */
  readonly builtins: ReadonlySet<string>;
  /** Members of `Deno` that pass. */
  readonly deno: ReadonlySet<string>;
}

/** Packages that every pipeline may import. */
export const PACKAGES: ReadonlySet<string> = new Set(["telefuser", "imagescript"]);

/** Node built-ins that only compute. */
const COMPUTING_BUILTINS = [
  "assert",
  "async_hooks",
  "buffer",
  "crypto",
  "events",
  "path",
  "perf_hooks",
  "punycode",
  "querystring",
  "stream",
  "string_decoder",
  "timers",
  "url",
  "util",
  "zlib",
];

/** Node built-ins that the worker's permissions govern in full. */
const GOVERNED_BUILTINS = ["dns", "fs", "http", "https", "net", "process", "tls"];

/** Members of `Deno` that only tell something harmless. */
const COMPUTING_DENO = ["build", "errors", "inspect", "noColor", "version"];

/** Members of `Deno` that read files, as the worker's permissions allow. */
const READING_DENO = [
  "FsFile",
  "SeekMode",
  "cwd",
  "lstat",
  "lstatSync",
  "open",
  "openSync",
  "readDir",
  "readDirSync",
  "readFile",
  "readFileSync",
  "readTextFile",
  "readTextFileSync",
  "realPath",
  "realPathSync",
  "stat",
  "statSync",
];

const ERROR: Judgement = { severity: "error" };
const WARNING: Judgement = { severity: "warning" };

/** Nothing that breaks these can run, whatever it may do. */
const BROKEN: readonly RuleId[] = ["syntax", "missing-module"];

function judge(usual: Judgement, others: Partial<Record<RuleId, Judgement>> = {}): Record<RuleId, Judgement> {
  const rules = RULE_IDS.map((id) => [id, others[id] ?? (BROKEN.includes(id) ? ERROR : usual)]);
  return Object.fromEntries(rules) as Record<RuleId, Judgement>;
}

/** Every level, once. */
export const SECURITY_LEVELS: Readonly<Record<SecurityLevel, LevelDefinition>> = {
  strict: {
    words: "compute, and import its own local files and imagescript",
    worker: { read: ["modules", "provided"] },
    grants: [],
    rules: judge(ERROR, { "global-alias": WARNING }),
    builtins: new Set(COMPUTING_BUILTINS),
    deno: new Set(COMPUTING_DENO),
  },
  standard: {
    words: "also read its own folder, and what --allow-read, --allow-net and --allow-env add",
    worker: { read: ["modules", "provided", "folder", "grants"], net: ["grants"], env: ["grants"] },
    grants: ["read", "net", "env"],
    rules: judge(ERROR, {
      "global-alias": WARNING,
      environment: { severity: "error", liftedBy: "env" },
      network: { severity: "warning", liftedBy: "net" },
    }),
    builtins: new Set([...COMPUTING_BUILTINS, ...GOVERNED_BUILTINS]),
    deno: new Set([...COMPUTING_DENO, ...READING_DENO]),
  },
  permissive: {
    words: "do everything the server may do: files, network, programs, native code",
    worker: "inherit",
    grants: ["read", "net", "env"],
    rules: judge(WARNING),
    builtins: new Set([...COMPUTING_BUILTINS, ...GOVERNED_BUILTINS]),
    deno: new Set([...COMPUTING_DENO, ...READING_DENO]),
  },
};

/** The names of the levels, the narrowest first. */
export const SECURITY_LEVEL_NAMES = Object.keys(SECURITY_LEVELS) as SecurityLevel[];

/** The levels for the help of a command, one a line. */
export function levelsText(): string {
  const lines = SECURITY_LEVEL_NAMES.map((name) => `  ${name.padEnd(11)} ${SECURITY_LEVELS[name].words}`);
  return `Security levels, what a pipeline may do:\n${lines.join("\n")}`;
}
