/** The name of a Node built-in without `node:` and what lies below it: `node:fs/promises` → `fs`. */
export function builtinOf(specifier: string): string {
  return specifier.replace(/^node:/, "").split("/", 1)[0] ?? "";
}
