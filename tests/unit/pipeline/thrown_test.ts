import assert from "node:assert/strict";
import { describe, toPlain } from "../../../src/pipeline/thrown.ts";

function fails(): never {
  throw new Error("looked at");
}

const FAILING = new Proxy({}, { get: fails, getPrototypeOf: fails, has: fails, ownKeys: fails });

/** An error one of whose fields is something else. */
function errorWith(field: string, descriptor: PropertyDescriptor): Error {
  return Object.defineProperty(new Error("as it was"), field, { configurable: true, ...descriptor });
}

Deno.test("an error is told by its message, or by its name, with its stack", () => {
  const error = new RangeError("too far");
  assert.deepEqual(describe(error), { detail: "too far", stack: error.stack });
  assert.equal(describe(new RangeError()).detail, "RangeError");
  assert.deepEqual(describe("just words"), { detail: "just words", stack: "" });
  assert.deepEqual(describe(undefined), { detail: "undefined", stack: "" });
  assert.deepEqual(describe(Symbol("s")), { detail: "Symbol(s)", stack: "" });
});

const UNDESCRIBABLE: readonly (readonly [string, unknown])[] = [
  ["an object without a prototype", Object.create(null)],
  ["an object whose toString throws", { toString: fails }],
  ["an object whose toString gives no text", { toString: () => ({}), valueOf: () => ({}) }],
  ["a proxy that throws whatever is done to it", FAILING],
  ["an empty text", ""],
  ["an error whose message and name are no texts", Object.assign(errorWith("message", { value: 7 }), { name: {} })],
  [
    "an error whose message and name throw",
    Object.defineProperty(errorWith("message", { get: fails }), "name", { get: fails }),
  ],
];

for (const [what, thrown] of UNDESCRIBABLE) {
  Deno.test(`${what} is told in words of ours`, () => {
    const { detail, stack } = describe(thrown);
    assert.match(detail, /cannot be described; throw an Error/);
    assert.equal(typeof stack, "string");
  });
}

Deno.test("an error whose stack is no text, or throws, is told without it", () => {
  assert.deepEqual(describe(errorWith("stack", { value: [{}] })), { detail: "as it was", stack: "" });
  assert.deepEqual(describe(errorWith("stack", { get: fails })), { detail: "as it was", stack: "" });
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = (_, sites) => sites;
  try {
    assert.deepEqual(describe(new Error("structured")), { detail: "structured", stack: "" });
  } finally {
    if (before === undefined) Reflect.deleteProperty(Error, "prepareStackTrace");
    else Error.prepareStackTrace = before;
  }
});

Deno.test("long messages and stacks are cut", () => {
  const { detail, stack } = describe(new Error("x".repeat(1_000_000)));
  assert.equal(detail.length, 2001);
  assert.equal(stack.length, 16_385);
});

Deno.test("what pipelines make of the language's own methods changes nothing", () => {
  const { slice } = String.prototype;
  String.prototype.slice = fails;
  try {
    assert.equal(describe(new Error("x".repeat(3000))).detail.length, 2001);
  } finally {
    String.prototype.slice = slice;
  }
});

Deno.test("fields that do not turn into JSON are named, whatever is thrown", () => {
  assert.deepEqual(toPlain({ left: 3 }), { left: 3 });
  assert.deepEqual(toPlain(undefined), {});
  const strange = {
    toJSON() {
      throw Object.create(null);
    },
  };
  assert.match(String(toPlain(strange).unprintable), /cannot be described/);
});
