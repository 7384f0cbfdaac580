#!/usr/bin/env bash
# Starts a mesh on free ports and runs the browser journeys through it.
# usage: e2e.sh FRESHET
set -euo pipefail
freshet=$(realpath "$1")
cd "$(dirname "$0")/../../control/web"
command -v chromium >/dev/null || { echo "e2e: chromium is not installed (make needs)" >&2; exit 1; }

dir=$(mktemp -d)
up=
stop() {
	status=$?
	if [ -n "$up" ] && kill -TERM "$up" 2>/dev/null; then
		wait "$up" || status=$(($? > status ? $? : status))
	fi
	[ "$status" = 0 ] || tail -n 40 "$dir/log" >&2
	rm -rf "$dir"
	exit "$status"
}
trap stop EXIT

# `live` is for publishers of the journeys; the sample stays on the air beside it.
mkfifo "$dir/line"
"$freshet" up --http 127.0.0.1:0 --data "$dir/data" --stream live=e2e-live-key --output json >"$dir/line" 2>"$dir/log" &
up=$!
read -r -t 60 FRESHET_UP <"$dir/line" || { echo "e2e: the mesh was not ready within 60 s" >&2; exit 1; }
FRESHET_URL=$(node -p 'JSON.parse(process.argv[1]).web' "$FRESHET_UP")
export FRESHET_UP FRESHET_URL
npx playwright test
