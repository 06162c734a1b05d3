/** What an attempt goes after; the part of its id before the point. */
export type Category =
  | "read"
  | "write"
  | "media"
  | "env"
  | "run"
  | "net"
  | "native"
  | "system"
  | "remote"
  | "worker"
  | "storage"
  | "signal"
  | "exit"
  | "process"
  | "inspect"
  | "message"
  | "prompt"
  | "print"
  | "tamper";

/**
 * What must be found outside of the worker for an attempt to have succeeded. Whatever the code itself says of it counts only
 * where it hands out something that it cannot know otherwise.
 */
export type Proof =
  /** The outcome holds a secret of the ground. */
  | { readonly kind: "tells"; readonly secret: Secret }
  /** The outcome has a shape that is true of this machine only. */
  | { readonly kind: "matches"; readonly pattern: RegExp }
  /** Something is at `t.out`. */
  | { readonly kind: "makes" }
  /** The file `t.target` is no longer as it was. */
  | { readonly kind: "changes" }
  /** The mark came to one of the ground's listeners, or to the process that holds the worker. */
  | { readonly kind: "arrives" }
  /** Something came to the attempt's own port. */
  | { readonly kind: "knocks" }
  /** The mark is in what the process wrote to its standard streams. */
  | { readonly kind: "prints" }
  /** The log has a line that holds the mark and is not under the pipeline's name. */
  | { readonly kind: "forges" }
  /** The process `t.victim` has ended. */
  | { readonly kind: "ends" }
  /** The process that holds the worker, and the server's sessions with it, has ended. */
  | { readonly kind: "exits" }
  /** The mark is on an object that the process which holds the worker relies on. */
  | { readonly kind: "pollutes" };

/** What the ground hides. */
export type Secret =
  | "file"
  | "own"
  | "input"
  | "env"
  | "video"
  | "addon"
  | "hostname"
  | "release"
  | "output"
  | "server";

/** Where the attempt must succeed, for its denial to mean anything. */
export type Control =
  /** In the worker, at the level permissive. */
  | "permissive"
  /** As a plain program with all permissions, with these flags. */
  | { readonly plain: readonly string[] }
  /** When FFmpeg opens this file of the pipeline's folder and nothing holds it back. */
  | { readonly ffmpeg: string }
  /** Nowhere, for this reason: the way is closed in this version of the runtime, or closed at every level. */
  | { readonly never: string };

/** One way to try to get out. */
export interface Attempt {
  /** `category.name`. */
  readonly id: string;
  /** Body of an async function of `t` (facts of the ground) and `context` (what `start()` was given). */
  readonly body: string;
  readonly proof: Proof;
  /** Levels at which this is what the level allows. */
  readonly allowed: readonly ("strict" | "standard")[];
  readonly control: Control;
  /** Import lines in front of the module that the check reads; the attempt is then a module of its own. */
  readonly imports: string | null;
  /** Whether it ends its worker, or leaves it in no state for others. */
  readonly alone: boolean;
}

/** What may be said of an attempt beyond its id, proof and body. */
export interface AttemptOptions {
  readonly allowed?: Attempt["allowed"];
  readonly control?: Control;
  readonly imports?: string;
  readonly alone?: boolean;
}

/** An attempt as the tables write it. */
export type Row = readonly [id: string, proof: Proof, body: string, options?: AttemptOptions];

/** Makes attempts of rows. */
export function attempts(rows: readonly Row[]): Attempt[] {
  return rows.map(([id, proof, body, options = {}]) => ({
    id,
    body,
    proof,
    allowed: options.allowed ?? [],
    control: options.control ?? "permissive",
    imports: options.imports ?? null,
    alone: options.alone ?? false,
  }));
}

/** The part of the id before the point. */
export function categoryOf({ id }: Attempt): Category {
  return id.split(".")[0] as Category;
}

/** A word that stands for an attempt wherever it may turn up: in a name, a request, a file. */
export function markOf(id: string): string {
  return `mark-${id.replace(/\W/g, "-")}-end`;
}

export const tells = (secret: Secret): Proof => ({ kind: "tells", secret });
export const matches = (pattern: RegExp): Proof => ({ kind: "matches", pattern });
export const MAKES: Proof = { kind: "makes" };
export const CHANGES: Proof = { kind: "changes" };
export const ARRIVES: Proof = { kind: "arrives" };
export const KNOCKS: Proof = { kind: "knocks" };
export const PRINTS: Proof = { kind: "prints" };
export const FORGES: Proof = { kind: "forges" };
export const ENDS: Proof = { kind: "ends" };
export const EXITS: Proof = { kind: "exits" };
export const POLLUTES: Proof = { kind: "pollutes" };
