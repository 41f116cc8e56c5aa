package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestThreeNorwegiansInAChain sign two documents one after the other: what each
// is sent is what the one before made of it.
func TestThreeNorwegiansInAChain(t *testing.T) {
	t.Parallel()
	c := onStage(t).given(
		norwegian("Kari").inStep(1), norwegian("Ola").inStep(2), norwegian("Siv").inStep(3),
	).of(2)

	c.revision(0)
	c.when("Kari").signs()
	c.revision(1)
	c.when("Ola").signs()
	c.revision(2)
	c.when("Siv").signs()
	c.revision(3)

	c.completes()
}

func TestTwoSwedesAndTwoNorwegians(t *testing.T) {
	t.Run("in one step", func(t *testing.T) {
		t.Parallel()
		c := onStage(t).given(swede("Anna"), norwegian("Kari"), swede("Bo"), norwegian("Ola")).of(2)

		c.when("Kari").signs()
		c.when("Anna").signs()
		c.when("Ola").signs()
		c.when("Bo").signs()

		c.completes()
	})
	t.Run("in two steps", func(t *testing.T) {
		t.Parallel()
		c := onStage(t).given(
			swede("Anna").inStep(1), norwegian("Kari").inStep(1), swede("Bo").inStep(2), norwegian("Ola").inStep(2),
		).of(1)

		c.then("Bo").isRefused("not_your_turn")
		c.when("Anna").signs()
		c.when("Kari").signs()
		c.when("Ola").signs()
		c.when("Bo").signs()

		c.completes()
	})
	t.Run("at the same time", func(t *testing.T) {
		t.Parallel()
		c := onStage(t).given(swede("Anna"), norwegian("Kari")).made()

		c.when("Kari").starts()
		c.when("Anna").starts()
		// What Kari makes comes while Anna reads what she was shown: that is what she signs.
		c.when("Kari").does().isDone("signed")
		c.when("Anna").does().isDone("signed")

		c.completes()
	})
}

// TestAnAbsentNorwegianDoesNotBlockTheOther: Kari goes to the page and away from
// her desk. Ola is told when to come back, and by then the documents are free.
//
// What ends her turn is our own clock and the life of an order at the account,
// which is a minute here and 15 minutes unless an operator says otherwise: the
// world's clock is left alone.
func TestAnAbsentNorwegianDoesNotBlockTheOther(t *testing.T) {
	t.Parallel()
	c := onStage(t).given(norwegian("Kari"), norwegian("Ola")).made()

	c.when("Kari").starts()
	left := c.when("Kari").page()
	wait := c.then("Ola").isRefused("revision_busy").RetryAfter
	require.Greater(t, wait, time.Second)
	require.LessOrEqual(t, wait, orderLife)

	c.then("Kari").isDone("cancelled")
	c.when("Ola").signs()

	c.when("Kari").cannotSignOn(left)
	c.when("Kari").signs()
	c.completes()
}
