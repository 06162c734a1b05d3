import assert from "node:assert/strict";
import { messageOf, StreamError } from "../../src/errors.ts";

Deno.test("an error carries its code, its field and its cause", () => {
  const cause = new TypeError("inner");
  const error = new StreamError("invalid_frame", "the JPEG is damaged", { cause, field: "frames[0]" });
  assert.ok(error instanceof Error);
  assert.equal(error.name, "StreamError");
  assert.equal(error.code, "invalid_frame");
  assert.equal(error.message, "the JPEG is damaged");
  assert.equal(error.field, "frames[0]");
  assert.equal(error.cause, cause);
});

Deno.test("an error without cause and field has none", () => {
  const error = new StreamError("timeout", "too late");
  assert.equal(error.field, undefined);
  assert.equal("cause" in error, false);
});

Deno.test("finds words for whatever was thrown", () => {
  assert.equal(messageOf(new Error("out of memory")), "out of memory");
  assert.equal(messageOf(new RangeError()), "RangeError");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(7), "7");
  assert.equal(messageOf(undefined), "undefined");
  assert.equal(messageOf(null), "null");
});
