import assert from "node:assert/strict";
import { refusedAtGate } from "./gate.ts";
import { variantsOf } from "./mutations.ts";
import { runBehindWall } from "./runner.ts";

/** The same variants every time. */
const SEED = 20_260_101;
/** Variants of each level. */
const COUNT = 600;
/** Variants that are run at permissive: each form of writing several times. */
const CONTROLS = 150;

for (const level of ["strict", "standard"] as const) {
  Deno.test(`at ${level} no variant of an attempt gets past the wall, however it is written`, async () => {
    const variants = variantsOf({ seed: SEED, level, count: COUNT });
    assert.ok(variants.length >= 500, `${variants.length} variants`);
    const { results } = await runBehindWall(variants, { level, child: null });
    assert.deepEqual(results.filter(({ succeeded }) => succeeded).map(({ attempt }) => attempt.id), []);
    const refused = await refusedAtGate(variants, level);
    console.log(`${variants.length} variants at ${level}; the check refuses ${refused.size}`);
  });
}

Deno.test("variants say the same as their originals: they succeed where nothing denies it", async () => {
  const variants = variantsOf({ seed: SEED, level: "strict", count: CONTROLS });
  const { results } = await runBehindWall(variants, { level: "permissive", child: null });
  const failed = results.filter(({ succeeded }) => !succeeded).map(({ attempt, error }) => `${attempt.id}: ${error}`);
  assert.ok(failed.length <= results.length * 0.03, failed.join("\n"));
});
