# Says what bash or zsh offers when TAB is pressed after each line, in a shell with a terminal.
#
# Usage: zsh -f probe.zsh <bash|zsh> <completion script> <empty folder> <line>...
# Prints for each line: "= " and the line, what is offered, one a line, then "> " and the line as TAB has left it.
# A script named _telefuser is found by zsh itself; any other is sourced.
zmodload zsh/zpty
shell=$1 script=$2 folder=$3
shift 3

cat >$folder/zsh <<'END'
PS1= PS2= PROMPT_EOL_MARK=
[[ ${SCRIPT:t} == _telefuser ]] && fpath=(${SCRIPT:h} $fpath)
autoload -Uz compinit && compinit -u -D
[[ ${SCRIPT:t} == _telefuser ]] || source $SCRIPT
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a hits
  builtin compadd -A hits "$@"
  (($#hits)) && print -rl -- $hits >>$FOLDER/offered
  builtin compadd "$@"
}
finish() {
  print -r -- "> $BUFFER" >>$FOLDER/left
  BUFFER=
  : >$FOLDER/done
}
zle -N finish
bindkey '^I' complete-word
bindkey '^T' finish
END

cat >$folder/bash <<'END'
PS1= PS2=
source "$SCRIPT"
probed=$(complete -p telefuser)
offer() {
  _telefuser "$@"
  ((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}" >>"$FOLDER/offered"
}
eval "${probed/-F _telefuser/-F offer}"
finish() {
  printf '> %s\n' "$READLINE_LINE" >>"$FOLDER/left"
  READLINE_LINE=
  : >"$FOLDER/done"
}
bind 'set completion-query-items 0' 2>/dev/null
bind 'set page-completions off'
bind 'set bell-style none'
bind -x '"\C-t": finish'
END

# Waits for a file, and reads what the terminal shows meanwhile so that nothing is held up.
await() {
  local shown i
  for ((i = 0; i < 500; i++)); do
    zpty -r -t pty shown
    [[ -e $1 ]] && return
    sleep 0.02
  done
  print -r "no $1 after ten seconds" >&2
  exit 1
}

[[ $shell == zsh ]] && start="zsh -f -i" || start="bash --norc --noprofile -i"
zpty pty "SCRIPT=${(q)script} FOLDER=${(q)folder} TERM=dumb $start"
zpty -w pty "source ${(q)folder}/$shell; : >${(q)folder}/ready"
await $folder/ready
for line in "$@"; do
  rm -f $folder/done
  : >$folder/offered >$folder/left
  zpty -n -w pty "$line"$'\t\024'
  await $folder/done
  print -r -- "= $line"
  sort -u $folder/offered
  cat $folder/left
done
zpty -d pty
