#!/bin/sh
# Drives the simulated BankID with the npm package bankid. Installs it beside the
# Go build cache once; says so and succeeds where that cannot be done, unless
# HANDSLAG_CONFORMANCE_REQUIRED is set.
set -eu
cd "$(dirname "$0")"
version=3.2.1
axios=1.21.1
cache="${HANDSLAG_CONFORMANCE_CACHE:-$(go env GOCACHE)/../handslag-conformance}/nodebankid-$version-$axios"

skip() {
	echo "nodebankid: SKIPPED: $1" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
	exit 0
}

command -v node >/dev/null && command -v npm >/dev/null || skip "node and npm are not installed"
if [ ! -e "$cache/complete" ]; then
	rm -rf "$cache"
	mkdir -p "$cache"
	(cd "$cache" && npm init --yes --silent >/dev/null &&
		npm install --no-audit --no-fund --ignore-scripts --silent "bankid@$version" "axios@$axios" >&2) || skip "bankid $version cannot be installed"
	touch "$cache/complete"
fi
HANDSLAG_NODEBANKID_MODULES="$(cd "$cache/node_modules" && pwd)" go test -count=1 -v ./...
