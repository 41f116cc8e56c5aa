package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/sbab"
	"github.com/handslag/handslag/simulator/signicat"
)

// fails switches a fault of a provider on for the rest of the test.
func (s *stage) fails(provider string, f faults.Fault) {
	s.Helper()
	require.NoError(s, s.app.FaultAt(s.Context(), provider, f))
	s.Cleanup(func() {
		require.NoError(s, s.app.ClearFaults(context.WithoutCancel(s.Context()))) // which has ended by now
	})
}

// passes lets time pass in the simulated world until the end of the test. What is
// signed meanwhile comes from the future, and must be something whose time nobody
// proves.
func (s *stage) passes(d time.Duration) {
	s.Helper()
	require.NoError(s, s.app.Advance(s.Context(), d))
	s.Cleanup(func() { require.NoError(s, s.app.ResetClock(context.WithoutCancel(s.Context()))) })
}

// TestTheNextProviderMakesTheOrder when the first certainly made none.
func TestTheNextProviderMakesTheOrder(t *testing.T) {
	s := onStage(t)
	c := s.given(swede("Anna")).accepting("verified", "attested").made()
	s.fails("bankid", faults.Fault{Kind: faults.Maintenance, Endpoint: "sign"})

	c.when("Anna").signs()

	c.then("Anna").is("signed", "idkollen", "attested")
	require.Equal(t, 1, c.then("Anna").attempts(), "Anna saw nothing of it")
	c.completes()
}

// TestNoOtherProviderIsAskedForWhatItCannotDeliver: only what BankID itself
// signs is accepted, so nobody else is asked.
func TestNoOtherProviderIsAskedForWhatItCannotDeliver(t *testing.T) {
	s := onStage(t)
	c := s.given(swede("Anna")).made()
	s.fails("bankid", faults.Fault{Kind: faults.Maintenance, Endpoint: "sign"})

	f := c.then("Anna").isRefused("bankid_unavailable")

	require.Equal(t, fault.Unavailable, f.Kind)
	require.Empty(t, c.ordersAtIDkollen())
	require.NoError(t, s.app.ClearFaults(t.Context()))
	c.when("Anna").signs()
	c.completes()
}

// TestAnUncertainStartIsNobodyElses: BankID made an order and its answer was lost.
// At another provider, a second order would end it in Anna's hands.
func TestAnUncertainStartIsNobodyElses(t *testing.T) {
	s := onStage(t)
	c := s.given(swede("Anna")).accepting("verified", "attested").made()
	s.fails("bankid", faults.Fault{Kind: faults.CutAfter, Endpoint: "sign", Count: 1})

	c.then("Anna").isRefused("bankid_uncertain")

	c.then("Anna").failed("failed", "start_failed")
	require.Empty(t, c.ordersAtIDkollen())
	c.when("Anna").signs()
	c.then("Anna").is("signed", "bankid", "verified")
	c.completes()
}

// ordersAtIDkollen are those of the scene's attempts.
func (c *scene) ordersAtIDkollen() []idkollen.OrderView {
	c.Helper()
	answer, err := http.Get(shared.World.Person + "/v1/idkollen/orders")
	require.NoError(c, err)
	defer func() { _ = answer.Body.Close() }()
	var all, ours []idkollen.OrderView
	require.NoError(c, json.NewDecoder(answer.Body).Decode(&all))
	for _, o := range all {
		for _, p := range c.now().Participants {
			for _, a := range p.Attempts {
				if a.ID == o.RefID {
					ours = append(ours, o)
				}
			}
		}
	}
	return ours
}

// TestASessionWhoseAnswerWasLostIsFound, by our own reference to it, and not made
// a second time.
func TestASessionWhoseAnswerWasLostIsFound(t *testing.T) {
	s := onStage(t)
	c := s.given(norwegian("Kari")).of(2)
	s.fails("signicat", faults.Fault{Kind: faults.CutAfter, Endpoint: signicat.EndpointCreate, Count: 1})

	c.when("Kari").signs()

	require.Equal(t, 1, c.then("Kari").attempts())
	require.Len(t, c.sessions(), 1, "one session, of which the first answer never came")
	c.completes()
}

