#!/usr/bin/env bash
# Starts the mesh of deploy/compose, whose image is built, plans an event, publishes to it, and counts the frames that an edge
# of each region gives a viewer. Then takes the mesh down, and up on the volumes that are left, and counts again.
# usage: compose.sh FRESHET [SERVICE…], those services alone
set -euo pipefail
freshet=$(realpath "$1")
shift
compose=(docker compose -p freshet-test -f "$(dirname "$0")/../compose/compose.yaml")
if ! said=$(docker version 2>&1 && docker compose version 2>&1); then
	echo "!!! SKIPPED: no container was started, since there is no Docker with Compose: $(tail -n 1 <<<"$said")" >&2
	exit 0
fi
dir=$(mktemp -d)
publisher=
# What can be told of a failure is told, and all is removed: each step of it may fail, and the next is taken all the same.
stop() {
	status=$?
	[ -z "$publisher" ] || kill "$publisher" 2>/dev/null || true
	if [ "$status" != 0 ]; then
		tail -n 20 "$dir/publish" >&2 || true
		"${compose[@]}" ps -a >&2 || true
		"${compose[@]}" logs --tail 10 >&2 || true
	fi
	"${compose[@]}" down --volumes >"$dir/down" 2>&1 || cat "$dir/down" >&2
	rm -rf "$dir"
	exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

up() { timeout 300 "${compose[@]}" --progress quiet up --no-build --detach --wait "$@"; }

# plan sets up an account, starts an event, and prints its slug, its stream and the stream's key.
plan() {
	node --input-type=module - <<'JS'
let cookie = '';
async function post(path, body) {
  const headers = { cookie, ...(body && { 'Content-Type': 'application/json' }) };
  const res = await fetch(`http://127.0.0.1:8080/api/v1${path}`, { method: 'POST', headers, body: body && JSON.stringify(body) });
  const text = await res.text();
  if (!res.ok) throw new Error(`POST ${path}: ${res.status} ${text}`);
  cookie ||= res.headers.getSetCookie().map(c => c.split(';')[0]).join('; ');
  return text === '' ? undefined : JSON.parse(text);
}
await post('/setup', { account: 'Delta', name: 'Ana', email: 'ana@delta.example', password: 'snow melts in may' });
const startsAt = new Date(Date.now() + 3_600_000).toISOString();
const event = await post('/events', { title: 'Talk', access: 'open', startsAt, timeZone: 'UTC' });
const stream = await post(`/events/${event.id}/streams`, { name: 'Stage' });
await post(`/events/${event.id}/start`);
console.log(event.slug, stream.id, stream.key);
JS
}

# join prints where a viewer of region $2 finds the stream of event $1, and the token for it. It waits for the edge of that
# region: after a restart control takes some seconds to hear of each.
join() {
	node --input-type=module - "$@" <<'JS'
const [slug, region] = process.argv.slice(2);
const end = Date.now() + 60_000;
let said;
do {
  const res = await fetch(`http://127.0.0.1:8080/api/v1/events/${slug}/join`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ region }),
  });
  said = await res.text();
  const { edges, streams, token } = res.ok ? JSON.parse(said) : {};
  const edge = edges?.find(e => e.region === region);
  if (edge && streams.length) {
    console.log(`${edge.whep}/${streams[0].id}`, token);
    process.exit();
  }
  await new Promise(next => setTimeout(next, 500));
} while (Date.now() < end);
throw new Error(`no edge in ${region} within a minute: ${said}`);
JS
}

# watch has a viewer in each region for 10 s, who is to see 100 whole frames: the sample has 30 a second.
watch() {
	local region where frames
	for region in yul par sin; do
		where=$(join "$slug" "$region")
		frames=$(timeout 30 "$freshet" --log warn play --for 10s --output json --token "${where#* }" "${where% *}" |
			node -p 'JSON.parse(fs.readFileSync(0, "utf8").trim().split("\n").pop()).tracks.find(t => t.kind === "video").frames')
		echo "$1: $frames frames in 10 s in $region, by ${where% *}"
		[ "$frames" -ge 100 ]
	done
}

up "$@"
planned=$(plan)
read -r slug stream key <<<"$planned"
"$freshet" --log warn publish --url "http://127.0.0.1:8080/whip/$stream" --key "$key" --reconnect >"$dir/publish" 2>&1 &
publisher=$!
watch "first start"
"${compose[@]}" --progress quiet down
up "$@"
watch "second start"
