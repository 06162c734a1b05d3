import { PIPELINE_CHILD } from "./child_entry.ts";
import { fromFileUrl } from "./paths.ts";
import type { ChildCommand } from "./process_link.ts";

/** How this executable starts a pipeline's process: itself, with the one command that is for its own use. */
export function childCommand(): ChildCommand {
  const program = Deno.execPath();
  if (Deno.build.standalone) return { program, args: [PIPELINE_CHILD] };
  const main = fromFileUrl(new URL("../../main.ts", import.meta.url));
  const options = ["-A", "--no-prompt", "--no-check", "--cached-only", "--unstable-worker-options", "--unstable-net"];
  return { program, args: ["run", ...options, main, PIPELINE_CHILD] };
}
