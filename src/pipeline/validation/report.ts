import { escapeControl } from "../../log.ts";
import { isWithin } from "../module_graph.ts";
import { relative } from "../paths.ts";
import type { SecurityLevel } from "../security_levels.ts";
import type { Finding } from "./finding.ts";

/** Findings that are printed in full. */
const MAX_SHOWN = 50;

/** What findings are printed with. */
export interface ReportOptions {
  readonly level: SecurityLevel;
  /** The pipeline file as it was given. */
  readonly pipelineFile: string;
  /** Folder from which paths are shown, where a file lies below it. */
  readonly folder: string;
}

/** Findings for people: place, line with a caret, what to do; and a summary. Nothing in them can forge a line. */
export function findingsText(findings: readonly Finding[], { level, pipelineFile, folder }: ReportOptions): string {
  const blocks = findings.slice(0, MAX_SHOWN).map((finding) => findingText(finding, folder));
  const more = findings.length - blocks.length;
  if (more > 0) blocks.push(`… and ${more} more; --json has them all`);
  return [...blocks, `${escapeControl(pipelineFile)}: ${verdictText(findings, level)}`].join("\n\n");
}

/** `2 errors, 1 warning at security level strict`. */
export function verdictText(findings: readonly Finding[], level: SecurityLevel): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const parts = [
    ...(errors > 0 ? [count(errors, "error")] : []),
    ...(warnings > 0 ? [count(warnings, "warning")] : []),
  ];
  return `${parts.length === 0 ? "nothing found" : parts.join(", ")} at security level ${level}`;
}

function findingText({ rule, severity, file, line, column, code, detail, remedy }: Finding, folder: string): string {
  const path = isWithin(folder, file) ? relative(folder, file) : file;
  const indent = code.length - code.trimStart().length;
  const caret = code.startsWith("…") ? 1 : Math.max(0, column - 1 - indent);
  const shown = escapeControl(code.trim().replaceAll("\t", " "));
  const before = escapeControl(code.trim().replaceAll("\t", " ").slice(0, caret));
  return [
    `${escapeControl(path)}:${line}:${column} ${severity} ${rule}: ${escapeControl(detail)}`,
    ...(shown === "" ? [] : [`    ${shown}`, `    ${" ".repeat(before.length)}^`]),
    `  ${remedy}`,
  ].join("\n");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
