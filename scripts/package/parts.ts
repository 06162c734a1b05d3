/** Something that ships, whatever brings it. */
export interface Part {
  /** What it is called where it comes from; with `/` when it has a scope. */
  readonly name: string;
  /** Absent where nothing in the file says it. */
  readonly version?: string;
  /** An SPDX expression; absent where nothing in the file says it. */
  readonly licence?: string;
  /** Whose it is, for licences that want the name kept. */
  readonly holder?: string;
  /** Where its source is. */
  readonly source?: string;
  readonly kind: "application" | "data" | "library" | "platform";
  /** Package URL. */
  readonly purl?: string;
  /** Digest that the lock file has of the package, as hex. */
  readonly sha512?: string;
  readonly evidence: Evidence;
  /** Files of the package that have its licence, by absolute path. */
  readonly licenceFiles?: readonly string[];
  /** Names with versions (`name@version`) of other parts of the same list. */
  readonly dependencies?: readonly string[];
  /** What is built into it. */
  readonly inside?: readonly Part[];
}

/** How name and version are known. */
export interface Evidence {
  readonly how: "manifest" | "found in the file" | "told by the library" | "told by the runtime";
  /** What was found, or where. */
  readonly what: string;
  /** Files of the package in which it was found, relative to it. */
  readonly files?: readonly string[];
}

/** `name@version`, or the name alone. */
export function idOf({ name, version }: Pick<Part, "name" | "version">): string {
  return version === undefined ? name : `${name}@${version}`;
}

/** All parts with those inside, each after what it is in. */
export function flatten(parts: readonly Part[]): Part[] {
  return parts.flatMap((part) => [part, ...flatten(part.inside ?? [])]);
}

/** The identifiers of licences and exceptions in an SPDX expression. */
export function licenceIds(expression: string): string[] {
  return expression.split(/[\s()]+/).filter((word) => word !== "" && !/^(?:AND|OR|WITH)$/.test(word));
}
