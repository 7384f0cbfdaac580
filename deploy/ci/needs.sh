#!/usr/bin/env bash
# Installs the Debian packages that tests need and this machine lacks. Without root it says which they
# are and goes on: tests that need one say so.
set -euo pipefail

missing=()
need() { # COMMAND-OR-FILE PACKAGE…
	command -v "$1" >/dev/null || [ -e "$1" ] || missing+=("${@:2}")
}
need gcc gcc libc6-dev # the race detector links C
need git git
need column bsdextrautils
need chromium chromium
need ffmpeg ffmpeg
need ip iproute2
need nft nftables
need "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | tail -n 1)" postgresql
need /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core
need /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf fonts-noto-core
need /usr/lib/python3/dist-packages/gi/overrides/Gst.py python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-tools \
	gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice \
	gstreamer1.0-plugins-ugly gstreamer1.0-libav

for tool in go node npm; do
	command -v "$tool" >/dev/null || { echo "$tool is not installed: Go 1.26 and Node 20 are what this needs" >&2; exit 1; }
done
[ ${#missing[@]} -gt 0 ] || { echo "nothing is missing"; exit 0; }
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "missing, and not installed for want of root or apt-get: ${missing[*]}" >&2
	exit 0
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if [[ " ${missing[*]} " == *" postgresql "* ]]; then # the programs: deploy/ci/postgres.sh makes a cluster of its own
	none=/etc/postgresql-common/createcluster.d/freshet.conf
	trap 'rm -f "$none"' EXIT
	mkdir -p "${none%/*}"
	echo 'create_main_cluster = false' >"$none"
fi
apt-get update -qq </dev/null
apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
