import assert from "node:assert/strict";
import { lineOf, LogBook, passes } from "../../../static/log-book.js";

const AT = new Date(2026, 0, 2, 3, 4, 5, 6);

function entryOf(message: Record<string, unknown>, way: "in" | "out" = "in") {
  return new LogBook(10).add(way, message, AT).entry;
}

Deno.test("a line has time, way, type and what is particular to the message", () => {
  const entry = entryOf({ type: "chunk", session_id: "x", timestamp: 1, index: 3, data: { fps: 24 } });
  assert.equal(lineOf(entry), '03:04:05.006 ← chunk {"index":3,"data":{"fps":24}}');
  assert.equal(lineOf(entryOf({ type: "stop" }, "out")), "03:04:05.006 → stop {}");
});

Deno.test("a long message is cut", () => {
  assert.equal(entryOf({ type: "control", prompt: "x".repeat(1_000_000) }).text.length, 2001);
});

Deno.test("the book is bounded, and plain chunks make room for what is rare", () => {
  const book = new LogBook(6);
  book.add("out", { type: "control", id: 1 }, AT);
  for (let index = 0; index < 20; index++) book.add("in", { type: "chunk", index, data: {} }, AT);
  assert.deepEqual(book.entries.map(({ text }) => JSON.parse(text).index ?? "control"), [
    "control",
    15,
    16,
    17,
    18,
    19,
  ]);
  for (let id = 2; id <= 10; id++) book.add("out", { type: "control", id }, AT);
  const kept = book.entries.map(({ type }) => type);
  assert.equal(kept.length, 6);
  assert.ok(kept.filter((type) => type === "chunk").length <= 3, kept.join());
  assert.equal(kept.at(-1), "control");
});

Deno.test("what leaves the book is named, and knows that it is gone", () => {
  const book = new LogBook(1);
  const { entry: first, gone: none } = book.add("out", { type: "a" }, AT);
  assert.equal(none, null);
  const { entry: second, gone } = book.add("out", { type: "b" }, AT);
  assert.equal(gone, first);
  assert.equal(first.isGone, true);
  book.clear();
  assert.equal(second.isGone, true);
  assert.deepEqual(book.entries, []);
});

Deno.test("entries are found by type and by text in any case of letters", () => {
  const plain = entryOf({ type: "chunk", data: {} });
  const traced = entryOf({ type: "chunk", data: { applied_controls: ["c1"] } });
  const control = entryOf({ type: "control", key: "ArrowUp" }, "out");
  const found = (type: string, text = "") => [plain, traced, control].filter((entry) => passes(entry, { type, text }));
  assert.deepEqual(found("all"), [plain, traced, control]);
  assert.deepEqual(found("notable"), [traced, control]);
  assert.deepEqual(found("chunk"), [plain, traced]);
  assert.deepEqual(found("all", "arrowup"), [control]);
  assert.deepEqual(found("all", "→"), [control]);
  assert.deepEqual(found("chunk", "arrowup"), []);
});
