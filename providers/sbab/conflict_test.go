package sbab_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/sbab"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/sbab"
)

const header = "X-End-User-Ip"

// table is a world in which SBAB knows people's addresses, and what it does with
// each start of one person.
type table struct {
	*world
	c *sbab.Client
}

func newTable(t *testing.T) *table {
	w := newWorld(t)
	w.settings(map[string]any{"endUserIpHeader": header})
	return &table{w, w.client(func(c *sbab.Config) { c.EndUserIPHeader = header })}
}

func (w *table) start(channel signing.Channel, address string) (providers.Order, error) {
	r := w.request(w.people[0], channel)
	r.EndUser.IP = netip.MustParseAddr(address)
	return w.c.Start(w.t.Context(), r)
}

func (w *table) taken(channel signing.Channel, address string) providers.Order {
	w.t.Helper()
	o, err := w.start(channel, address)
	require.NoError(w.t, err)
	return o
}

// refused insists on a conflict, and on what the person is told: when to try
// again, and BankID's message.
func (w *table) refused(err error, again time.Duration) {
	w.t.Helper()
	f, ok := fault.As(err)
	require.True(w.t, ok, "%v", err)
	require.Equal(w.t, fault.Conflict, f.Kind, "%v", err)
	require.InDelta(w.t, again.Seconds(), f.RetryAfter.Seconds(), 2)
	require.Contains(w.t, f.Message, f.RetryAfter.String())
	require.Equal(w.t, "RFA4_SIGNING_IN_PROGRESS", f.ProviderCode)
	require.Equal(w.t, providers.MessageInProgress, providers.ErrorMessage(f.ProviderCode))
}

const (
	qr, phone  = signing.ChannelQR, signing.ChannelPhone
	home, away = "192.0.2.1", "198.51.100.1"
)

// Each row of SBAB's table: what was started, what is refused, and that a start
// is taken again when it was said to be.
func TestConflicts(t *testing.T) {
	for name, row := range map[string]struct {
		first, second signing.Channel
		address       string // of the second
		blocked       time.Duration
	}{
		"two from one address":   {qr, qr, home, time.Second},
		"two from two addresses": {qr, qr, away, 3 * time.Minute},
		"two calls":              {phone, phone, home, time.Minute},
		"a call after a start":   {qr, phone, home, time.Minute},
		"a start after a call":   {phone, qr, home, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTable(t)
			o := w.taken(row.first, home)
			_, err := w.start(row.second, row.address)
			w.refused(err, row.blocked)
			require.Equal(t, signing.OutcomeFailed, w.finished(w.c, o).Outcome, "the refusal ended the first")
			w.clock.Advance(row.blocked + time.Second)
			w.taken(row.second, row.address)
		})
	}
}

// While SBAB blocks a person, each try is told the same moment, and cancel does
// not help.
func TestBlocked(t *testing.T) {
	w := newTable(t)
	o := w.taken(qr, home)
	_, err := w.start(qr, away)
	w.refused(err, 3*time.Minute)
	w.clock.Advance(time.Minute)
	_, err = w.start(qr, home)
	w.refused(err, 2*time.Minute)
	w.refused(w.c.Cancel(t.Context(), o.Ref), 2*time.Minute)
	w.clock.Advance(2 * time.Minute)
	w.taken(qr, home)
}

// Calls stay refused until the minute is over.
func TestCallsAreRefusedForAMinute(t *testing.T) {
	w := newTable(t)
	w.taken(phone, home)
	for _, left := range []time.Duration{time.Minute, 40 * time.Second, 20 * time.Second} {
		_, err := w.start(phone, home)
		w.refused(err, left)
		w.clock.Advance(20 * time.Second)
	}
	w.taken(phone, home)
}

func TestCancelThenStart(t *testing.T) {
	w := newTable(t)
	for _, c := range []signing.Channel{qr, phone, qr} {
		require.NoError(t, w.c.Cancel(t.Context(), w.taken(c, home).Ref))
	}
}

// A signing that has ended is in nobody's way.
func TestStartAfterTheEnd(t *testing.T) {
	w := newTable(t)
	o := w.taken(qr, home)
	w.clock.Advance(4 * time.Minute)
	require.Equal(t, signing.OutcomeFailed, w.finished(w.c, o).Outcome)
	w.taken(qr, away)
}

// What another bank is doing with the person is not known, nor for how long.
func TestAnotherBank(t *testing.T) {
	w := newTable(t)
	other := w.busyElsewhere()
	_, err := w.start(qr, home)
	w.refused(err, 3*time.Minute)
	_, err = w.app.Sign(t.Context(), w.people[0].Reveal(), other)
	require.NoError(t, err)
	w.taken(qr, home)
}

// A start whose answer was lost counts as one: the next from the same address is
// refused, and the one after is taken.
func TestLostStart(t *testing.T) {
	w := newTable(t)
	w.fault(faults.Fault{Kind: faults.CutAfter, Endpoint: "start"})
	_, err := w.start(qr, home)
	require.Equal(t, fault.Uncertain, fault.KindOf(err), "%v", err)
	_, err = w.start(qr, home)
	w.refused(err, time.Second)
	w.taken(qr, home)
}

// Another process of ours made the first start, so that this one knows nothing
// of it: the longest wait is told.
func TestStartOfAnotherProcess(t *testing.T) {
	w := newTable(t)
	w.taken(qr, home)
	w.c = w.client(func(c *sbab.Config) { c.EndUserIPHeader = header })
	_, err := w.start(qr, home)
	w.refused(err, 3*time.Minute)
	_, err = w.start(qr, home)
	require.NoError(t, err, "SBAB takes the third, and we do not stand in the way")
}

// Without the header all starts come from our own address, for SBAB and for us.
func TestWithoutTheHeader(t *testing.T) {
	w := newTable(t)
	w.c = w.client(nil)
	w.taken(qr, home)
	_, err := w.start(qr, away)
	w.refused(err, time.Second)
	w.taken(qr, away)
}

// Whatever came before: who is told to wait, and waits, is not refused again.
func TestWaitingHelps(t *testing.T) {
	w := newTable(t)
	rapid.Check(t, func(r *rapid.T) {
		w.clock.Advance(20 * time.Minute) // what came before is over and forgotten
		w.ids[w.people[0]] = w.enrol(simulated.Participant{PersonalNumber: w.people[0].Reveal()})
		ref := providers.OrderRef(w.ids[w.people[0]])
		start := func() error {
			_, err := w.start(rapid.SampledFrom([]signing.Channel{qr, phone}).Draw(r, "channel"), rapid.SampledFrom([]string{home, away}).Draw(r, "address"))
			return err
		}
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			switch rapid.IntRange(0, 4).Draw(r, "step") {
			case 0:
				_ = w.c.Cancel(t.Context(), ref) // may be refused
			case 1:
				w.clock.Advance(time.Duration(rapid.IntRange(1, 200).Draw(r, "seconds")) * time.Second)
			default:
				_ = start() // may be refused
			}
		}
		err := start()
		if err == nil {
			err = start() // now one is in the way
		}
		f, ok := fault.As(err)
		if !ok || f.Kind != fault.Conflict || f.RetryAfter <= 0 {
			r.Fatalf("a second start was not refused as it should be: %v", err)
		}
		w.clock.Advance(f.RetryAfter)
		if err := start(); err != nil {
			r.Fatalf("waiting did not help: %v", err)
		}
	})
}
