import assert from "node:assert/strict";
import { PAGE, securityPage } from "../../../scripts/security_table.ts";

const squeeze = (text: string) => text.replace(/\s+/g, " ").replace(/-{3,}/g, "---");

Deno.test("docs/security.md says of levels and rules what the table of levels says", async () => {
  const page = await Deno.readTextFile(PAGE);
  assert.equal(
    squeeze(page),
    squeeze(securityPage(page)),
    "stale: run deno run -A scripts/security_table.ts && deno fmt docs/security.md",
  );
});

Deno.test("a page without the place for the tables is refused, and what is around them is kept", async () => {
  assert.throws(() => securityPage("# Security\n"), /no place for the tables/);
  const page = await Deno.readTextFile(PAGE);
  const changed = securityPage(`Before.\n\n${page}\nAfter.\n`);
  assert.match(changed, /^Before\.\n/);
  assert.match(changed, /\nAfter\.\n$/);
});
