package fault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
)

var errFull = fault.New(fault.Conflict, "full", "There is no room for %d.", 3)

func TestFaultThroughWrapping(t *testing.T) {
	cause := errors.New("disk")
	err := fmt.Errorf("put: %w", errFull.Because(cause).After(time.Second).From("s3", "507"))
	require.ErrorIs(t, err, errFull, "by its code")
	require.ErrorIs(t, err, cause)
	require.Equal(t, fault.Conflict, fault.KindOf(err))
	require.Equal(t, "full", fault.CodeOf(err))
	f, ok := fault.As(err)
	require.True(t, ok)
	require.Equal(t, "There is no room for 3.", f.Message)
	require.Equal(t, time.Second, f.RetryAfter)
	require.Equal(t, "s3", f.Provider)
	require.Equal(t, "put: full: There is no room for 3.: disk", err.Error())
}

func TestOtherErrorsAreInternal(t *testing.T) {
	require.Equal(t, fault.Internal, fault.KindOf(errors.New("x")))
	require.Equal(t, "internal", fault.CodeOf(errors.New("x")))
	require.NotErrorIs(t, errFull, fault.New(fault.Conflict, "empty", "x"))
}

// TestSentinelsStayAsTheyAre: what is added to one is added to a copy.
func TestSentinelsStayAsTheyAre(t *testing.T) {
	first := errFull.In("/a", "x", "A.")
	second := first.In("/b", "x", "B.")
	third := first.In("/c", "x", "C.")
	require.Empty(t, errFull.Fields)
	require.Len(t, first.Fields, 1)
	require.Equal(t, "/b", second.Fields[1].Pointer)
	require.Equal(t, "/c", third.Fields[1].Pointer)
	require.NoError(t, errors.Unwrap(errFull))
}
