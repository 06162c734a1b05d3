import type { Command } from "commander";
import { messageOf } from "../errors.ts";
import { print } from "../log.ts";
import { invalid } from "./invalid.ts";
import { editorFiles, type Files, pipelinesUrl, typed, writeFiles } from "./pipeline_files.ts";

/** What a template consists of; `my_pipeline` in a text becomes the name. */
const TEMPLATE_FILES = ["pipeline.ts", "pipeline_test.ts", "README.md"] as const;

/** Letters, digits and what else goes with every file system and needs no quotes; no `..`, nothing hidden. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_-]*(?:\.[\p{L}\p{N}_-]+)*$/u;
const LONGEST_NAME = 100;

const NOTES = `
Written are pipeline.ts, its test, a README, and the types of TeleFuser for the editor.

Exit code: 0 when it was written, 1 when it could not be, 2 when the command line cannot be read.`;

/** `telefuser new <name>`: a pipeline to begin with. */
export function addNew(program: Command, exit: (code: number) => void): void {
  program.command("new")
    .description("Write a small pipeline and its test into a new folder, to begin with.")
    .argument("<name>", "name of the folder, which is made here")
    .option("--two-way", "a pipeline that takes input while it generates")
    .allowExcessArguments(false)
    .addHelpText("after", NOTES)
    .action(async (name: string, { twoWay = false }: { twoWay?: boolean }) => exit(await writeNew(name, twoWay)));
}

async function writeNew(name: string, isTwoWay: boolean): Promise<number> {
  checkName(name);
  const files = new Map([...await templateFiles(isTwoWay ? "two_way" : "push", name), ...await editorFiles()]);
  await makeFolder(name);
  try {
    await writeFiles(name, files);
  } catch (error) {
    await Deno.remove(name, { recursive: true });
    throw new Error(`${name}: ${messageOf(error)}; nothing is left of it`, { cause: error });
  }
  const page = isTwoWay ? "/demo/arrow" : "/demo/player";
  print([
    ...[...files.keys()].map((path) => `wrote ${name}/${path}`),
    "",
    "Type next:",
    `  telefuser stream-serve ${typed(`${name}/pipeline.ts`)}`,
    `and open http://localhost:8088${page}`,
  ].join("\n"));
  return 0;
}

function checkName(name: string): void {
  if (/[/\\]/.test(name)) {
    throw invalid(`${JSON.stringify(name)} is a path; go to the folder it is to be in, and give a name alone`);
  }
  const [, stem] = /^(.+)\.[cm]?[jt]s$/.exec(name) ?? [];
  if (stem !== undefined) throw invalid(`a folder is made, not a file; type: telefuser new ${typed(stem)}`);
  if (NAME.test(name) && name.length <= LONGEST_NAME) return;
  throw invalid(
    `${JSON.stringify(name)} is not a plain name: give up to ${LONGEST_NAME} letters, digits, _ and -; ` +
      "type for example: telefuser new my_pipeline",
  );
}

async function makeFolder(name: string): Promise<void> {
  try {
    await Deno.mkdir(name);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    throw new Error(`there is a ${name} here already, which is left as it is; give another name`, { cause });
  }
}

async function templateFiles(template: "push" | "two_way", name: string): Promise<Files> {
  const encoder = new TextEncoder();
  const files = new Map<string, Uint8Array>();
  for (const path of TEMPLATE_FILES) {
    const text = await Deno.readTextFile(pipelinesUrl(`templates/${template}/${path}`));
    files.set(path, encoder.encode(text.replaceAll("my_pipeline", name)));
  }
  return files;
}