// sessions are those that Signicat has for the scene's attempts.
func (c *scene) sessions() (ours []signicat.SessionView) {
	c.Helper()
	all, err := c.app.Sessions(c.Context())
	require.NoError(c, err)
	for _, one := range all {
		for _, p := range c.now().Participants {
			for _, a := range p.Attempts {
				if a.ID == one.ExternalReference {
					ours = append(ours, one)
				}
			}
		}
	}
	return ours
}

// TestSBABIsBusyWithThePerson: somebody at SBAB has called Anna, and so do we.
// SBAB then blocks her for a minute, which we tell, and do not try in vain.
func TestSBABIsBusyWithThePerson(t *testing.T) {
	s := onStage(t)
	c := s.given(swede("Anna").inProcess(), swede("Bo")).accepting("verified", "attested-process").made()
	s.callAtSBAB(c.when("Anna").swede.PersonalNumber)

	wait := c.then("Anna").isRefusedInACall("sbab_in_progress").RetryAfter

	require.Equal(t, time.Minute, wait.Round(time.Second))
	c.then("Anna").isRefusedInACall("sbab_in_progress")
	s.passes(wait)
	c.when("Anna").signs()
	c.then("Anna").is("process_completed")
	require.NoError(t, s.app.ResetClock(t.Context())) // what Bo signs has a time that is proven
	c.when("Bo").signs()
	c.completes()
}

// callAtSBAB has SBAB call a person about another application of theirs.
func (s *stage) callAtSBAB(number string) {
	s.Helper()
	other, err := s.app.Enrol(s.Context(), sbab.Participant{PersonalNumber: number})
	require.NoError(s, err)
	world := shared.World
	client := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: world.Certificates.ServerRoots()}}}
	ask := func(address, kind string, body []byte, authorise func(*http.Request)) map[string]any {
		r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, address, bytes.NewReader(body))
		require.NoError(s, err)
		r.Header.Set("Content-Type", kind)
		authorise(r)
		answer, err := client.Do(r)
		require.NoError(s, err)
		defer func() { _ = answer.Body.Close() }()
		var out map[string]any
		require.NoError(s, json.NewDecoder(answer.Body).Decode(&out))
		require.Equal(s, http.StatusOK, answer.StatusCode, out)
		return out
	}
	token := ask(world.SBABTokens, "application/x-www-form-urlencoded", []byte(url.Values{"grant_type": {"client_credentials"}}.Encode()),
		func(r *http.Request) { r.SetBasicAuth(sbab.ClientID, world.Credentials.SBABSecret) })["access_token"].(string)
	body, err := json.Marshal(map[string]string{"participant_id": other.ID})
	require.NoError(s, err)
	ask(world.SBAB+"/start/phone", "application/json", body, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
}

// TestReturnPagesProveNothing: to arrive on one is no signature, and to arrive on
// another no refusal.
func TestReturnPagesProveNothing(t *testing.T) {
	t.Parallel()
	c := onStage(t).given(norwegian("Kari")).made()
	c.when("Kari").starts()
	page := c.when("Kari").page()

	left, err := c.app.CancelAt(t.Context(), page)
	require.NoError(t, err)
	require.NotEmpty(t, left.Redirect)
	for _, address := range []string{left.Redirect, strings.Replace(left.Redirect, "cancel", "success", 1), strings.Replace(left.Redirect, "cancel", "error", 1)} {
		require.Equal(t, http.StatusOK, c.visits(address), address)
		c.then("Kari").is("signing")
	}

	c.when("Kari").signsOn(page).isDone("signed")
	c.completes()
}

// visits has a person's browser come to an address.
func (s *stage) visits(address string) int {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, address, nil)
	require.NoError(s, err)
	answer, err := s.owner.HTTP.Do(r)
	require.NoError(s, err)
	require.NoError(s, answer.Body.Close())
	return answer.StatusCode
}
