import type { ParsedModule, ParsedPipeline } from "../module_graph.ts";
import { isWithin, pipelineFolder } from "../module_graph.ts";
import { isBelowNodeModules } from "../node_modules.ts";
import { type GrantKind, type LevelDefinition, SECURITY_LEVELS, type SecurityLevel } from "../security_levels.ts";
import { codeFromText } from "./code_from_text.ts";
import { denoApi } from "./deno_api.ts";
import { codeAt, type Finding, type Observation, RULES } from "./finding.ts";
import { globalReach } from "./global_reach.ts";
import { checkImport, type IsInside, PACKAGED, unknownImports } from "./imports.ts";
import { processApi } from "./process_api.ts";
import type { RuleGroup } from "./rule_group.ts";
import { walkModule } from "./walk.ts";

/** What a pipeline is checked against. */
export interface ValidationOptions {
  readonly level: SecurityLevel;
  /** What the operator granted: absolute paths, hosts, names of variables. */
  readonly grants: Readonly<Record<GrantKind, readonly string[]>>;
}

const GROUPS: readonly RuleGroup[] = [codeFromText, denoApi, globalReach, processApi, unknownImports];

/** Checks a parsed pipeline; nothing of it runs. Findings come file by file, in the order of their places. */
export async function validatePipeline(
  pipeline: ParsedPipeline,
  { level, grants }: ValidationOptions,
): Promise<Finding[]> {
  const definition = SECURITY_LEVELS[level];
  const folders = await realFolders(pipeline.entry, definition.grants.includes("read") ? grants.read : []);
  const isInside: IsInside = (path) => folders.some((folder) => isWithin(folder, path));
  return pipeline.modules.flatMap((module) => {
    const observations = [
      ...new Map(observe(module, { pipeline, definition, isInside }).map((one) => [keyOf(one), one])).values(),
    ];
    observations.sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
    return observations.flatMap((one) => findingOf(one, { module, definition, grants }));
  });
}

function observe(
  module: ParsedModule,
  { pipeline, definition: level, isInside }: {
    pipeline: ParsedPipeline;
    definition: LevelDefinition;
    isInside: IsInside;
  },
): Observation[] {
  const imports = module.imports.flatMap((found) => checkImport(found, { level, isInside }));
  const found = [...module.faults, ...placeOf(module, pipeline), ...imports];
  if (module.program === null) return found;
  try {
    return [...found, ...walkModule(module.program, { level, groups: GROUPS })];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const detail = "is nested too deeply to be checked";
    return [...found, { rule: "syntax", at: { line: 1, column: 0 }, detail }];
  }
}

/** What is wrong with where the pipeline itself lies; for what it imports, that is told at the import. */
function placeOf({ path }: ParsedModule, { entry }: ParsedPipeline): Observation[] {
  if (path !== entry || !isBelowNodeModules(path)) return [];
  return [{ rule: "outside-import", at: { line: 1, column: 0 }, detail: `is a pipeline ${PACKAGED}` }];
}

/** One place is named once for each rule. */
function keyOf({ rule, at }: Observation): string {
  return `${rule}:${at.line}:${at.column}`;
}

function findingOf(
  { rule, at, detail }: Observation,
  { module, definition, grants }: {
    module: ParsedModule;
    definition: LevelDefinition;
    grants: ValidationOptions["grants"];
  },
): Finding[] {
  const { severity, liftedBy } = definition.rules[rule];
  if (severity === "pass") return [];
  if (liftedBy !== undefined && grants[liftedBy].length > 0) return [];
  const { path: file, source } = module;
  const code = codeAt(source, at);
  return [{ rule, severity, file, line: at.line, column: at.column + 1, code, detail, remedy: RULES[rule].remedy }];
}

async function realFolders(entry: string, granted: readonly string[]): Promise<string[]> {
  const folders = await Promise.all([pipelineFolder(entry), ...granted].map((path) => Deno.realPath(path)));
  // Where the entry itself is a link, its modules lie where the link leads to.
  return [...folders, pipelineFolder(await Deno.realPath(entry))];
}
