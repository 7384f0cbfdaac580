#!/usr/bin/env bash
# Makes each target named, in order, says how long it took, and stops at the first that fails.
set -euo pipefail
all=$SECONDS
for step in "$@"; do
	begun=$SECONDS
	echo "=== $step"
	if ! make "$step"; then
		echo "=== $step FAILED after $((SECONDS - begun)) s" >&2
		exit 1
	fi
	echo "=== $step done in $((SECONDS - begun)) s"
done
echo "=== all done in $((SECONDS - all)) s"
