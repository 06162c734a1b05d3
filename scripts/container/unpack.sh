#!/bin/sh
# Unpacks a packaged file for all users of a machine or image, into a folder that nobody needs to write to afterwards.
#
# Usage: unpack.sh <telefuser-packaged> <folder>
#
# <folder> must not be there yet; it is removed again when something fails. <folder>/launch starts the server. It is made
# of the last lines of the package's own script. What the runtime remembers of the modules is made here, by one start, so
# that later starts are quick on a read-only disk as well; both hold for this folder alone, which must stay in its place.
set -eu

package=$1
case $2 in
  /*) folder=${2%/} ;;
  *) folder=$PWD/${2%/} ;;
esac
if [ -e "$folder" ] || [ -L "$folder" ]; then
  echo "unpack.sh: $folder is there already; name a folder that is not, or remove it first" >&2
  exit 1
fi

mkdir -p "${folder%/*}"
unpacked=$(mktemp -d "$folder.XXXXXX")
log=$unpacked/log
trap 'rm -rf "$unpacked"' EXIT
XDG_CACHE_HOME=$unpacked sh "$package" --version
mv -T "$unpacked"/telefuser/* "$folder"
trap 'rm -rf "$unpacked" "$folder"' EXIT
rm -rf "$folder/.deno"

lines=$(head -c 8192 "$package" | sed -n '/^  DENO_DIR=/,/^  exec /s/^  //p')
case $lines in
  *'exec "$root/telefuser" '*) ;;
  *)
    echo "unpack.sh: $package does not say how it starts" >&2
    exit 1
    ;;
esac
# A quote in the name ends the quoted text, stands by itself and begins another.
quoted=$(printf '%s\n' "$folder" | sed "s/'/'\\\\''/g")
printf "#!/bin/sh\nroot='%s'\n%s\n" "$quoted" "$lines" >"$folder/launch"
chmod 755 "$folder/launch"

: >"$log"
"$folder/launch" stream-serve "$folder/pipelines/video_replay.ts" --host 127.0.0.1 --port 0 >"$log" 2>&1 &
server=$!
turn=0
until grep -q 'pipeline is running' "$log"; do
  turn=$((turn + 1))
  if [ "$turn" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
    cat "$log" >&2
    kill "$server" 2>/dev/null || :
    exit 1
  fi
  sleep 0.2
done
kill "$server"
wait "$server"
chmod -R a+rX,go-w "$folder"
trap 'rm -rf "$unpacked"' EXIT
