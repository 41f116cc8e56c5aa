#!/bin/sh
# Prepares the programs that are measured beside ours, and measures. Whatever
# cannot be had is named and left out. Needs bin/handslag-dev (make build).
set -eu
cd "$(dirname "$0")/../.."
cache="${HANDSLAG_CONFORMANCE_CACHE:-$(go env GOCACHE)/../handslag-conformance}/signpdf-3.3.0"

(cd dev && go build -o ../bin/rival-handslag ./bench/rivals/handslag && go build -o ../bin/rival-pdfcpu ./bench/rivals/pdfcpu)
python=$(conformance/pyhanko/prepare.sh) || { echo "bench-compare: without pyHanko" >&2; python=; }
classes=$(conformance/eudss/build.sh) || { echo "bench-compare: without EU DSS" >&2; classes=; }
mkdir -p "$cache"
cp dev/bench/rivals/package.json dev/bench/rivals/signpdf.mjs "$cache"
if ! { command -v node >/dev/null && (cd "$cache" && npm install --no-audit --no-fund --silent >&2); }; then
	echo "bench-compare: without @signpdf (it needs Node and npm)" >&2
	cache=
fi
exec bin/handslag-dev compare --pyhanko "$python" --eudss "$classes" --signpdf "$cache" "$@"
