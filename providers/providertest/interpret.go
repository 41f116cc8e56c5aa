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
	a, o := s.signed()
	for name, change := range s.otherwise() {
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

// otherwise returns what an answer must not be taken for, as far as the provider
// says what it is an answer to.
func (s *suite) otherwise() map[string]func(*providers.Expectation) {
	changes := map[string]func(*providers.Expectation){}
	if s.Terse {
		return changes
	}
	changes["another order"] = func(x *providers.Expectation) { x.Order = "another" }
	changes["another person"] = func(x *providers.Expectation) { x.Signer = s.People[1] }
	if c := s.Provider.Capabilities(); c.Assurance != signing.AssuranceVerified || c.ReturnsPDF {
		return changes // the provider says that it was our text, and shows no proof
	}
	changes["another text"] = func(x *providers.Expectation) { x.VisibleText += "!" }
	changes["another manifest"] = func(x *providers.Expectation) { x.Manifest = append(append([]byte{}, x.Manifest...), '!') }
	changes["no manifest"] = func(x *providers.Expectation) { x.Manifest = nil }
	changes["another day"] = func(x *providers.Expectation) {
		x.StartedAt = x.StartedAt.Add(24 * time.Hour)
		x.CollectedAt = x.StartedAt
	}
	return changes
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
