import assert from "node:assert/strict";
import { configurationPage, PAGE } from "../../../scripts/config_table.ts";

Deno.test("docs/configuration.md is what the table of settings makes of it", async () => {
  const squeeze = (text: string) => text.replace(/ +/g, " ").replace(/-{3,}/g, "---");
  const written = squeeze(await Deno.readTextFile(PAGE));
  const made = squeeze(configurationPage());
  assert.equal(written, made, "stale: run deno run -A scripts/config_table.ts && deno fmt docs/configuration.md");
});
