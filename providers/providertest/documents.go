package providertest

import (
	"bytes"
	"io"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// A redirect is the way of some; it has no QR code and no app to start.
func (s *suite) redirects() {
	if !s.Provider.Capabilities().Redirect {
		s.t.Skip("the provider sends the person nowhere")
	}
	before := s.Clock()
	o := s.start(s.People[0], signing.ChannelSameDevice)
	require.NotEmpty(s.t, o.Ref)
	require.False(s.t, o.StartedAt.Before(before))
	require.NotEmpty(s.t, o.RedirectURL)
	a := s.collect(o)
	require.False(s.t, a.Terminal)
	require.NotEmpty(s.t, a.Hint)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelSameDevice, o.Order))
	s.signedBy(s.result(o))
}

// returned insists on a result that says what to fetch, and on nothing that only
// the files can prove.
func (s *suite) returned(r providers.Result) {
	s.t.Helper()
	require.NotZero(s.t, len(r.Revisions)+len(r.Unplaced), "there is nothing to fetch")
	require.Empty(s.t, r.Assurance, "nobody has seen the documents")
	require.Empty(s.t, r.SignerName)
	require.Zero(s.t, r.SignedAt)
}

// What comes back of each document begins with what was sent.
func (s *suite) returnsDocuments() {
	if !s.Provider.Capabilities().ReturnsPDF {
		s.t.Skip("the provider signs no documents")
	}
	fetcher, ok := s.Provider.(providers.RevisionReturner)
	require.True(s.t, ok, "nobody can fetch what the provider signs")
	o := s.start(s.People[0], signing.ChannelSameDevice)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelSameDevice, o.Order))
	r := s.result(o)
	s.signedBy(r)
	require.Len(s.t, o.request.Documents, len(r.Revisions)+len(r.Unplaced))
	fetch := func(id string) []byte {
		in, err := fetcher.Revision(s.t.Context(), o.Ref, id)
		s.must(err)
		defer in.Close()
		b, err := io.ReadAll(in)
		s.must(err)
		return b
	}
	var unplaced [][]byte
	for _, id := range r.Unplaced {
		unplaced = append(unplaced, fetch(id))
	}
	for _, d := range o.request.Documents {
		in, err := d.Open(s.t.Context())
		s.must(err)
		sent, err := io.ReadAll(in)
		s.must(err)
		candidates := unplaced
		if id, placed := r.Revisions[d.ID]; placed {
			candidates = [][]byte{fetch(id)}
		}
		matches := 0
		for _, got := range candidates {
			if len(got) > len(sent) && bytes.HasPrefix(got, sent) {
				matches++
			}
		}
		require.Equal(s.t, 1, matches, "results that continue document %s", d.ID)
	}
	_, err := fetcher.Revision(s.t.Context(), o.Ref, "00000000-0000-4000-8000-000000000000")
	s.kind(err, fault.NotFound)
}

// A document that is not what its digest says is never signed.
func (s *suite) otherDocument() {
	if !s.Provider.Capabilities().ReturnsPDF {
		s.t.Skip("the provider signs no documents")
	}
	r := s.Request(s.People[0], signing.ChannelSameDevice)
	r.Documents = append([]providers.Document{}, r.Documents...)
	r.Documents[0].Digest[0] ^= 1
	_, err := s.Provider.Start(s.t.Context(), r)
	s.kind(err, fault.Invalid)
	r.Documents = nil
	_, err = s.Provider.Start(s.t.Context(), r)
	s.kind(err, fault.Invalid)
}

func (s *suite) reconciler() providers.Reconciler {
	reconciler, ok := s.Provider.(providers.Reconciler)
	if !ok {
		s.t.Skip("the provider cannot be asked what became of a start")
	}
	return reconciler
}

// settled asks until it is known what became of a start.
func (s *suite) settled(v providers.Reconciler, r providers.StartRequest, at time.Time) (providers.Order, error) {
	for tries := 0; ; tries++ {
		o, err := v.Reconcile(s.t.Context(), r, at)
		f, refused := fault.As(err)
		if !refused || f.Kind != fault.Unavailable || tries == 3 {
			return o, err
		}
		require.Positive(s.t, f.RetryAfter, "it is not said when to ask again")
		s.Advance(f.RetryAfter)
	}
}

// An order whose start was not answered is found, and is the only one.
func (s *suite) startFound() {
	v := s.reconciler()
	s.start(s.People[1], signing.ChannelSameDevice) // somebody else's
	r := s.Request(s.People[0], signing.ChannelSameDevice)
	at := s.Clock()
	s.LoseStart()
	_, err := s.Provider.Start(s.t.Context(), r)
	s.kind(err, fault.Uncertain)
	started, err := s.settled(v, r, at)
	s.safe(started, err)
	s.must(err)
	again, err := s.settled(v, r, at)
	s.must(err)
	require.Equal(s.t, started, again)
	o := order{started, r, signing.ChannelSameDevice}
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelSameDevice, started))
	s.signedBy(s.result(o))
}

// A start that never arrived is known not to have, but not at once: it may be
// under way.
func (s *suite) startNotMade() {
	v := s.reconciler()
	if s.DropStart == nil {
		s.t.Skip("no start can be cut off before it is done")
	}
	r := s.Request(s.People[0], signing.ChannelSameDevice)
	at := s.Clock()
	s.DropStart()
	_, err := s.Provider.Start(s.t.Context(), r)
	s.kind(err, fault.Uncertain)
	_, err = v.Reconcile(s.t.Context(), r, at)
	s.kind(err, fault.Unavailable)
	_, err = s.settled(v, r, at)
	s.kind(err, fault.NotFound)
	started, err := s.Provider.Start(s.t.Context(), r)
	s.must(err)
	require.NotEmpty(s.t, started.Ref)
}

// Two orders of one attempt are nobody's to choose from.
func (s *suite) startedTwice() {
	v := s.reconciler()
	r := s.Request(s.People[0], signing.ChannelSameDevice)
	at := s.Clock()
	for range 2 {
		_, err := s.Provider.Start(s.t.Context(), r)
		s.must(err)
	}
	_, err := s.settled(v, r, at)
	s.kind(err, fault.Conflict)
}

// An answer that was not given is none that says there is no order.
func (s *suite) reconcileDown() {
	v := s.reconciler()
	o := s.start(s.People[0], signing.ChannelSameDevice)
	s.Down()
	_, err := v.Reconcile(s.t.Context(), o.request, o.StartedAt)
	s.kind(err, fault.Unavailable, fault.Uncertain)
}
