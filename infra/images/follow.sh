#!/bin/sh
# Follows a release channel: sets the device up when it is new, then installs what leads the channel, again and again.
# `stillhouse-edge serve` beside it, on the same home, answers with the release of the moment.
#
#   CHANNEL_URL    the folder with metadata/ and targets/
#   MODEL          its name in the channel
#   ROOT_SHA256    of the first root, printed by `stillhouse channel init`: so the root may come by the channel itself
#   EVERY          seconds between two looks (60)
set -eu
: "${STILLHOUSE_EDGE_HOME:?expected the folder of the device}"
: "${CHANNEL_URL:?expected the address of a channel}"
: "${MODEL:?expected the name of a model}"
: "${ROOT_SHA256:?expected the sha256 of 1.root.json, as printed by: stillhouse channel init}"

set_up() {
  root=$(mktemp)
  python -c 'import shutil, sys, urllib.request as u; shutil.copyfileobj(u.urlopen(sys.argv[1], timeout=30), sys.stdout.buffer)' \
    "$CHANNEL_URL/metadata/1.root.json" > "$root" &&
    stillhouse-edge init "$CHANNEL_URL" --model "$MODEL" --root "$root" --root-sha256 "$ROOT_SHA256"
  done=$?
  rm -f "$root"
  return $done
}

# A shell that waits for a sleep in its foreground would get SIGTERM only after it.
pause() {
  sleep "${EVERY:-60}" &
  asleep=$!
  wait $asleep
}
asleep=
trap '[ -z "$asleep" ] || kill "$asleep" 2>/dev/null || true; exit 0' TERM INT

until [ -f "$STILLHOUSE_EDGE_HOME/device.json" ] || set_up; do pause; done
while :; do
  stillhouse-edge update || true # it has printed why; the release that runs goes on
  pause
done
