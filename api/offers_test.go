package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

const ninKari = "01818010083"

// fakeAccounts serves every tenant alike, with what the real adapters can do.
type fakeAccounts struct {
	offers map[signing.Method][]api.Offer
}

func newFakeAccounts() *fakeAccounts {
	swedish := providers.Capabilities{
		Level: signing.LevelAES, BindsText: true, BindsDigest: true, QR: providers.QRCompute, Phone: true,
	}
	bankid, idkollen := swedish, swedish
	bankid.Assurance, idkollen.Assurance = signing.AssuranceVerified, signing.AssuranceAttested
	idkollen.Pushes = true
	relayed := providers.Capabilities{QR: providers.QRRelay, Phone: true}
	qrona, sbab := relayed, relayed
	qrona.Assurance, qrona.PhoneBlocks = signing.AssuranceIdentified, true
	sbab.Assurance = signing.AssuranceAttestedProcess
	return &fakeAccounts{map[signing.Method][]api.Offer{
		signing.MethodBankIDSE:         {{Provider: "bankid", Capabilities: bankid}, {Provider: "idkollen", Capabilities: idkollen}},
		signing.MethodBankIDSEIdentify: {{Provider: "qrona", Capabilities: qrona}, {Provider: "bankid", Capabilities: bankid}},
		signing.MethodBankIDSEProcess:  {{Provider: "sbab", Capabilities: sbab}},
		signing.MethodNBIDPKI: {{Provider: "signicat", Capabilities: providers.Capabilities{
			Assurance: signing.AssuranceVerified, Level: signing.LevelQES, ReturnsPDF: true, Redirect: true, Pushes: true,
		}}},
	}}
}

// Offers implements api.Accounts.
func (f *fakeAccounts) Offers(signing.TenantID) map[signing.Method][]api.Offer { return f.offers }

// lookUp lets IDkollen look up who may sign for an organisation.
func (f *fakeAccounts) lookUp() {
	f.offers[signing.MethodBankIDSE][1].Capabilities.LooksUpSignatories = true
}

// TestCollectionThatNobodyCanServe is refused with the field and the provider.
func TestCollectionThatNobodyCanServe(t *testing.T) {
	type body = map[string]any
	identify := func(b body) body { return with(b, "bankid-se-identify", "participants", 0, "method") }
	norwegian := func(b body) body {
		return with(with(b, "nbid-pki", "participants", 0, "method"), ninKari, "participants", 0, "personalNumber")
	}
	accept := func(b body, level string, all ...any) body {
		policy := body{"accept": all}
		if level != "" {
			policy["level"] = level
		}
		return with(b, policy, "policy")
	}
	for name, row := range map[string]struct {
		change func(*world)
		ask    func(body) body
		field  string
		detail string // of the field
	}{
		"method of nobody": {
			func(w *world) { delete(w.accounts.offers, signing.MethodNBIDPKI) }, norwegian,
			"/participants/0/method unavailable", "No provider that the tenant has an account at serves the method nbid-pki.",
		},
		"provider without an account": {
			nil, func(b body) body { return with(b, "signicat", "participants", 0, "provider") },
			"/participants/0/provider unavailable", "The method bankid-se is served by bankid, idkollen.",
		},
		"assurance of the named provider": {
			nil, func(b body) body { return with(b, "idkollen", "participants", 0, "provider") },
			"/policy/accept unmet", "The policy does not accept what the method bankid-se yields: attested by idkollen.",
		},
		"assurance of every provider": {
			func(w *world) {
				w.accounts.offers[signing.MethodBankIDSE] = w.accounts.offers[signing.MethodBankIDSE][1:]
			},
			func(b body) body { return b },
			"/policy/accept unmet", "The policy does not accept what the method bankid-se yields: attested by idkollen.",
		},
		"identification by default": {
			nil, identify, "/policy/accept unmet", "The policy does not accept what the method bankid-se-identify yields: identified.",
		},
		"level": {
			nil, func(b body) body { return accept(b, "qes", "verified", "attested") },
			"/policy/level unmet", "The policy asks for the level qes, and the method bankid-se yields aes by bankid, aes by idkollen.",
		},
		"level of an identification": {
			nil, func(b body) body { return accept(identify(b), "aes", "identified", "verified") },
			"/policy/level unmet", "The policy asks for the level aes, and the method bankid-se-identify yields none by qrona, none by bankid.",
		},
		"organisation that nobody looks up": {
			nil, func(b body) body { return with(b, "559000-0948", "participants", 0, "organisation") },
			"/participants/0/organisation unavailable", "Who may sign for an organisation is not looked up by bankid.",
		},
		"organisation looked up below the policy": {
			func(w *world) { w.accounts.lookUp() },
			func(b body) body { return with(b, "559000-0948", "participants", 0, "organisation") },
			"/participants/0/organisation unavailable", "Who may sign for an organisation is not looked up by bankid.",
		},
		"document too large to be signed in": {
			func(w *world) { w.accounts.offers[signing.MethodNBIDPKI][0].Capabilities.MaxDocument = 15 }, norwegian,
			"/documents/0/id too_large", "With all signatures in it, the document is larger than what is taken: 15 bytes by signicat.",
		},
		"Swedish number of a Norwegian": {
			nil, func(b body) body { return with(b, "nbid-pki", "participants", 0, "method") },
			"/participants/0/personalNumber format", "Not eleven digits, as a Norwegian number has them.",
		},
		"Norwegian number of a Swede": {
			nil, func(b body) body { return with(b, ninKari, "participants", 0, "personalNumber") },
			"/participants/0/personalNumber format", "Not twelve digits, as a Swedish number has them.",
		},
		"process without its participant": {
			nil, func(b body) body {
				return accept(with(b, "bankid-se-process", "participants", 0, "method"), "", "verified", "attested-process")
			},
			"/participants/0/providerParticipant required",
			"The provider's own process gave the participant an id, of 1 to 100 visible ASCII characters.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if row.change != nil {
				row.change(w)
			}
			a := w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: row.ask(collectionBody(w.upload()))})
			require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode, "%s", a.body)
			require.Equal(t, []string{row.field}, fieldsOf(t, a))
			require.Equal(t, row.detail, a.json(t)["errors"].([]any)[0].(map[string]any)["detail"])
			require.Zero(t, w.temporal.started)
		})
	}
}

