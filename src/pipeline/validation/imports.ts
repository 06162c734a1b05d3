import type { FoundImport } from "../module_graph.ts";
import { isBelowNodeModules } from "../node_modules.ts";
import { type LevelDefinition, PACKAGES } from "../security_levels.ts";
import { builtinOf } from "./builtins.ts";
import type { Observation, RuleId } from "./finding.ts";
import type { RuleGroup } from "./rule_group.ts";
import { literalText, nodeAt } from "./syntax_tree.ts";

/** Where the local files of a pipeline may lie. */
export type IsInside = (realPath: string) => boolean;

/** What is said of a file that Deno takes for a package's. */
export const PACKAGED = "which lies below a folder node_modules";

/** What is wrong with an import whose specifier is written out. */
export function checkImport(
  { specifier, at, path, file }: FoundImport,
  { level, isInside }: { level: LevelDefinition; isInside: IsInside },
): Observation[] {
  const isPackaged = [path, file].some((one) => one !== undefined && isBelowNodeModules(one));
  if (isPackaged) return [{ rule: "outside-import", at, detail: `imports "${shorten(specifier)}", ${PACKAGED}` }];
  const rule = file === undefined ? ruleOf(specifier, level) : fileRule(file, isInside);
  if (rule === null) return [];
  const where = rule === "outside-import" ? `, which is ${file}` : "";
  return [{ rule, at, detail: `imports "${shorten(specifier)}"${where}` }];
}

function fileRule(file: string, isInside: IsInside): RuleId | null {
  if (!isInside(file)) return "outside-import";
  return file.endsWith(".node") ? "native-code" : null;
}

function ruleOf(specifier: string, level: LevelDefinition): RuleId | null {
  // What is no file although it looks like one is a missing module, which has been noted.
  if (PACKAGES.has(specifier) || /^\.{0,2}\/|^file:/i.test(specifier)) return null;
  if (/^node:/.test(specifier)) return level.builtins.has(builtinOf(specifier)) ? null : "builtin-import";
  if (/^https?:/i.test(specifier)) return "remote-import";
  if (/^(data|blob):/i.test(specifier)) return "inline-import";
  return "package-import";
}

/** A `data:` address may be as long as it likes. */
function shorten(specifier: string): string {
  return specifier.length <= 80 ? specifier : `${specifier.slice(0, 79)}…`;
}

/** Imports whose specifier is known only when the module runs, and `require()`. */
export const unknownImports: RuleGroup = {
  node: (node, context) => {
    if (node.type === "ImportExpression" && literalText(node.source) === null) {
      context.report("dynamic-import", node, "imports a module whose name is not written out");
    }
    if (node.type === "TSImportEqualsDeclaration") {
      const reference = nodeAt(node, "moduleReference");
      if (reference?.type === "TSExternalModuleReference") context.report("commonjs", node, "uses require()");
    }
  },
  name: ([root], at, context) => {
    if (root === "require") context.report("commonjs", at, "uses require()");
  },
};
