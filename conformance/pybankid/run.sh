#!/bin/sh
# Drives the simulated BankID with PyBankID. Makes a virtual environment beside
# the Go build cache once; says so and succeeds where that cannot be done, unless
# HANDSLAG_CONFORMANCE_REQUIRED is set.
set -eu
cd "$(dirname "$0")"
version=1.5.0
# pyOpenSSL, asn1crypto and pytz are for PyBankID's own signature verifier, which
# needs a function that later versions of pyOpenSSL have dropped.
venv="${HANDSLAG_CONFORMANCE_CACHE:-$(go env GOCACHE)/../handslag-conformance}/pybankid-$version"

skip() {
	echo "pybankid: SKIPPED: $1" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
	exit 0
}

command -v python3 >/dev/null || skip "python3 is not installed"
if [ ! -e "$venv/complete" ]; then
	rm -rf "$venv"
	mkdir -p "$(dirname "$venv")"
	python3 -m venv "$venv" || skip "python3 cannot make a virtual environment"
	"$venv/bin/pip" install --quiet --disable-pip-version-check "pybankid==$version" \
		"pyopenssl==23.2.0" "asn1crypto==1.5.1" "pytz==2026.6" || skip "PyBankID $version cannot be installed"
	touch "$venv/complete"
fi
HANDSLAG_PYBANKID_PYTHON="$(cd "$venv/bin" && pwd)/python" go test -count=1 -v ./...
