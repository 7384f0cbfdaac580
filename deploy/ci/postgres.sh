#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own, on a free port of loopback, whose address is in
# FRESHET_TEST_POSTGRES, and by its socket, for who has another network, in FRESHET_TEST_POSTGRES_SOCKET; without
# PostgreSQL it runs the command alone, and says so.
# usage: postgres.sh COMMAND [ARGUMENT…]
set -euo pipefail
initdb=$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1) || true
bin=${initdb%/initdb}
if [ -z "$bin" ]; then
	echo "!!! SKIPPED on PostgreSQL: it is not installed (make needs)" >&2
	exec "$@"
fi
dir=$(mktemp -d)
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then # it refuses to run as root
	chown postgres "$dir"
	as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
fi
stop() {
	status=$?
	(cd / && as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1) || true
	rm -rf "$dir"
	exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
port=$(node -e 's = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
(
	cd /
	as "$bin/initdb" -D "$dir/data" -A trust -U freshet -E UTF8 --locale=C --no-sync >/dev/null
	as "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
		-o "-p $port -c listen_addresses=127.0.0.1 -k '$dir' -c fsync=off -c max_connections=300" start >/dev/null
) || { tail -n 20 "$dir/log" >&2 || true; exit 1; }
export FRESHET_TEST_POSTGRES="postgresql://freshet@127.0.0.1:$port/postgres?sslmode=disable"
export FRESHET_TEST_POSTGRES_SOCKET="postgresql://freshet@/postgres?host=$dir&port=$port&sslmode=disable"
"$@"
