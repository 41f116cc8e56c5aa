#!/bin/sh
# Has pyHanko judge what the demo seals. Makes a virtual environment beside the
# Go build cache once; says so and succeeds where that cannot be done, unless
# HANDSLAG_CONFORMANCE_REQUIRED is set. Needs both binaries (make build).
set -eu
cd "$(dirname "$0")/../.."
version=0.38.0
venv="${HANDSLAG_CONFORMANCE_CACHE:-$(go env GOCACHE)/../handslag-conformance}/pyhanko-$version"

skip() {
	echo "pyhanko: SKIPPED: $1" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
	exit 0
}

command -v python3 >/dev/null || skip "python3 is not installed"
if [ ! -e "$venv/complete" ]; then
	rm -rf "$venv"
	mkdir -p "$(dirname "$venv")"
	python3 -m venv "$venv" || skip "python3 cannot make a virtual environment"
	"$venv/bin/pip" install --quiet --disable-pip-version-check "pyhanko==$version" ||
		skip "pyHanko $version cannot be installed"
	touch "$venv/complete"
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
bin/handslag-dev demo --product bin/handslag --out "$out" >"$out/log" 2>&1 || { cat "$out/log"; exit 1; }
"$venv/bin/python" conformance/pyhanko/validate.py "$out/trust" "$out"/*-signed.pdf
