import assert from "node:assert/strict";
import { keepChoices, keptChoices } from "../../../static/choices.js";

const DEFAULTS = { effect: "mirror", hud: true };
const OPTIONS = { defaults: DEFAULTS, effects: ["none", "mirror", "tint"] };

Deno.test("what was chosen on a page is what its next page shows, and no other page does", () => {
  keepChoices("/a", { effect: "tint", hud: false });
  assert.deepEqual(keptChoices("/a", OPTIONS), { effect: "tint", hud: false });
  assert.deepEqual(keptChoices("/b", OPTIONS), DEFAULTS);
  sessionStorage.clear();
});

Deno.test("what makes no sense is the default", () => {
  for (const text of ["", "no JSON", "null", "[]", '{"effect":"blur","hud":"yes"}']) {
    sessionStorage.setItem("telefuser:choices:/a", text);
    assert.deepEqual(keptChoices("/a", OPTIONS), DEFAULTS, text);
  }
  sessionStorage.setItem("telefuser:choices:/a", '{"effect":"blur","hud":false}');
  assert.deepEqual(keptChoices("/a", OPTIONS), { effect: "mirror", hud: false });
  sessionStorage.clear();
});
