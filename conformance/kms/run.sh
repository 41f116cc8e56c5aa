#!/bin/sh
# Seals with keys in AWS KMS as moto serves it. Makes a virtual environment beside
# the Go build cache once; says so and succeeds where that cannot be done, unless
# HANDSLAG_CONFORMANCE_REQUIRED is set.
set -eu
cd "$(dirname "$0")"
version=5.2.5
venv="${HANDSLAG_CONFORMANCE_CACHE:-$(go env GOCACHE)/../handslag-conformance}/moto-$version"

skip() {
	echo "kms: SKIPPED: $1" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
	exit 0
}

command -v python3 >/dev/null || skip "python3 is not installed"
if [ ! -e "$venv/complete" ]; then
	rm -rf "$venv"
	mkdir -p "$(dirname "$venv")"
	python3 -m venv "$venv" || skip "python3 cannot make a virtual environment"
	"$venv/bin/pip" install --quiet --disable-pip-version-check "moto==$version" "flask==3.1.3" "flask-cors==6.0.5" ||
		skip "moto $version cannot be installed"
	touch "$venv/complete"
fi
HANDSLAG_MOTO_PYTHON="$(cd "$venv/bin" && pwd)/python" go test -count=1 -v ./...
