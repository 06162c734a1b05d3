import type { CommandShape, Flag, ProgramShape, Value } from "./shape.ts";

/** A completion script for zsh: as a file `_<program>` in `$fpath`, or sourced after `compinit`. */
export function zshScript({ name, flags, commands }: ProgramShape): string {
  return `#compdef ${name}
# Completion of ${name} for zsh.

_${name}() {
  local curcontext=$curcontext state state_descr line
  typeset -A opt_args
  local -a commands=(
${commands.map((command) => `    ${quoted(`${command.name}:${command.summary.replaceAll(":", "\\:")}`)}`).join("\n")}
  )
  _arguments -C -S \\
${flags.map((flag) => `    ${flagSpec(flag)} \\`).join("\n")}
    '1:command:->command' \\
    '*::argument:->argument' && return
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
${commands.map(commandCase).join("\n")}
      esac
      ;;
  esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function commandCase({ name, flags, values }: CommandShape): string {
  const specs = [...flags.map(flagSpec), ...values.map((value, index) => quoted(`${index + 1}${valueSpec(value)}`))];
  return `        ${name})
          _arguments -S \\
${specs.map((spec) => `            ${spec}`).join(" \\\n")}
          ;;`;
}

/** As `_arguments` takes it; a flag with two names excludes itself under the other one. */
function flagSpec({ names, summary, value, isRepeatable }: Flag): string {
  const spellings = names.map((name) => value === null ? name : name.startsWith("--") ? `${name}=` : `${name}+`);
  const rest = `[${summary.replace(/[[\]\\]/g, "\\$&")}]${value === null ? "" : valueSpec(value)}`;
  const often = isRepeatable ? "*" : "";
  const [only = ""] = spellings;
  if (spellings.length === 1) return quoted(`${often}${only}${rest}`);
  const others = isRepeatable ? "*" : `(${names.join(" ")})`;
  return `${quoted(others)}{${spellings.join(",")}}${quoted(rest)}`;
}

function valueSpec(value: Value): string {
  const name = value.name.replaceAll(":", "\\:");
  switch (value.kind) {
    case "words":
      return `:${name.includes("|") ? "choice" : name}:(${value.words.join(" ")})`;
    case "files":
      return `:${name}:_files`;
    case "folders":
      return `:${name}:_path_files -/`;
    case "any":
      return `:${name}: `;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
