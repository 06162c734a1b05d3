import { flagNames, type ProgramShape, type Value } from "./shape.ts";

/** A completion script for bash 3.2 and later, in which nothing is started while a key is pressed. */
export function bashScript(shape: ProgramShape): string {
  const { name, flags, commands } = shape;
  const globalFlags = flags.flatMap(({ names }) => names);
  const valued = flagNames(shape, ({ value }) => value !== null);
  return `# Completion of ${name} for bash.

_${name}() {
  local IFS=$' \\t\\n' line=$COMP_LINE word i
  local -a words=()
  # Bash takes words apart at = and : as well; what has no space before it belongs to the word before.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((i == 0)) || [[ $line == [[:space:]]* ]]; then
      words+=("$word")
    else
      words[\${#words[@]}-1]+=$word
    fi
    line=\${line#"\${line%%[![:space:]]*}"}
    line=\${line#"$word"}
  done
  local last=$((\${#words[@]} - 1))
  local current=\${words[last]} command= flag= before= position=0 only_values=
  COMPREPLY=()

  for ((i = 1; i < last; i++)); do
    word=\${words[i]}
    if [[ -n $flag ]]; then
      flag=
    elif [[ -z $only_values && $word == -- ]]; then
      only_values=1
    elif [[ -z $only_values && $word == -* ]]; then
      case "$command $word" in
${caseOf(valued)}
          flag=$word
          ;;
      esac
    elif [[ -z $command ]]; then
      command=$word
    else
      position=$((position + 1))
    fi
  done
  if [[ -z $flag$only_values && $current == --*=* ]]; then
    flag=\${current%%=*}
    before=$flag=
    current=\${current#*=}
  fi

  local kind=any choices=
  if [[ -n $flag ]]; then
    case "$command $flag" in
${flagCases(shape)}
    esac
  elif [[ -z $only_values && $current == -* ]]; then
    kind=words
    case $command in
      "") choices="${globalFlags.join(" ")}" ;;
${
    commands.map((command) =>
      `      ${command.name}) choices="${command.flags.flatMap(({ names }) => names).join(" ")}" ;;`
    ).join("\n")
  }
    esac
  elif [[ -z $command ]]; then
    kind=words
    choices="${commands.map((command) => command.name).join(" ")}"
  else
    case "$command $position" in
${valueCases(shape)}
    esac
  fi

  # Bash itself completes files, when nothing else is offered; where none belong it must not. Bash 3.2 has no compopt.
  [[ $kind == files ]] && return
  compopt +o default 2>/dev/null
  if [[ $kind == folders ]]; then
    compopt -o dirnames 2>/dev/null
  elif [[ $kind == words ]]; then
    [[ $COMP_WORDBREAKS == *=* ]] && before=
    COMPREPLY=($(compgen -P "$before" -W "$choices" -- "$current"))
  fi
}

complete -o default -F _${name} ${name}
`;
}

/** The cases of all flags that complete to something, those alike together. */
function flagCases(shape: ProgramShape): string {
  const places = shape.commands.flatMap(({ name, flags }) =>
    flags.flatMap(({ names, value }) =>
      value === null ? [] : names.map((flag) => ({ place: `${name} ${flag}`, value }))
    )
  );
  return casesOf(places);
}

function valueCases({ commands }: ProgramShape): string {
  return casesOf(
    commands.flatMap(({ name, values }) => values.map((value, index) => ({ place: `${name} ${index}`, value }))),
  );
}

function casesOf(places: readonly { place: string; value: Value }[]): string {
  const groups = new Map<string, string[]>();
  for (const { place, value } of places) {
    if (value.kind === "any") continue;
    const action = value.kind === "words" ? `kind=words choices="${value.words.join(" ")}"` : `kind=${value.kind}`;
    groups.set(action, [...groups.get(action) ?? [], place]);
  }
  return [...groups].map(([action, names]) => `${caseOf(names)} ${action} ;;`).join("\n");
}

function caseOf(names: readonly string[]): string {
  return `      ${names.map((name) => `"${name}"`).join(" | ")})`;
}
