/**
 * Writes docs/configuration.md from the table of settings, so that the two cannot disagree.
 *
 * Usage: deno run -A scripts/config_table.ts
 *
 * @module
 */

import { expected, flagName, SETTING_NAMES, settingOf, variableName } from "../src/config/mod.ts";

/** Where the page is. */
export const PAGE = new URL("../docs/configuration.md", import.meta.url);

/** The page as it should be. */
export function configurationPage(): string {
  const rows = SETTING_NAMES.map((name) => {
    const setting = settingOf(name);
    const shown = Array.isArray(setting.default) ? setting.default.join(",") : String(setting.default);
    const fallback = shown === "" ? "" : `\`${shown}\``;
    const short = setting.short === undefined ? "" : `, \`-${setting.short}\``;
    const takes = setting.kind === "choice" ? expected(name).replace("one of ", "") : setting.value ?? "";
    return `| \`--${flagName(name)}\`${short} | \`${variableName(name)}\` | ${takes} | ${fallback} | ${setting.help} |`;
  });
  return `# Configuration

Every setting is a flag of \`telefuser stream-serve\` and an environment variable. A flag wins over a variable, a variable
over the default. All faults are reported at once, with the name that was typed. Lists take commas, a JSON array, or the
flag several times.

This page is made from \`src/config/settings.ts\` by \`deno run -A scripts/config_table.ts\`.

| flag | variable | takes | default | meaning |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

if (import.meta.main) await Deno.writeTextFile(PAGE, configurationPage());
