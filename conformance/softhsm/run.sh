#!/bin/sh
# Seals with keys in SoftHSM, by PKCS #11. Says so and succeeds where it is not
# installed, unless HANDSLAG_CONFORMANCE_REQUIRED is set.
set -eu
cd "$(dirname "$0")/../.."

skip() {
	echo "softhsm: SKIPPED: $1" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
	exit 0
}

command -v softhsm2-util >/dev/null || skip "softhsm2 is not installed (apt-get install softhsm2)"
[ -e /usr/lib/softhsm/libsofthsm2.so ] || skip "/usr/lib/softhsm/libsofthsm2.so is not there"
[ "$(CGO_ENABLED=1 go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null || skip "no C compiler is installed"
CGO_ENABLED=1 go vet -tags pkcs11 ./seals/... ./cmd/handslag
CGO_ENABLED=1 go test -tags pkcs11 -count=1 -v -run 'Module|PIN' ./seals
