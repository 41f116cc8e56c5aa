package main

import (
	"fmt"
	"strings"
)

// inability is what a judge is known not to be able to judge. One that nothing
// needs any more fails the run, so that the list stays true.
type inability struct {
	judge string
	when  func(s *sample, key string, v verdict) bool
	why   string
}

var inabilities = []inability{
	{
		"pyhanko", func(s *sample, _ string, _ verdict) bool { return s.form == "hybrid" },
		"it refuses to validate signatures in files with hybrid cross-references",
	},
	{
		"pdfsig", func(_ *sample, _ string, v verdict) bool { return v.Kind == "timestamp" },
		"it does not verify document timestamps",
	},
	{
		"pdfsig", func(_ *sample, key string, _ verdict) bool { return key == "ed25519" },
		"its NSS does not know Ed25519",
	},
	{
		"eudss", func(_ *sample, key string, v verdict) bool {
			return key == "ed25519" && strings.HasPrefix(v.Sub, "CRYPTO_CONSTRAINTS_FAILURE")
		},
		"its default policy authorises no EdDSA (all else of the signature is judged, and found good)",
	},
}

// unable says why the judge cannot judge this, "" when it can.
func unable(judge string, s *sample, key string, v verdict) string {
	for _, i := range inabilities {
		if i.judge == judge && i.when(s, key, v) {
			return i.why
		}
	}
	return ""
}

// stale lists what is excused in a judge that needs no excuse.
func stale(tallies map[string]*tally) []error {
	var all []error
	for _, i := range inabilities {
		if t := tallies[i.judge]; t != nil && t.excused[i.why] == 0 {
			all = append(all, fmt.Errorf("%s is excused although it needs no excuse: %s", i.judge, i.why))
		}
	}
	return all
}
