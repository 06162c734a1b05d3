import assert from "node:assert/strict";
import { type Check, reportText } from "../../../src/doctor/mod.ts";
import { makeReport } from "../../../src/doctor/report.ts";

const CHECKS: readonly Check[] = [
  { id: "http", status: "ok", summary: "it answers" },
  { id: "nat", status: "skip", summary: "not known", detail: "nobody to ask" },
  { id: "stun:stun:a.example:3478", status: "warn", summary: "no answer", remedy: "let UDP out" },
];

function report(checks: readonly Check[], secrets: readonly string[] = []) {
  return makeReport(checks, { verdict: "It works.", secrets });
}

Deno.test("a report is a line for each check, the remedy under it, and the verdict at the end", () => {
  const failed: Check = { id: "x", status: "fail", summary: "broken", detail: "twice", remedy: "mend it" };
  assert.equal(
    reportText(report([...CHECKS, failed])),
    [
      "ok    it answers",
      "skip  not known",
      "      nobody to ask",
      "warn  no answer",
      "      → let UDP out",
      "FAIL  broken",
      "      twice",
      "      → mend it",
      "",
      "It works.",
    ].join("\n"),
  );
});

Deno.test("only a failure makes it not ok", () => {
  assert.equal(report(CHECKS).ok, true);
  assert.equal(report([...CHECKS, { id: "x", status: "fail", summary: "broken" }]).ok, false);
});

Deno.test("a secret is starred wherever a server repeats it", () => {
  const check: Check = {
    id: "a s3cr3t",
    status: "fail",
    summary: "s3cr3t and s3cr3t",
    detail: "s3cr3t",
    remedy: "s3cr3t",
  };
  const made = makeReport([check], { verdict: "not s3cr3t", secrets: ["", "s3cr3t"] });
  assert.deepEqual(made, {
    ok: false,
    checks: [{ id: "a ***", status: "fail", summary: "*** and ***", detail: "***", remedy: "***" }],
    verdict: "not ***",
  });
});

Deno.test("what a server says cannot write lines or colours of its own", () => {
  const text = reportText(report([{ id: "x", status: "ok", summary: "a\nFAIL  forged\x1b[31m" }]));
  assert.equal(text.split("\n")[0], "ok    a\\nFAIL  forged\\u001b[31m");
});
