import type { Argument, Command, Option } from "commander";

/** What may stand somewhere: one of some words, a file, a folder, or what nobody can know. */
export type Value =
  | { readonly kind: "words"; readonly name: string; readonly words: readonly string[] }
  | { readonly kind: "files" | "folders" | "any"; readonly name: string };

/** A flag in all its spellings. */
export interface Flag {
  /** For example `-p` and `--port`, the short one first. */
  readonly names: readonly string[];
  readonly summary: string;
  /** Null for a switch. */
  readonly value: Value | null;
  /** Whether it may be given more than once. */
  readonly isRepeatable: boolean;
}

/** A command as completion sees it. */
export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What stands after the command, in its order. */
  readonly values: readonly Value[];
}

/** A program and its commands. */
export interface ProgramShape {
  readonly name: string;
  readonly flags: readonly Flag[];
  readonly commands: readonly CommandShape[];
}

/** Names of values that are files, and of those that are folders. */
const FILES = new Set(["file", "files", "paths", "pipeline_file"]);
const FOLDERS = new Set(["folder"]);

/** Reads from the program itself what can be typed. */
export function shapeOf(program: Command): ProgramShape {
  return {
    name: program.name(),
    flags: flagsOf(program),
    commands: program.createHelp().visibleCommands(program).map((command) => ({
      name: command.name(),
      summary: command.description().replace(/\.$/, ""),
      flags: flagsOf(command),
      values: command.registeredArguments.map(valueOfArgument),
    })),
  };
}

/** A flag with each of its names: `stream-serve -p`, `stream-serve --port`. */
export function flagNames(shape: ProgramShape, wanted: (flag: Flag) => boolean): string[] {
  return shape.commands.flatMap(({ name, flags }) =>
    flags.filter(wanted).flatMap(({ names }) => names.map((flag) => `${name} ${flag}`))
  );
}

function flagsOf(command: Command): Flag[] {
  return command.createHelp().visibleOptions(command).map((option) => ({
    names: [option.short, option.long].filter((name) => name !== undefined),
    // What follows in brackets is the default and the variable.
    summary: option.description.replace(/ \[[^\]]*\]$/, ""),
    value: valueOfOption(option),
    isRepeatable: option.parseArg !== undefined,
  }));
}

function valueOfOption(option: Option): Value | null {
  const [, name] = /<([^>]+)>/.exec(option.flags) ?? [];
  return name === undefined ? null : valueNamed(name, option.argChoices ?? (name.includes("|") ? name.split("|") : []));
}

function valueOfArgument(argument: Argument): Value {
  return valueNamed(argument.name(), argument.argChoices ?? []);
}

function valueNamed(name: string, words: readonly string[]): Value {
  if (words.length > 0) return { kind: "words", name, words };
  return { kind: FILES.has(name) ? "files" : FOLDERS.has(name) ? "folders" : "any", name };
}
