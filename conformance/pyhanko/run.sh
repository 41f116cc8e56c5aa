#!/bin/sh
# Has pyHanko judge what the demo seals; says so and succeeds where it cannot be
# had, unless HANDSLAG_CONFORMANCE_REQUIRED is set. Needs both binaries (make build).
set -eu
cd "$(dirname "$0")/../.."

skip() {
	echo "pyhanko: SKIPPED" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
	exit 0
}

python=$(conformance/pyhanko/prepare.sh) || skip
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
bin/handslag-dev demo --product bin/handslag --out "$out" >"$out/log" 2>&1 || { cat "$out/log"; exit 1; }
"$python" conformance/pyhanko/validate.py "$out/trust" "$out"/*-signed.pdf
