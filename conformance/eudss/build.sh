#!/bin/sh
# Builds the EU DSS judge and prints its class path. Maven fetches what it needs
# (about 50 MB, kept in ~/.m2). Fails with one line when it cannot.
set -eu
cd "$(dirname "$0")"

fail() {
	echo "$1" >&2
	exit 1
}

command -v java >/dev/null || fail "Java is not installed"
command -v javac >/dev/null || fail "a Java compiler is not installed"
command -v mvn >/dev/null || fail "Maven is not installed"
if [ ! -e target/complete ] || [ -n "$(find pom.xml src -newer target/complete)" ]; then
	mkdir -p target
	mvn -B -q compile >target/log 2>&1 || { tail -n 5 target/log >&2; fail "EU DSS cannot be built (conformance/eudss/target/log)"; }
	touch target/complete
fi
echo "$PWD/target/classes:$(cat target/classpath)"
