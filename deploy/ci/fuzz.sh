#!/usr/bin/env bash
# Runs every fuzz target of the module.
# usage: fuzz.sh each TIME       every target for TIME, for example 10m
#        fuzz.sh all SECONDS     SECONDS shared among all targets, at least 1 s each
# A target's seeds and committed corpus run first; its first failure is written to testdata/fuzz, ends the
# script, and belongs into the commit that repairs it.
# Up to Go 1.26 a target may also fail when its time is up, with nothing but "context deadline exceeded"
# (golang/go#75804): that is said, and no failure.
set -euo pipefail

# Says whether the output of a target that failed tells of the end of its time and of nothing else.
late() { ! grep -qE 'Failing input|panic:|_test\.go:' <<<"$1" && [ "$(grep -A1 '^--- FAIL: ' <<<"$1" | tail -n 1)" = '    context deadline exceeded' ]; }

mode=$1 amount=$2

mapfile -t targets < <(grep -rEo --include='*_test.go' --exclude-dir=node_modules --exclude-dir=compat '^func Fuzz[A-Za-z0-9_]*' . |
	sed -E 's|^\./(.*)/[^/]+_test\.go:func (Fuzz.*)|\1 \2|' | sort -u)
[ ${#targets[@]} -gt 0 ] || { echo "no fuzz target found" >&2; exit 1; }
time=$amount
if [ "$mode" = all ]; then
	each=$((amount / ${#targets[@]}))
	time=$((each > 0 ? each : 1))s
fi
echo "${#targets[@]} targets, $time each"

# One binary a package, built for coverage; each target then runs from it without asking the go command again.
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
for dir in $(printf '%s\n' "${targets[@]}" | cut -d' ' -f1 | uniq); do
	go test -c -fuzz=. -o "$bin/${dir//\//.}" "./$dir"
done
for t in "${targets[@]}"; do
	read -r dir name <<<"$t"
	mkdir -p "$bin/corpus"
	begun=$SECONDS
	if ! out=$(cd "$dir" && "$bin/${dir//\//.}" -test.run='^$' -test.fuzz="^$name\$" -test.fuzztime="$time" \
		-test.fuzzminimizetime=0x -test.fuzzcachedir="$bin/corpus" -test.parallel=2 2>&1); then
		if ! late "$out"; then
			echo "$out"
			echo "FAILED: $dir $name" >&2
			exit 1
		fi
		echo "!!! $dir $name: Go's own end of time came as a failure, without an input (golang/go#75804)"
	fi
	echo "$dir $name: $(tail -n 3 <<<"$out" | grep -o 'execs: [0-9]*' | tail -n 1 || true) in $((SECONDS - begun)) s"
done
