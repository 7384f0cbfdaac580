#!/usr/bin/env bash
# Holds the units of deploy/systemd to systemd's own parser, and to what they expose at most.
set -euo pipefail
most=20 # tenths of systemd's ten points of exposure
if ! command -v systemd-analyze >/dev/null; then
	echo "!!! SKIPPED: systemd is not installed, so its units are not looked at" >&2
	exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for unit in deploy/systemd/*.service; do
	for role in control origin edge; do
		name=$(basename "${unit/@./@$role.}")
		sed 's#^ExecStart=/usr/local/bin/freshet#ExecStart=/bin/true#' "$unit" >"$dir/$name" # it wants a program that is there
		said=$(systemd-analyze verify --man=no "$dir/$name" 2>&1) || true
		[ -z "$said" ] || { echo "$name: $said" >&2; exit 1; }
		systemd-analyze security --offline=yes --threshold=$most "$dir/$name" >"$dir/said" ||
			{ tail -n 1 "$dir/said" >&2; exit 1; }
	done
done
echo "systemd takes all units of deploy/systemd"
