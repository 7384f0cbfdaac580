#!/usr/bin/env bash
# Starts a mesh on free ports and runs the browser journeys through it.
# usage: e2e.sh FRESHET [all | idle | paths]
# Without a set: the journeys of CI. all: every one but those that are held to times; idle: those; paths: over bad paths.
set -euo pipefail
freshet=$(realpath "$1")
set_of=${2:-}
sample=$(realpath "$(dirname "$0")/../../bench/load/sample")
cd "$(dirname "$0")/../../control/web"
command -v chromium >/dev/null || { echo "e2e: chromium is not installed (make needs)" >&2; exit 1; }

dir=$(mktemp -d)
up= publisher=
stop() {
	status=$?
	if [ -n "$publisher" ] && kill -TERM "$publisher" 2>/dev/null; then
		wait "$publisher" || status=$(($? > status ? $? : status))
	fi
	if [ -n "$up" ] && kill -TERM "$up" 2>/dev/null; then
		wait "$up" || status=$(($? > status ? $? : status))
	fi
	[ "$status" = 0 ] || tail -n 40 "$dir/log" >&2
	rm -rf "$dir"
	exit "$status"
}
trap stop EXIT

# `live` is for publishers of the journeys; the sample stays on the air beside it. `slow` is the sample with a key
# frame only every 10 s, for those who join. `layers`, for paths, has three layers that cost nobody an encoder.
if [ "$set_of" != paths ]; then
	ffmpeg -loglevel error -framerate 30 -i "$sample/sample.h264" -c:v libx264 -profile:v baseline -preset veryfast -b:v 400k \
		-x264-params keyint=300:min-keyint=300:scenecut=0:bframes=0:repeat-headers=1 -f h264 "$dir/slow.h264"
fi
mkfifo "$dir/line"
"$freshet" up --http 127.0.0.1:0 --data "$dir/data" --stream live=e2e-live-key --stream slow=e2e-slow-key --stream layers=e2e-layers-key --output json >"$dir/line" 2>"$dir/log" &
up=$!
read -r -t 60 FRESHET_UP <"$dir/line" || { echo "e2e: the mesh was not ready within 60 s" >&2; exit 1; }
FRESHET_URL=$(node -p 'JSON.parse(process.argv[1]).web' "$FRESHET_UP")
export FRESHET_UP FRESHET_URL FRESHET=$freshet
whip=$(node -p 'JSON.parse(process.argv[1]).origins[0].whip' "$FRESHET_UP")
if [ "$set_of" = paths ]; then
	for size in 160x90 320x180 640x360; do
		ffmpeg -loglevel error -f lavfi -i "color=c=0x507090:s=$size:r=30" -frames:v 2 -c:v libvpx -lag-in-frames 0 \
			-auto-alt-ref 0 "$dir/$size.ivf"
	done
	go build -o "$dir/layers" freshet/deploy/ci/layers
	"$dir/layers" "$whip/layers" e2e-layers-key "$dir/160x90.ivf" "$dir/320x180.ivf" "$dir/640x360.ivf" 2>"$dir/layers.log" &
	publisher=$!
	npx playwright test --project paths
else
	"$freshet" publish --url "$whip/slow" --key e2e-slow-key --loop --audio "$sample/sample.ogg" "$dir/slow.h264" 2>"$dir/slow.log" &
	publisher=$!
	case $set_of in
	all) npx playwright test --project states --workers 2 && JOURNEYS=all npx playwright test --project pages --project mesh --grep-invert '@idle' ;;
	idle) npx playwright test --project pages --project mesh --grep '@idle' ;;
	*) npx playwright test --project pages --project mesh --grep-invert '@more|@idle' ;;
	esac
fi
