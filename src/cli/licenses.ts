import type { Command } from "commander";
import { print } from "../log.ts";

/** Folder of `main.ts`; in an executable file the one inside it. */
const ROOT = new URL("../../", import.meta.url);

/** `telefuser licenses`: what is inside, under which licences, and what that asks of whoever passes it on. */
export function addLicenses(program: Command, exit: (code: number) => void): void {
  program.command("licenses")
    .description("Print what is inside, and under which licences.")
    .allowExcessArguments(false)
    .action(async () => {
      print((await Deno.readTextFile(new URL("NOTICE", ROOT))).trimEnd());
      const texts = new URL("licenses/", ROOT);
      if (await isFolder(texts)) print(`\nThe texts of the licences: ${decodeURIComponent(texts.pathname)}`);
      exit(0);
    });
}

/** A checkout has no such folder. */
async function isFolder(url: URL): Promise<boolean> {
  try {
    return (await Deno.stat(url)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
