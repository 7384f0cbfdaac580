#!/usr/bin/env bash
# Runs a command in a network namespace of its own, where tests may make hosts (bench/impair/testnet). Nothing leads out
# of it: PostgreSQL is reached by its socket. usage: apart.sh COMMAND [ARGUMENT…], as root
set -euo pipefail
[ -z "${FRESHET_TEST_POSTGRES_SOCKET:-}" ] || export FRESHET_TEST_POSTGRES=$FRESHET_TEST_POSTGRES_SOCKET
exec unshare --net bash -euc 'ip link set lo up && exec "$@"' apart "$@"
