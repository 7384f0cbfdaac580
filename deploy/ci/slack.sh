#!/usr/bin/env bash
# Runs a command whose timers may come 1 ms late, and those of all it starts: the kernel then wakes a core for many at once.
# Go's scheduler sleeps for 20 µs thousands of times a second, and where a core is virtual each wake costs: eleven nodes with
# one webcast took 83 % of two cores, and 41 % so.
# usage: slack.sh COMMAND [ARGUMENT…]
set -euo pipefail
slack=/proc/$$/timerslack_ns
[ ! -w "$slack" ] || echo 1000000 >"$slack" # a kernel that is not Linux has none
exec "$@"
