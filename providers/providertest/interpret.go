package providertest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// signed returns an answer that holds a signature.
func (s *suite) signed() (providers.Answer, order) {
	s.t.Helper()
	o := s.start(s.People[0], signing.ChannelQR)
	s.must(s.Sign(s.t.Context(), s.People[0], signing.ChannelQR, o.Order))
	return s.collect(o), o
}

func (s *suite) deterministic() {
	a, o := s.signed()
	x := s.expectation(o)
	kept := append([]byte(nil), a.Raw...)
	first, err := s.Provider.Interpret(a.Raw, x)
	s.must(err)
	s.Advance(24 * time.Hour)
	second, err := s.Provider.Interpret(a.Raw, x)
	s.must(err)
	require.Equal(s.t, first, second)
	require.Equal(s.t, kept, a.Raw, "interpreting changed the answer")
}

func (s *suite) otherExpectation() {
	if c := s.Provider.Capabilities(); !c.BindsText || !c.BindsDigest {
		s.t.Skip("the provider signs no text of ours")
	}
	a, o := s.signed()
	for name, change := range map[string]func(*providers.Expectation){
		"another text":     func(x *providers.Expectation) { x.VisibleText += "!" },
		"another manifest": func(x *providers.Expectation) { x.Manifest = append(append([]byte{}, x.Manifest...), '!') },
		"no manifest":      func(x *providers.Expectation) { x.Manifest = nil },
		"another order":    func(x *providers.Expectation) { x.Order = "another" },
		"another person":   func(x *providers.Expectation) { x.Signer = s.People[1] },
		"another day": func(x *providers.Expectation) {
			x.StartedAt = x.StartedAt.Add(24 * time.Hour)
			x.CollectedAt = x.StartedAt
		},
	} {
		x := s.expectation(o)
		change(&x)
		r, err := s.Provider.Interpret(a.Raw, x)
		s.must(err)
		want := signing.ReasonVerificationFailed
		if name == "another person" {
			want = signing.ReasonWrongSigner
		}
		s.failed(r, want)
	}
}

func (s *suite) noAnswer() {
	x := s.expectation(s.start(s.People[0], signing.ChannelQR))
	for _, raw := range []string{"", "{", "null", "[]", `"complete"`, "<html>", `{"status":"complete"}`, strings.Repeat("[", 10000)} {
		r, err := s.Provider.Interpret([]byte(raw), x)
		if err == nil {
			require.Equal(s.t, signing.OutcomeFailed, r.Outcome, raw)
			require.NotEmpty(s.t, r.Reason, raw)
		}
	}
}

func (s *suite) forgeries() {
	for name, forgery := range s.Forge {
		s.t.Run(name, func(t *testing.T) {
			sub := &suite{s.Subject, t}
			forgery.Set()
			o := sub.start(s.People[0], signing.ChannelQR)
			sub.must(s.Sign(t.Context(), s.People[0], signing.ChannelQR, o.Order))
			r := sub.result(o)
			sub.failed(r, forgery.Reason)
			require.Equal(t, forgery.ProviderCode, r.ProviderCode)
		})
	}
}
