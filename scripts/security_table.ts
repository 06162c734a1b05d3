/**
 * Writes the sections "Levels" and "Rules" of docs/security.md from the table of security levels, so that the two cannot
 * disagree. The rest of the page stays as it is.
 *
 * Usage: deno run -A scripts/security_table.ts
 *
 * @module
 */

import { RULES, SECURITY_LEVEL_NAMES, SECURITY_LEVELS } from "../src/pipeline/mod.ts";

/** Where the page is. */
export const PAGE = new URL("../docs/security.md", import.meta.url);

const BEGIN = "<!-- made by scripts/security_table.ts: begin -->";
const END = "<!-- made by scripts/security_table.ts: end -->";

type Rule = keyof typeof RULES;
type Level = (typeof SECURITY_LEVELS)[keyof typeof SECURITY_LEVELS];

const KINDS = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;

const SOURCE_WORDS = {
  modules: "its own modules",
  provided: "the files of `imagescript`",
  folder: "its folder",
} as const;

/** The page with those sections as they should be. */
export function securityPage(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/security.md has no place for the tables: ${BEGIN} … ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${levelsSection()}\n\n${rulesSection()}\n\n${page.slice(end)}`;
}

function levelsSection(): string {
  const words = SECURITY_LEVEL_NAMES.map((name) =>
    `| \`${name}\`${name === "strict" ? " (default)" : ""} | ${SECURITY_LEVELS[name].words} |`
  );
  const permissions = KINDS.map((kind) => row([`\`${kind}\``, ...eachLevel((level) => permissionWords(level, kind))]));
  const lists = [
    row(["Node built-ins", ...passing("builtins")]),
    row(["members of `Deno`", ...passing("deno")]),
    row([
      "grants",
      ...eachLevel(({ grants }) => grants.length === 0 ? "none" : code(grants.map((kind) => `--allow-${kind}`))),
    ]),
  ];
  return `## Levels

| level | a pipeline may |
| --- | --- |
${words.join("\n")}

The permissions of the worker in which it runs, as Deno has them. Nothing asks for a permission at a prompt; what is not
granted is denied.

| permission | ${SECURITY_LEVEL_NAMES.join(" | ")} |
| --- | --- | --- | --- |
${permissions.join("\n")}

What the check before the start lets pass:

| | ${SECURITY_LEVEL_NAMES.join(" | ")} |
| --- | --- | --- | --- |
${lists.join("\n")}`;
}

function rulesSection(): string {
  const rows = (Object.keys(RULES) as Rule[]).map((id) =>
    row([`\`${id}\``, RULES[id].finds, ...eachLevel((level) => judgementWords(level, id))])
  );
  return `## Rules

What \`telefuser validate\` and \`telefuser stream-serve\` look for. An error keeps the pipeline from being started.

| rule | finds | ${SECURITY_LEVEL_NAMES.join(" | ")} |
| --- | --- | --- | --- | --- |
${rows.join("\n")}`;
}

/** What passes at each level, told as what is new there. */
function passing(list: "builtins" | "deno"): string[] {
  return SECURITY_LEVEL_NAMES.map((name, index) => {
    const before = SECURITY_LEVEL_NAMES[index - 1];
    if (before === undefined) return code([...SECURITY_LEVELS[name][list]].toSorted());
    const added = SECURITY_LEVELS[name][list].difference(SECURITY_LEVELS[before][list]);
    return added.size === 0 ? `as at \`${before}\`; the rest with a warning` : `also ${code([...added].toSorted())}`;
  });
}

function permissionWords({ worker }: Level, kind: (typeof KINDS)[number]): string {
  if (worker === "inherit") return "the server's";
  const sources = worker[kind] ?? [];
  if (sources.length === 0) return "denied";
  return sources.map((source) => source === "grants" ? `\`--allow-${kind}\`` : SOURCE_WORDS[source]).join(", ");
}

function judgementWords({ rules }: Level, id: Rule): string {
  const { severity, liftedBy } = rules[id];
  return liftedBy === undefined ? severity : `${severity}, unless \`--allow-${liftedBy}\``;
}

function eachLevel(words: (level: Level) => string): string[] {
  return SECURITY_LEVEL_NAMES.map((name) => words(SECURITY_LEVELS[name]));
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

if (import.meta.main) await Deno.writeTextFile(PAGE, securityPage(await Deno.readTextFile(PAGE)));
