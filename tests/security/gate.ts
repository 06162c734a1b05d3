import { readPipeline, type SecurityLevel, validatePipeline } from "../../src/pipeline/mod.ts";
import { type Attempt, markOf } from "./corpus/mod.ts";
import { moduleOf } from "./runner.ts";

/** The attempts that the check before the start refuses, each as a module of its own. */
export async function refusedAtGate(attempts: readonly Attempt[], level: SecurityLevel): Promise<Set<string>> {
  const root = await Deno.makeTempDir({ prefix: "gate-" });
  try {
    await Deno.mkdir(`${root}/pipeline`);
    for (const name of ["secret.ts", "secret.json", "secret.txt", "pipeline/link.txt"]) {
      await Deno.writeTextFile(`${root}/${name}`, "");
    }
    const refused = new Set<string>();
    for (const attempt of attempts) {
      const entry = `${root}/pipeline/${markOf(attempt.id)}.ts`;
      await Deno.writeTextFile(entry, moduleOf(attempt));
      const findings = await validatePipeline(await readPipeline(entry), {
        level,
        grants: { read: [], net: [], env: [] },
      });
      if (findings.some(({ severity }) => severity === "error")) refused.add(attempt.id);
    }
    return refused;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
