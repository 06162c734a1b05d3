import { Argument, type Command } from "commander";
import { print } from "../log.ts";
import type { StreamMode } from "../pipeline/mod.ts";
import { type Example, exampleFiles, exampleNames, readExample } from "./example_pipelines.ts";
import { invalid } from "./invalid.ts";
import { editorFiles, takenPlaces, typed, writeFiles } from "./pipeline_files.ts";

/** How a mode is called on the screen. */
const MODE_WORDS: Readonly<Record<StreamMode, string>> = { server_push: "push", bidirectional: "two-way" };

const NOTES = `
Without a name the examples are listed. With one it is copied with all that it needs, into a new folder of its name
unless another one is given; files that are there already are left as they are.

Exit code: 0 when it was done, 1 when files are in the way, 2 when the command line cannot be read.`;

/** `telefuser examples [name] [folder]`: lists the example pipelines inside, or copies one. */
export function addExamples(program: Command, exit: (code: number) => void): void {
  const name = new Argument("[name]", "the example to copy");
  // Only said here: what is wrong with a name is said below, together with what to type.
  name.argChoices = exampleNames();
  program.command("examples")
    .description("List the example pipelines that come with the server, or copy one.")
    .addArgument(name)
    .argument("[folder]", "where to put it")
    .option("--json", "print the list as one JSON document: { examples: [{ name, mode, summary, files }] }")
    .allowExcessArguments(false)
    .addHelpText("after", NOTES)
    .action(async (name: string | undefined, folder: string | undefined, { json = false }: { json?: boolean }) => {
      exit(name === undefined ? await listExamples(json) : await copyExample(name, { folder, json }));
    });
}

async function listExamples(json: boolean): Promise<number> {
  const examples = await Promise.all(exampleNames().map(readExample));
  print(json ? await listDocument(examples) : listText(examples));
  return 0;
}

async function listDocument(examples: readonly Example[]): Promise<string> {
  const listed = examples.map(async (example) => ({
    ...example,
    files: [...(await exampleFiles(example.name)).keys()],
  }));
  return JSON.stringify({ examples: await Promise.all(listed) }, null, 2);
}

function listText(examples: readonly Example[]): string {
  const width = Math.max(...examples.map(({ name }) => name.length));
  return [
    // What comes after a colon explains what is before it.
    ...examples.map(({ name, mode, summary }) =>
      `${name.padEnd(width)}  ${MODE_WORDS[mode].padEnd(7)}  ${summary.split(": ", 1)[0]}`
    ),
    "",
    `Copy one: telefuser examples ${examples[0]?.name}`,
  ].join("\n");
}

async function copyExample(
  name: string,
  { folder = name, json }: { folder?: string | undefined; json: boolean },
): Promise<number> {
  const names = exampleNames();
  if (!names.includes(name)) {
    throw invalid(`there is no example ${JSON.stringify(name)}; type: telefuser examples ${names.join(" | ")}`);
  }
  if (json) throw invalid("--json goes with the list; leave it out, or leave the name out");
  if (folder === "") throw invalid("the folder has no name; leave it out, or give one");
  const [example, files, forEditor] = [await readExample(name), await exampleFiles(name), await editorFiles()];
  const [taken] = await takenPlaces(folder, files);
  if (taken !== undefined) {
    const remedy = `nothing was written; give another folder: telefuser examples ${name} ${typed(`${name}_2`)}`;
    throw new Error(`${folder}/${taken} is there already, with other content; ${remedy}`);
  }
  const kept = await takenPlaces(folder, forEditor);
  const added = new Map([...forEditor].filter(([path]) => !kept.includes(path)));
  const written = await writeFiles(folder, new Map([...files, ...added]));
  const place = folder.replace(/\/+$/, "");
  const port = "http://localhost:8088";
  print([
    ...written.map((path) => `wrote ${place}/${path}`),
    ...kept.map((path) => `kept ${place}/${path}, which was there already`),
    "",
    "Type next:",
    `  telefuser stream-serve ${typed(`${place}/${name}.ts`)}`,
    `and open ${port}${pageFor(example)}`,
  ].join("\n"));
  return 0;
}

/** The page that has what the example takes in: keys, or camera and microphone. */
function pageFor({ name, mode }: Example): string {
  if (mode === "server_push") return "/demo/player";
  return name.startsWith("arrow") ? "/demo/arrow" : "/demo/bidirectional";
}
