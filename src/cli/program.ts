import { Command, CommanderError } from "commander";
import { messageOf, StreamError } from "../errors.ts";
import { escapeControl, print, printError } from "../log.ts";
import { addCompletion } from "./completion.ts";
import { addDemo } from "./demo.ts";
import { addDoctor } from "./doctor.ts";
import { addExamples } from "./examples.ts";
import { addHealth } from "./health.ts";
import { addLicenses } from "./licenses.ts";
import { addNew } from "./new.ts";
import { addStreamServe } from "./stream_serve.ts";
import { addValidate } from "./validate.ts";
import { versionText } from "./version_text.ts";

/** Exit codes: what shells and scripts see. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** What to type when the argument of a command is missing. */
const EXAMPLES: Readonly<Record<string, string>> = {
  "stream-serve": "stream-serve pipelines/video_replay.ts",
  validate: "validate pipelines/video_replay.ts",
  new: "new my_pipeline",
  demo: "demo player",
  completion: "completion bash",
};

/** All commands, in the order of the help. */
const COMMANDS = [
  addNew,
  addExamples,
  addValidate,
  addStreamServe,
  addDemo,
  addDoctor,
  addHealth,
  addCompletion,
  addLicenses,
] as const;

/** Runs a command line; returns the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command("telefuser")
    .description("Streams what a generative video or audio pipeline yields to browsers, live, over WebRTC.")
    .option("--version", "print the versions of everything inside")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: (text) => print(text.trimEnd()), writeErr: () => undefined })
    .exitOverride();
  program.on("option:version", () => {
    print(versionText());
    throw new CommanderError(EXIT.ok, "commander.version", "");
  });
  for (const add of COMMANDS) add(program, (exit) => code = exit);
  for (const command of program.commands) command.copyInheritedSettings(program);
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(error, program, args);
    if (error instanceof StreamError) {
      // The faults of a configuration are one line each; any other message is one line, whatever it quotes.
      const isUsage = error.code === "invalid_config";
      for (const line of isUsage ? error.message.split("\n") : [error.message]) complain(line);
      return isUsage ? EXIT.usage : EXIT.failed;
    }
    complain(messageOf(error));
    return EXIT.failed;
  }
}

/** Prints why a command failed, on one line: what is quoted in it may come from a pipeline that nobody has read. */
function complain(text: string): void {
  printError(`telefuser: ${escapeControl(text)}`);
}

/** One line: what is wrong and what to type instead. */
function reportUsage(error: CommanderError, program: Command, args: readonly string[]): number {
  if (error.exitCode === 0) return EXIT.ok;
  const command = program.commands.find((one) => one.name() === args[0]);
  const help = command === undefined ? "telefuser --help" : `telefuser ${command.name()} --help`;
  if (error.code === "commander.help") {
    program.outputHelp();
    return EXIT.usage;
  }
  const message = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  const hint = error.code === "commander.missingArgument"
    ? `type: telefuser ${EXAMPLES[args[0] ?? ""] ?? "stream-serve pipelines/video_replay.ts"}`
    : `see ${help}`;
  complain(`${message}; ${hint}`);
  return EXIT.usage;
}
