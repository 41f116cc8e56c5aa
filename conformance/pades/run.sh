#!/bin/sh
# Signs the matrix and has every judge that can be had look at it; arguments go
# to the program (-full: all combinations). Each judge that cannot be had is named; with
# HANDSLAG_CONFORMANCE_REQUIRED set, that is a failure.
set -eu
cd "$(dirname "$0")/../.."

missing() {
	echo "pades: $1: SKIPPED" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
}

if ! command -v qpdf >/dev/null; then # it makes two of the four forms of upload
	missing "everything (qpdf is not installed)"
	exit 0
fi
command -v pdfsig >/dev/null || missing "pdfsig is not installed"
python=$(conformance/pyhanko/prepare.sh) || { missing pyHanko; python=; }
classes=$(conformance/eudss/build.sh) || { missing "EU DSS"; classes=; }
exec go run ./conformance/pades -pyhanko "$python" -eudss "$classes" "$@"
