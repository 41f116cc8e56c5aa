package e2e_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/qrona"
	"github.com/handslag/handslag/simulator/signicat"
)

// TestNoProvidersSecretsAreTold runs every provider, rightly and wrongly, with
// people, credentials and tokens that cannot be anywhere by chance, and then looks
// for them everywhere. What a provider answers is in evidence, encrypted.
func TestNoProvidersSecretsAreTold(t *testing.T) {
	s := onStage(t)
	hidden := secrets{}
	for what, secret := range shared.World.Credentials.All() {
		hidden.add(what, secret)
	}
	key, err := os.ReadFile(filepath.Join(worlds, "rp.key"))
	require.NoError(t, err)
	hidden.add("BankID's key", strings.Split(string(key), "\n")[2])

	c := s.given(
		swede("Xerxeslina").at("bankid"), swede("Ypsilonia").at("idkollen"), swede("Zakarinda").at("qrona").identifying(),
		swede("Qvintilla").inProcess(), norwegian("Wenchefrid"),
	).accepting(everything...).made()
	for _, p := range c.cast {
		hidden.add("the name "+p.name, p.name)
		if p.method == "nbid-pki" {
			hidden.add("a Norwegian's number", p.norwegian.NIN)
		} else {
			hidden.add("a Swede's number", p.swede.PersonalNumber)
		}
	}

	// Each provider fails in its own way, with what a log might be tempted to tell.
	for _, row := range []struct {
		who, provider string
		fault         faults.Fault
	}{
		{"Xerxeslina", "bankid", faults.Fault{Kind: faults.CutAfter, Endpoint: "sign", Count: 1}},
		{"Ypsilonia", "idkollen", faults.Fault{Kind: idkollen.UnknownError, Count: 1}},
		{"Zakarinda", "qrona", faults.Fault{Kind: faults.CutAfter, Endpoint: "auth", Count: 1}},
		{"Qvintilla", "sbab", faults.Fault{Kind: faults.CutAfter, Endpoint: "start", Count: 1}},
	} {
		s.fails(row.provider, row.fault)
		_, err := s.owner.Start(t.Context(), c.ID, c.when(row.who).Participants[c.when(row.who).i].ID, "qr")
		require.Error(t, err, row.who)
		require.NoError(t, s.app.ClearFaults(t.Context()))
	}
	s.fails("idkollen", faults.Fault{Kind: idkollen.CallbackTampered, Count: 1})
	s.fails("qrona", faults.Fault{Kind: qrona.OtherPerson, Count: 1})
	s.fails("signicat", faults.Fault{Kind: signicat.WebhookForged, Count: 1})

	c.when("Xerxeslina").starts()
	hidden.tokens(t)
	c.when("Xerxeslina").does().isDone("signed")
	c.when("Ypsilonia").starts()
	hidden.tokens(t)
	c.when("Ypsilonia").does().isDone("signed")
	c.when("Zakarinda").starts().does().isDone("failed") // as another person
	c.when("Zakarinda").signs()
	c.when("Zakarinda").consents()
	c.when("Qvintilla").isRefused("sbab_in_progress") // the order whose answer was lost, which this ends
	c.when("Qvintilla").signs()
	c.when("Wenchefrid").starts()
	page, err := url.Parse(c.when("Wenchefrid").page())
	require.NoError(t, err)
	hidden.add("the page to sign on", page.Query().Get("sessionId"))
	c.when("Wenchefrid").does().isDone("signed")
	c.completes()

	s.areNowhere(hidden, c.ID)
}

// tokens hides those of all live orders at BankID, and their QR secrets.
func (s secrets) tokens(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(state, "world.json"))
	require.NoError(t, err)
	var world struct {
		Orders map[string]struct {
			AutoStartToken, QRStartToken, QRStartSecret string
			End                                         *struct{} `json:"end"`
		} `json:"orders"`
	}
	require.NoError(t, json.Unmarshal(b, &world))
	found := 0
	for _, o := range world.Orders {
		if o.End != nil {
			continue
		}
		for what, token := range map[string]string{"an autostart token": o.AutoStartToken, "a QR token": o.QRStartToken, "a QR secret": o.QRStartSecret} {
			if token != "" {
				found++
				s.add(what+" "+token[:4], token)
			}
		}
	}
	require.Positive(t, found)
}
