import assert from "node:assert/strict";
import { forgetSession, keepSession, keptSession, waitBefore } from "../../../static/telefuser-resume.js";

const SESSION = { id: "a", token: "t", lastMessage: 7, holdSeconds: 30, keptAt: 1_000_000 };

Deno.test("a session is kept by its key until the server gives it up, or until it is forgotten", () => {
  keepSession("page", SESSION);
  assert.deepEqual(keptSession("page", 1_029_000), SESSION);
  assert.equal(keptSession("page", 1_031_000), null);
  assert.equal(keptSession("other", 1_000_000), null);
  forgetSession("page");
  assert.equal(keptSession("page", 1_000_000), null);
});

Deno.test("what is no session is none", () => {
  for (const text of ["", "no JSON", "null", "{}", '{"id":1,"token":"t"}']) {
    sessionStorage.setItem("telefuser:odd", text);
    assert.equal(keptSession("odd", 0), null, text);
  }
  sessionStorage.removeItem("telefuser:odd");
});

Deno.test("tries to come back begin at once and settle at two seconds", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 100].map(waitBefore), [0, 500, 1000, 1000, 2000, 2000, 2000]);
});
