package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each value of each factor meets each value of every other, in few files.
func TestPairwiseMeetsEveryPair(t *testing.T) {
	met := map[pair]bool{}
	picked := pairwise()
	for _, c := range picked {
		for _, p := range c.pairs() {
			met[p] = true
		}
	}
	for _, c := range product() {
		for _, p := range c.pairs() {
			require.Contains(t, met, p)
		}
	}
	require.LessOrEqual(t, len(picked), 60)
}
