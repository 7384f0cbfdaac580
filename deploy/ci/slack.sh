#!/usr/bin/env bash
# Runs a command whose timers may come 1 ms late, and those of all it starts: the kernel then wakes a core for many at once.
# Go's scheduler sleeps for 20 µs thousands of times a second, and where a core is virtual each wake costs: eleven nodes with
# one webcast took 83 % of two cores, and 41 % so.
# usage: slack.sh COMMAND [ARGUMENT…]
set -euo pipefail
echo 1000000 2>/dev/null >/proc/$$/timerslack_ns || true # where the kernel has none
exec "$@"
