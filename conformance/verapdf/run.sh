#!/bin/sh
# Has veraPDF judge that PDF/A-3 documents (levels b, u and a, in each form of
# cross-reference) still are what they claim once the evidence and the seal are
# in them, and that the evidence page is PDF/A-3a when it stands for itself. Maven
# gets veraPDF from Maven Central once; where that cannot be done this says so and
# succeeds, unless HANDSLAG_CONFORMANCE_REQUIRED is set.
set -eu
cd "$(dirname "$0")/../.."
here=conformance/verapdf

skip() {
	echo "veraPDF: SKIPPED: $1" >&2
	[ -z "${HANDSLAG_CONFORMANCE_REQUIRED:-}" ] || exit 1
	exit 0
}

command -v java >/dev/null || skip "java is not installed"
command -v mvn >/dev/null || skip "mvn (Maven) is not installed"
if [ ! -e "$here/target/complete" ] || [ "$here/pom.xml" -nt "$here/target/complete" ] || [ "$here/src/main/java/Judge.java" -nt "$here/target/complete" ]; then
	log=$(mktemp)
	if ! mvn --batch-mode --quiet --file "$here/pom.xml" compile dependency:build-classpath -Dmdep.outputFile=target/classpath >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		rm -f "$log"
		skip "Maven cannot build the judge (it needs the network once)"
	fi
	rm -f "$log"
	touch "$here/target/complete"
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
HANDSLAG_KEEP_ARCHIVAL="$out" go test -count=1 -run '^TestArchivalDocuments$' ./pdf/pdfcpuchild

java -cp "$here/target/classes:$(cat "$here/target/classpath")" Judge "$out"
