/**
 * Compiles the stage into one executable with `deno compile`.
 *
 * Its base runtime is fetched once by Deno. Where that cannot be reached, `DENORT_BIN` names a copy; without one the
 * other form, `deno task package`, needs nothing but the Deno that runs.
 *
 * Usage: deno task compile [--commit=<id>]
 *
 * @module
 */

import { writeChecksums } from "./checksums.ts";
import { SBOM } from "./licences.ts";
import { DIST } from "./build.ts";
import { makeStage, type Stage } from "./stage.ts";

/** The file that is made. */
export const COMPILED = `${DIST}telefuser`;

/** What no import statement of the program names, relative to the stage: folders with all that is in them. */
export const INCLUDED: readonly string[] = [
  // The worker's program, and what the import map puts in the place of what a pipeline elsewhere imports.
  "src/pipeline/worker_entry.ts",
  "src/pipeline/contract.ts",
  "src/pipeline/imagescript.ts",
  "src/pipeline/process_module.ts",
  "static",
  "pipelines",
  "build.json",
  "NOTICE",
  "licenses",
  "sbom.cdx.json",
  "node_modules",
];

/** The arguments of deno, to be run in the stage. */
export function compileArguments(output: string): string[] {
  return [
    "compile",
    "-A",
    "--no-prompt",
    "--cached-only",
    "--no-check",
    ...INCLUDED.flatMap((path) => ["--include", path]),
    "--output",
    output,
    "main.ts",
  ];
}

/** Compiles; returns what deno said, which lists what is inside. */
export async function compile(
  stage: Stage,
  { output, runtime }: { output: string; runtime?: string },
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: compileArguments(output),
    cwd: stage.folder,
    env: { NO_COLOR: "1", ...(runtime === undefined ? {} : { DENORT_BIN: runtime }) },
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (success) return said;
  throw new Error(
    `${said}\nIf the base runtime cannot be fetched from here, name a copy of it: ` +
      "DENORT_BIN=/path/to/denort deno task compile; or run deno task package, which needs none.",
  );
}

async function main(args: readonly string[]): Promise<number> {
  const commit = args.find((arg) => arg.startsWith("--commit="))?.slice("--commit=".length);
  try {
    const stage = await makeStage({ commit });
    console.log(await compile(stage, { output: COMPILED }));
    await Deno.copyFile(`${stage.folder}sbom.cdx.json`, SBOM);
    await writeChecksums(DIST);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
  const { size } = await Deno.stat(COMPILED);
  console.log(`${COMPILED}\n  size      ${(size / 1e6).toFixed(1)} MB`);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
