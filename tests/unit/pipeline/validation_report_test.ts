import assert from "node:assert/strict";
import { type Finding, findingsText, verdictText } from "../../../src/pipeline/mod.ts";

const FINDING: Finding = {
  rule: "eval",
  severity: "error",
  file: "/home/app/lib/a.ts",
  line: 2,
  column: 15,
  code: "  const two = eval('2');",
  detail: "uses eval",
  remedy: "write it out",
};
const OPTIONS = { level: "strict", pipelineFile: "main.ts", folder: "/home/app" } as const;

Deno.test("a finding is printed with its place, its line, a caret and what to do, and a summary ends it", () => {
  assert.equal(
    findingsText([FINDING, { ...FINDING, severity: "warning", file: "/elsewhere/b.ts", code: "" }], OPTIONS),
    [
      "lib/a.ts:2:15 error eval: uses eval",
      "    const two = eval('2');",
      "                ^",
      "  write it out",
      "",
      "/elsewhere/b.ts:2:15 warning eval: uses eval",
      "  write it out",
      "",
      "main.ts: 1 error, 1 warning at security level strict",
    ].join("\n"),
  );
});

Deno.test("the caret stands under the column behind tabs and characters that are escaped, and in a long line", () => {
  const caretOf = (code: string, column: number) => {
    const [, line = "", caret = ""] = findingsText([{ ...FINDING, code, column }], OPTIONS).split("\n");
    return line.slice(caret.indexOf("^"));
  };
  assert.equal(caretOf("\t\teval(1)", 3), "eval(1)");
  assert.equal(caretOf("a\teval(1)", 3), "eval(1)");
  assert.equal(caretOf("'\u001b[31m'; eval(1)", 10), "eval(1)");
  assert.equal(caretOf("…eval(1)", 5000), "eval(1)");
});

Deno.test("neither the code nor a name can forge a line or reach the terminal", () => {
  const text = findingsText(
    [{
      ...FINDING,
      code: "eval('\u2028\u001b[2J')",
      detail: 'imports "a\nb.ts: nothing found"',
      file: "/home/app/x\n.ts",
    }],
    { ...OPTIONS, pipelineFile: "a\u001b[2J.ts" },
  );
  assert.equal(text.split("\n").length, 6);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u2028]/);
});

Deno.test("a flood of findings is cut and counted", () => {
  const text = findingsText(new Array(1000).fill(FINDING), OPTIONS);
  assert.ok(text.length < 10_000);
  assert.match(text, /… and 950 more; --json has them all\n\nmain\.ts: 1000 errors at/);
});

Deno.test("nothing found is said as well", () => {
  assert.equal(verdictText([], "standard"), "nothing found at security level standard");
});
