#!/usr/bin/env bash
# A mesh in three regions on this machine (Linux), each node a process of one program, with one file of settings and a
# loopback address of its own: what `freshet up` has in one process, taken apart as it is on many machines. The sample is
# on the air. Ctrl-C ends it, and what it kept. usage: planet.sh FRESHET [NODE ROLE REGION ADDRESS]…
set -euo pipefail
freshet=$(realpath -s "$1") # by the name it was given: a test goes by another
shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- \
	origin-1 origin yul 127.0.0.11 origin-2 origin par 127.0.0.12 \
	edge-1 edge yul 127.0.0.21 edge-2 edge par 127.0.0.22 edge-3 edge sin 127.0.0.23
dir=$(mktemp -d)
declare -A running=()
stop() {
	status=$?
	trap - EXIT
	trap '' INT TERM
	kill -TERM "${running[@]}" 2>/dev/null || true # one may have ended
	wait
	rm -rf "$dir"
	exit "$status"
}
trap stop EXIT
trap 'exit 0' INT TERM

# node NAME ROLE ADDRESS [FLAG…]: starts one in the background. A role is a word, so that a node takes another by it alone.
node() {
	local name=$1 role=$2 at=$3
	shift 3
	case $role in
	control) set -- "$@" --agents "$at:8081" ;;
	*) set -- "$@" --relay "$at:8081" --media "$at:8082" ;;
	esac
	"$freshet" --config deploy/planet.toml "$role" --node "$name" --data "$dir/$name" --http "$at:8080" --gossip "$at:7946" "$@" &
	running[$name]=$!
}
mesh() { "$freshet" cluster "$@" --data "$dir/control-1"; }
# until_so SECONDS COMMAND…: waits until it holds, and says what is missing where it never does.
until_so() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >"$dir/said" 2>&1; do
		for name in "${!running[@]}"; do
			kill -0 "${running[$name]}" 2>/dev/null || { echo "planet: $name has ended" >&2; exit 1; }
		done
		[ $SECONDS -lt $end ] || { echo "planet: not within its time: $*" >&2; cat "$dir/said" >&2; exit 1; }
		sleep 0.2
	done
}
alive() { [ "$(mesh members | grep -c ' alive ')" = "$1" ]; }
live() { mesh streams | grep -q '^sample .* live '; }

"$freshet" cluster init --data "$dir/control-1" --node control-1 --region yul >"$dir/said"
node control-1 control 127.0.0.1 --region yul
until_so 30 mesh status
count=1
while [ $# -gt 0 ]; do
	node "$1" "$2" "$4" --region "$3" --token "$(mesh token --role "$2" --region "$3")"
	count=$((count + 1))
	shift 4
done
until_so 60 alive "$count"
"$freshet" --log warn publish --url http://127.0.0.1:8080/whip/sample --key planet-sample-key --reconnect >"$dir/publish" 2>&1 &
running[publisher]=$!
until_so 30 live
mesh members
printf '\nwatch     http://127.0.0.1:8080/\nset up    http://127.0.0.1:8080/setup\nask       %s cluster status --data %s\n' "$freshet" "$dir/control-1"
echo 'Ctrl-C ends it.'
wait -n "${running[@]}" || true # for the first that ends, however it does
echo "planet: a node has ended" >&2
exit 1
