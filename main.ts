import { PIPELINE_CHILD, runChild } from "./src/pipeline/child_entry.ts";

if (import.meta.main) {
  // The command line is loaded on demand, so that a pipeline's process holds nothing of the server.
  if (Deno.args[0] === PIPELINE_CHILD) await runChild();
  else Deno.exit(await (await import("./src/cli/mod.ts")).run(Deno.args));
}
