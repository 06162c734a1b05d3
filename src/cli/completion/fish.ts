import { type CommandShape, type Flag, flagNames, type ProgramShape, type Value } from "./shape.ts";

/** A completion script for fish 3.0 and later. */
export function fishScript(shape: ProgramShape): string {
  const { name, flags, commands } = shape;
  const start = `complete -c ${name} -n '__${name}_at ""'`;
  return `# Completion of ${name} for fish.

# Flags that take a value, each with its command.
set -g __${name}_valued ${flagNames(shape, ({ value }) => value !== null).map(quoted).join(" ")}

function __${name}_at -d 'Whether the cursor is in this command, and at this argument of it'
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l command ''
    set -l position 0
    set -l is_value 0
    set -l only_values 0
    for token in $tokens
        if test $is_value = 1
            set is_value 0
        else if test $only_values = 0; and test "$token" = --
            set only_values 1
        else if test $only_values = 0; and string match -q -- '-*' "$token"
            contains -- "$command $token" $__${name}_valued; and set is_value 1
        else if test -z "$command"
            set command $token
        else
            set position (math $position + 1)
        end
    end
    test "$command" = "$argv[1]"; or return 1
    test (count $argv) = 1; or test "$argv[2]" = $position
end

complete -c ${name} -f
${flags.map((flag) => `${start} ${flagWords(flag)}`).join("\n")}
${commands.map(({ name: command, summary }) => `${start} -a ${command} -d ${quoted(summary)}`).join("\n")}
${commands.map((command) => commandLines(name, command)).join("\n")}
`;
}

function commandLines(program: string, { name, flags, values }: CommandShape): string {
  const lines = [
    `# ${name}`,
    ...flags.map((flag) => `complete -c ${program} -n '__${program}_at ${name}' ${flagWords(flag)}`),
    ...values.flatMap((value, index) => {
      const words = valueWords(value);
      return words === "" ? [] : [`complete -c ${program} -n '__${program}_at ${name} ${index}' ${words}`];
    }),
  ];
  return lines.join("\n");
}

function flagWords({ names, summary, value }: Flag): string {
  const spellings = names.map((name) => name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`);
  const takes = value === null ? [] : [value.kind === "files" ? "-r" : "-x", valueWords(value)];
  return [...spellings, ...takes, "-d", quoted(summary)].filter((words) => words !== "").join(" ");
}

function valueWords(value: Value): string {
  switch (value.kind) {
    case "words":
      return `-a ${quoted(value.words.join(" "))}`;
    case "files":
      return "-F";
    case "folders":
      return "-a '(__fish_complete_directories)'";
    case "any":
      return "";
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
