package providertest

import (
	"net/http"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// Somebody who asks sooner than the provider allows is told when, and has lost
// nothing by it.
func (s *suite) tooEarly() {
	o := s.start(s.People[0], signing.ChannelQR)
	for range 3 {
		_, err := s.Provider.Collect(s.t.Context(), o.Ref)
		if err == nil {
			continue
		}
		s.kind(err, fault.Unavailable)
		f, _ := fault.As(err)
		require.Positive(s.t, f.RetryAfter, "it is not said when to ask again")
		require.LessOrEqual(s.t, f.RetryAfter, s.Provider.Capabilities().CollectEvery, "the pace is faster than allowed")
	}
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
	s.signedBy(s.result(o))
}

// Who was identified is known, and has signed nothing, whatever they were
// identified for.
func (s *suite) identifies() {
	methods := s.Provider.Capabilities().Methods
	if !slices.Contains(methods, signing.MethodBankIDSEIdentify) {
		s.t.Skip("the provider identifies nobody")
	}
	channels := []signing.Channel{signing.ChannelQR, signing.ChannelSameDevice}
	if c := s.Provider.Capabilities(); c.Phone && !c.PhoneBlocks {
		channels = append(channels, signing.ChannelPhone)
	}
	for _, c := range channels {
		for _, bound := range []bool{true, false} {
			r := s.Request(s.People[0], c)
			r.Method, r.VisibleText = signing.MethodBankIDSEIdentify, "Legitimera dig."
			if !bound {
				r.Manifest = nil
			}
			s.identified(r, c)
		}
	}
	if !slices.Contains(methods, signing.MethodBankIDSE) {
		return
	}
	// Nor is a signature taken for an identification.
	a, o := s.signed()
	x := s.expectation(o)
	x.Method = signing.MethodBankIDSEIdentify
	got, err := s.Provider.Interpret(a.Raw, x)
	s.must(err)
	s.failed(got, signing.ReasonVerificationFailed)
}

// identified runs one identification, and holds its answer against every method.
func (s *suite) identified(r providers.StartRequest, c signing.Channel) {
	s.t.Helper()
	started, err := s.Provider.Start(s.t.Context(), r)
	s.must(err)
	o := order{started, r, c}
	s.must(s.Sign(s.t.Context(), s.People[0], c, started))
	s.Advance(s.Provider.Capabilities().CollectEvery)
	a := s.collect(o)
	require.True(s.t, a.Terminal)
	got, err := s.Provider.Interpret(a.Raw, s.expectation(o))
	s.must(err)
	require.Equal(s.t, signing.OutcomeSigned, got.Outcome, got.ProviderCode)
	require.Equal(s.t, signing.AssuranceIdentified, got.Assurance)
	require.NotEmpty(s.t, got.SignerName)
	require.NotContains(s.t, got.Proofs, providers.ProofXML, "an identification is kept as a signature")
	for _, other := range s.Provider.Capabilities().Methods {
		if other == r.Method {
			continue
		}
		x := s.expectation(o)
		x.Method = other
		got, err := s.Provider.Interpret(a.Raw, x)
		s.must(err)
		s.failed(got, signing.ReasonVerificationFailed)
	}
}

// A push names the order, is told from a forged one, and changes nothing.
func (s *suite) pushes() {
	if !s.Provider.Capabilities().Pushes {
		s.t.Skip("the provider does not call us")
	}
	reader, ok := s.Provider.(providers.PushReader)
	require.True(s.t, ok, "nobody can read what the provider pushes")
	o := s.start(s.People[0], signing.ChannelQR)
	s.Advance(time.Second)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
	header, body, err := s.Push(s.t.Context(), o.Order)
	s.must(err)

	first, err := reader.ReadPush(header, body)
	s.must(err)
	s.safe(first)
	require.Contains(s.t, first.Orders, o.Ref)
	require.True(s.t, first.Authentic)
	require.NotEmpty(s.t, first.Key)
	again, err := reader.ReadPush(header, body)
	s.must(err)
	require.Equal(s.t, first, again)

	for name, forged := range map[string]struct {
		header http.Header
		body   []byte
	}{
		"changed":  {header, append([]byte(" "), body...)},
		"unsigned": {http.Header{"Content-Type": header["Content-Type"]}, body},
		"nothing":  {http.Header{}, nil},
	} {
		p, err := reader.ReadPush(forged.header, forged.body)
		if err != nil {
			s.kind(err, fault.Forbidden, fault.Invalid)
			continue
		}
		require.False(s.t, p.Authentic, name)
	}
	s.signedBy(s.result(o))
}
