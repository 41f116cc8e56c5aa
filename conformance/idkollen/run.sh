#!/bin/sh
# Drives the simulated IDkollen with IDkollen's own client for Rust. Builds it
# beside the Go build cache once (some minutes); says so and succeeds where that
# cannot be done, unless HANDSLAG_CONFORMANCE_REQUIRED is set.
set -eu
cd "$(dirname "$0")"
cache="${HANDSLAG_CONFORMANCE_CACHE:-$(go env GOCACHE)/../handslag-conformance}/idkollen-0.1.0"

skip() {
	echo "idkollen: SKIPPED: $1" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
	exit 0
}

command -v cargo >/dev/null || skip "cargo is not installed"
mkdir -p "$cache/src"
cmp -s driver/Cargo.toml "$cache/Cargo.toml" || cp driver/Cargo.toml "$cache/Cargo.toml"
cmp -s driver/src/main.rs "$cache/src/main.rs" || cp driver/src/main.rs "$cache/src/main.rs"
(cd "$cache" && CARGO_TARGET_DIR="$cache/target" cargo build --quiet >&2) || skip "idkollen-client 0.1.0 cannot be built"
HANDSLAG_IDKOLLEN_DRIVER="$(cd "$cache/target/debug" && pwd)/idkollen-driver" go test -count=1 -v ./...