// TestWorkflowGetsWhoMeetsThePolicy in the order of the tenant's route.
func TestWorkflowGetsWhoMeetsThePolicy(t *testing.T) {
	w := newWorld(t)
	w.accounts.lookUp()
	body := collectionBody(w.upload())
	people := body["participants"].([]any)
	people = append(people,
		map[string]any{"name": "C", "personalNumber": "197802031232", "method": "bankid-se-identify"},
		map[string]any{"name": "K", "personalNumber": ninKari, "method": "nbid-pki", "locale": "nb"},
		map[string]any{
			"name": "S", "personalNumber": "196408233234", "method": "bankid-se-process", "providerParticipant": "p-1",
		})
	people[1].(map[string]any)["organisation"] = "559000-0948"
	body["participants"] = people
	body["policy"] = map[string]any{"accept": []any{"attested", "verified", "identified", "attested-process"}}
	a := w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: body})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	in := w.temporal.input
	require.Equal(t, map[signing.Method]signing.Route{
		signing.MethodBankIDSE: {"bankid", "idkollen"}, signing.MethodBankIDSEIdentify: {"qrona", "bankid"},
		signing.MethodNBIDPKI: {"signicat"}, signing.MethodBankIDSEProcess: {"sbab"},
	}, in.Routes)
	require.Equal(t, signing.Route{"idkollen"}, in.Route(in.Spec.Participants[1]))
	require.Equal(t, signing.Route{"bankid", "idkollen"}, in.Route(in.Spec.Participants[0]))
	require.Equal(t, "p-1", in.Spec.Participants[4].ProviderParticipant)
	require.True(t, in.Spec.Participants[3].PersonalNumber.Norwegian())

	body = collectionBody(w.upload())
	a = w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: body})
	require.Equal(t, http.StatusCreated, a.StatusCode, "%s", a.body)
	require.Equal(t, map[signing.Method]signing.Route{signing.MethodBankIDSE: {"bankid"}}, w.temporal.input.Routes)
	require.Empty(t, w.temporal.input.Own)
}

// TestRepeatAfterTheAccountsHaveChanged is the collection that was begun, whoever
// serves its method now. One that was not begun is refused.
func TestRepeatAfterTheAccountsHaveChanged(t *testing.T) {
	w := newWorld(t)
	at := time.Now()
	w.now = func() time.Time { return at }
	body := collectionBody(w.upload())
	body["deadline"] = at.Add(time.Hour).Format(time.RFC3339)
	ask := func(key string) answer {
		return w.do(call{method: "POST", path: "/v1/collections", token: keyAcme, body: body, header: map[string]string{"Idempotency-Key": key}})
	}
	first := ask("begun")
	require.Equal(t, http.StatusCreated, first.StatusCode, "%s", first.body)
	w.temporal.failStart = fault.New(fault.Unavailable, "orchestrator_unavailable", "Down.")
	require.Equal(t, http.StatusServiceUnavailable, ask("left").StatusCode)
	w.temporal.failStart = nil

	served := w.accounts.offers
	w.accounts.offers = nil
	again := ask("begun")
	require.Equal(t, http.StatusCreated, again.StatusCode, "%s", again.body)
	require.JSONEq(t, string(first.body), string(again.body))
	require.Equal(t, []string{"/participants/0/method unavailable", "/participants/1/method unavailable"}, fieldsOf(t, ask("left")))
	require.Equal(t, http.StatusUnprocessableEntity, ask("new").StatusCode)

	w.accounts.offers = served
	at = at.Add(2 * time.Hour)
	require.JSONEq(t, string(first.body), string(ask("begun").body), "the deadline has passed")
	require.Equal(t, []string{"/deadline past"}, fieldsOf(t, ask("new")), "which was claimed for nothing")
	require.Equal(t, 1, w.temporal.started)
}

// fickleAccounts serve whoever asks first, and nobody after.
type fickleAccounts struct {
	*fakeAccounts
	asked int
}

func (f *fickleAccounts) Offers(t signing.TenantID) map[signing.Method][]api.Offer {
	if f.asked++; f.asked > 1 {
		return nil
	}
	return f.fakeAccounts.Offers(t)
}

// TestAccountsThatChangeDuringACreation leave no collection that nobody can serve.
func TestAccountsThatChangeDuringACreation(t *testing.T) {
	for _, key := range []string{"", "key"} {
		w := newWorld(t, func(c *api.Config) { c.Accounts = &fickleAccounts{fakeAccounts: newFakeAccounts()} })
		c := call{method: "POST", path: "/v1/collections", token: keyAcme, body: collectionBody(w.upload())}
		if key != "" {
			c.header = map[string]string{"Idempotency-Key": key}
		}
		require.Equal(t, http.StatusCreated, w.do(c).StatusCode)
		require.Equal(t, signing.Route{"bankid"}, w.temporal.input.Routes[signing.MethodBankIDSE])
	}
}
