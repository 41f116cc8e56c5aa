package main

import (
	"fmt"
	"slices"
	"strings"
)

// The factors of the matrix.
var (
	levels  = []string{"B-B", "B-T", "B-LT", "B-LTA"}
	keys    = []string{"rsa-2048", "rsa-3072", "rsa-pss-3072", "p256", "p384", "p521", "ed25519"}
	forms   = []string{"table", "stream", "hybrid", "linearized"}
	signers = []int{1, 2, 3, 4}
	extras  = []bool{false, true}
)

// combination is one file of the matrix: who signs how often, at which level, and
// what they sign.
type combination struct {
	level    string
	key      string // of the first signer; each later one has the next kind
	form     string // of the upload's cross-reference
	signers  int
	appendix bool // a page and files are appended before the first signature
}

func (c combination) name() string {
	name := fmt.Sprintf("%s-%s-%s-%d", strings.ToLower(c.level), c.key, c.form, c.signers)
	if c.appendix {
		name += "-appendix"
	}
	return name
}

// keyOf is the kind of key of the i-th signer.
func (c combination) keyOf(i int) string {
	return keys[(slices.Index(keys, c.key)+i)%len(keys)]
}

// product is every combination.
func product() []combination {
	var all []combination
	for _, level := range levels {
		for _, key := range keys {
			for _, form := range forms {
				for _, n := range signers {
					for _, x := range extras {
						all = append(all, combination{level, key, form, n, x})
					}
				}
			}
		}
	}
	return all
}

// pair is a value of one factor beside a value of another.
type pair struct {
	i, j int
	a, b any
}

func (c combination) pairs() []pair {
	values := []any{c.level, c.key, c.form, c.signers, c.appendix}
	var out []pair
	for i, a := range values {
		for j, b := range values[:i] {
			out = append(out, pair{i, j, a, b})
		}
	}
	return out
}

// pairwise picks combinations until each value of each factor has met each
// value of every other: greedily, the one that adds most, the first of equals.
func pairwise() []combination {
	all := product()
	missing := map[pair]bool{}
	for _, c := range all {
		for _, p := range c.pairs() {
			missing[p] = true
		}
	}
	var picked []combination
	for len(missing) > 0 {
		best, most := combination{}, 0
		for _, c := range all {
			adds := 0
			for _, p := range c.pairs() {
				if missing[p] {
					adds++
				}
			}
			if adds > most {
				best, most = c, adds
			}
		}
		for _, p := range best.pairs() {
			delete(missing, p)
		}
		picked = append(picked, best)
	}
	return picked
}
