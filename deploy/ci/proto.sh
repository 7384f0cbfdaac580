#!/usr/bin/env bash
# Lints proto/*.proto and compares the committed Go code with what buf makes of them now.
# usage: proto.sh BUF
set -euo pipefail
buf=$(realpath "$1")
cd "$(dirname "$0")/../../proto"
"$buf" lint
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$buf" generate -o "$fresh"
for f in *.pb.go; do
	cmp -s "$f" "$fresh/$f" || { echo "proto/$f is stale: make proto" >&2; exit 1; }
done
for f in "$fresh"/*.pb.go; do
	[ -e "$(basename "$f")" ] || { echo "proto/$(basename "$f") is missing: make proto" >&2; exit 1; }
done
