#!/bin/sh
# Plays the collections that Norwegians sign end to end, and has EU DSS and pyHanko
# judge every signature in what comes out, the seal among them. Each judge that
# cannot be had is named; with HANDSLAG_CONFORMANCE_REQUIRED set, that is a failure.
set -eu
cd "$(dirname "$0")/../.."

missing() {
	echo "chain: $1: SKIPPED" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
}

python=$(conformance/pyhanko/prepare.sh) || { missing pyHanko; python=; }
classes=$(conformance/eudss/build.sh) || { missing "EU DSS"; classes=; }
[ -n "$python$classes" ] || exit 0
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
(cd dev && HANDSLAG_E2E_RESULTS="$out" go test -count=1 -run '^(TestThreeNorwegiansInAChain|TestTwoSwedesAndTwoNorwegians)$' ./e2e >"$out/log" 2>&1) ||
	{ cat "$out/log"; exit 1; }
go run ./conformance/chain -dir "$out" -pyhanko "$python" -eudss "$classes"
