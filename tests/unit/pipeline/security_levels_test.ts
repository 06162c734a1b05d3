import assert from "node:assert/strict";
import { settingOf } from "../../../src/config/mod.ts";
import { levelsText, RULES, SECURITY_LEVEL_NAMES, SECURITY_LEVELS } from "../../../src/pipeline/mod.ts";

Deno.test("the setting takes the levels of the table, and strict is its default", () => {
  assert.deepEqual(settingOf("securityLevel").choices, SECURITY_LEVEL_NAMES);
  assert.equal(settingOf("securityLevel").default, SECURITY_LEVEL_NAMES[0]);
});

Deno.test("each level allows what the one before it allows", () => {
  const rank = { error: 0, warning: 1, pass: 2 };
  for (const [index, name] of SECURITY_LEVEL_NAMES.entries()) {
    const before = SECURITY_LEVELS[SECURITY_LEVEL_NAMES[index - 1] ?? name];
    const level = SECURITY_LEVELS[name];
    for (const id of Object.keys(RULES) as (keyof typeof RULES)[]) {
      assert.ok(rank[level.rules[id].severity] >= rank[before.rules[id].severity], `${name} ${id}`);
    }
    assert.ok(before.builtins.isSubsetOf(level.builtins) && before.deno.isSubsetOf(level.deno), name);
  }
});

Deno.test("no level but permissive lets a worker write, run, load native code, or load modules from elsewhere", () => {
  for (const name of ["strict", "standard"] as const) {
    const { worker, builtins } = SECURITY_LEVELS[name];
    assert.ok(typeof worker === "object");
    assert.deepEqual(Object.keys(worker).filter((kind) => !["read", "net", "env"].includes(kind)), [], name);
    for (const module of ["child_process", "worker_threads", "vm", "module", "inspector", "v8", "os"]) {
      assert.ok(!builtins.has(module), `${name} ${module}`);
    }
  }
  assert.deepEqual(SECURITY_LEVELS.strict.grants, []);
});

Deno.test("the help has a line for each level", () => {
  const lines = levelsText().split("\n").slice(1);
  assert.deepEqual(lines.map((line) => line.trim().split(" ")[0]), SECURITY_LEVEL_NAMES);
});
