#!/bin/sh
# TeleFuser Stream @VERSION@, commit @COMMIT@, for @TARGET@.
#
# One file: this script, padded to @STUB_BYTES@ bytes, and after it two gzip'd tars, of the server and of its codecs. The
# first start unpacks both at once into a folder of the user's own, named after the content; every other start runs what
# is there. It needs sh, ls, id, mkdir, mv, rm, chmod, head, tail, gzip, tar, date and sleep.
set -u

content=@CONTENT@
me=$(id -u)

# What `ls` says of the owner and the mode of a folder: it must be ours, and nobody else's to look into.
ours() {
  set -- "$1" $(ls -ldn "$1" 2>/dev/null)
  [ "${4:-}" = "$me" ] || return 1
  case $2 in drwx--[-S]---*) ;; *) return 1 ;; esac
}

# Whether nobody else could put another folder in the place of one in here. A group's number that is the user's means a
# group of that user alone.
settled() {
  set -- "$1" $(ls -ldn "$1/." 2>/dev/null)
  [ "${4:-}" = "$me" ] || [ "${4:-}" = 0 ] || return 1
  case $2 in
    ????????w[!tT]*) return 1 ;;
    ?????w???[!tT]*) [ "$5" = "$4" ] || [ "$5" = 0 ] ;;
  esac
}

# Makes a folder ours, or says that it cannot be.
claim() {
  parent=${1%/*}
  [ -d "$parent/" ] || mkdir -p "$parent" 2>/dev/null
  settled "$parent" || return 1
  [ -d "$1" ] || mkdir "$1" 2>/dev/null
  ours "$1"
}

bytes() {
  ls -Lln "$1" 2>/dev/null | { read -r mode links owner group size rest && echo "$size"; }
}

# A folder is renamed into its place when it is whole; sizes are looked at because a power cut may lose what was written.
complete() {
  [ -x "$root/telefuser" ] && [ "$(bytes "$root/telefuser")" = @RUNTIME_BYTES@ ] &&
    [ "$(bytes "$root/@NATIVE_FILE@")" = @NATIVE_BYTES@ ]
}

# One unpacks and the others wait for it. A lock whose process is gone was left by one that was killed; should two hold
# it for all that, both unpack, and one of them comes too late.
take_turn() {
  turn=0
  mine=
  while [ "$turn" -lt 300 ]; do
    complete && return
    (set -C && echo "$$" >"$lock") 2>/dev/null && {
      mine=1
      return
    }
    holder=
    [ -f "$lock" ] && read -r holder 2>/dev/null <"$lock"
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
      rm -f "$lock"
    else
      sleep 0.1 2>/dev/null || sleep 1
    fi
    turn=$((turn + 1))
  done
}

# What was left half-way more than an hour ago.
clear_old() {
  for old in "$base"/.new-*; do
    made=${old##*.}
    case $made in '' | *[!0-9]*) continue ;; esac
    [ "$((now - made))" -lt 3600 ] || rm -rf "$old"
  done
}

unpack() {
  complete && return
  [ -w "$base" ] || return 1
  lock=$base/.lock-$content
  now=$(date +%s)
  new=$base/.new-$content-$$.$now
  take_turn
  if complete; then
    # Another one may have come to its end just before the lock was had.
    [ -z "$mine" ] || rm -f "$lock"
    return 0
  fi
  trap 'leave; exit 129' HUP
  trap 'leave; exit 130' INT
  trap 'leave; exit 143' TERM
  clear_old
  fill
  filled=$?
  leave
  trap - HUP INT TERM
  return "$filled"
}

leave() {
  rm -rf "$new"
  rm -f "$lock"
}

fill() {
  mkdir "$new" 2>/dev/null || return 1
  # A disk from which no program may be run.
  : >"$new/.probe" && chmod 700 "$new/.probe" && [ -x "$new/.probe" ] || return 1
  rm -f "$new/.probe"
  part @SERVER_START@ @SERVER_PACKED@ &
  server=$!
  part @CODECS_START@ @CODECS_PACKED@
  wait "$server"
  [ -f "$new/.whole-@SERVER_START@" ] && [ -f "$new/.whole-@CODECS_START@" ] || return 1
  rm -f "$new/.whole-@SERVER_START@" "$new/.whole-@CODECS_START@"
  complete || rm -rf "$root"
  [ -d "$root" ] || mv "$new" "$root"
  # Where one was faster, this one has moved into it.
  rm -rf "$root/${new##*/}"
  complete
}

# Unpacks one archive. tar takes what is cut off or damaged for the end: only gzip notices. On a full disk tar would
# complain of every file.
part() {
  { tail -c +"$1" "$self" | head -c "$2" | gzip -dc && : >"$new/.read-$1"; } | tar -xof - -C "$new" 2>/dev/null &&
    mv "$new/.read-$1" "$new/.whole-$1"
}

provide() {
  base=$1
  root=$base/$content
  tried="$tried $base"
  umask 077
  claim "$base" && unpack
  provided=$?
  umask "$mask"
  return "$provided"
}

# The runtime asks there where it lies.
case @TARGET@ in
  linux-*)
    [ -L /proc/self/exe ] || {
      echo "telefuser: /proc is not mounted here; type: mount -t proc proc /proc" >&2
      exit 1
    }
    ;;
esac

self=$0
mask=$(umask)
tried=
home=
case ${XDG_CACHE_HOME:-} in
  /*) home=$XDG_CACHE_HOME ;;
  *) case ${HOME:-} in /*) [ -d "$HOME" ] && home=${HOME%/}/.cache ;; esac ;;
esac
temporary=/tmp
case ${TMPDIR:-} in /*) temporary=${TMPDIR%/} ;; esac

if { [ -n "$home" ] && provide "$home/telefuser"; } || provide "$temporary/telefuser-$me" ||
  { [ "$temporary" != /tmp ] && provide "/tmp/telefuser-$me"; }; then
  DENO_DIR=$root/.deno DENO_NO_UPDATE_CHECK=1
  export DENO_DIR DENO_NO_UPDATE_CHECK
  exec "$root/telefuser" run -A --no-prompt --cached-only --config "$root/deno.json" "$root/main.ts" "$@"
fi
echo "telefuser: cannot unpack itself; tried$tried" >&2
echo "telefuser: it needs a folder of your own that nobody else may write to, @UNPACKED_MB@ MB, and a disk from which programs may run; name one: XDG_CACHE_HOME=/a/folder $0" >&2
exit 1
