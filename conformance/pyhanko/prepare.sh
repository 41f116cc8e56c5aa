#!/bin/sh
# Prints the Python that has pyHanko. Makes a virtual environment beside the Go
# build cache once; fails with one line where that cannot be done.
set -eu
version=0.38.0
venv="${HANDSLAG_CONFORMANCE_CACHE:-$(go env GOCACHE)/../handslag-conformance}/pyhanko-$version"

fail() {
	echo "$1" >&2
	exit 1
}

command -v python3 >/dev/null || fail "python3 is not installed"
if [ ! -e "$venv/complete" ]; then
	rm -rf "$venv"
	mkdir -p "$(dirname "$venv")"
	python3 -m venv "$venv" >&2 || fail "python3 cannot make a virtual environment"
	"$venv/bin/pip" install --quiet --disable-pip-version-check "pyhanko==$version" >&2 ||
		fail "pyHanko $version cannot be installed"
	touch "$venv/complete"
fi
echo "$venv/bin/python"
