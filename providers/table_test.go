package providers_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/providers/qrona"
	"github.com/handslag/handslag/providers/sbab"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/pki"
)

const base = "https://provider.invalid"

// accounts is one of each provider, with all that it can do switched on. Nothing
// is called: the suite in providertest proves, against the simulators, that they
// can do what they say.
func accounts(t *testing.T) map[string]providers.Provider {
	t.Helper()
	certificates, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
	require.NoError(t, err)
	var anchors []bankidsig.Anchor
	for _, c := range certificates.Anchors(pki.BankID) {
		anchors = append(anchors, bankidsig.Anchor{Environment: bankidsig.Simulator, Certificate: c})
	}
	all := map[string]providers.Provider{}
	add := func(p providers.Provider, err error) {
		require.NoError(t, err)
		all[p.Name()] = p
	}
	add(bankid.New(bankid.Config{
		BaseURL: base + "/rp/v6.0", Credentials: certificates.RP().TLS(), ServerRoots: certificates.ServerRoots(),
		Environment: bankidsig.Simulator, Anchors: anchors, Clock: time.Now,
	}))
	add(idkollen.New(idkollen.Config{
		BaseURL: base, AccountID: "a", SecretKey: "s", Environment: "simulator", CallbackURL: base + "/back", CallbackKey: "k", Clock: time.Now,
	}))
	add(sbab.New(sbab.Config{BaseURL: base + "/partner/signing/1.0", ClientID: "c", ClientSecret: "s", Environment: "simulator", Clock: time.Now}))
	add(qrona.New(qrona.Config{BaseURL: base, Token: "t", Environment: "simulator", Clock: time.Now}))
	add(signicat.New(signicat.Config{BaseURL: base, TokenURL: base, ClientID: "c", ClientSecret: "s", Clock: time.Now}))
	return all
}

// What each provider can do, a row for each property, as docs/providers.md says.
func TestWhatEachProviderCanDo(t *testing.T) {
	all := accounts(t)
	order := []string{"bankid", "idkollen", "sbab", "qrona", "signicat"}
	is := func(able func(providers.Capabilities) bool) func(providers.Provider) any {
		return func(p providers.Provider) any { return able(p.Capabilities()) }
	}
	methods := func(m ...signing.Method) []signing.Method { return m }
	for row, want := range map[string]struct {
		of   func(providers.Provider) any
		each []any
	}{
		"methods": {func(p providers.Provider) any { return p.Capabilities().Methods }, []any{
			methods(signing.MethodBankIDSE, signing.MethodBankIDSEIdentify), methods(signing.MethodBankIDSE, signing.MethodBankIDSEIdentify),
			methods(signing.MethodBankIDSEProcess), methods(signing.MethodBankIDSEIdentify), methods(signing.MethodNBIDPKI),
		}},
		"binds our text":    {is(func(c providers.Capabilities) bool { return c.BindsText }), []any{true, true, false, false, false}},
		"binds our digests": {is(func(c providers.Capabilities) bool { return c.BindsDigest }), []any{true, true, false, false, false}},
		"signs the PDF":     {is(func(c providers.Capabilities) bool { return c.ReturnsPDF }), []any{false, false, false, false, true}},
		"assurance": {func(p providers.Provider) any { return p.Capabilities().Assurance }, []any{
			signing.AssuranceVerified, signing.AssuranceAttested, signing.AssuranceAttestedProcess, signing.AssuranceIdentified, signing.AssuranceVerified,
		}},
		"live QR": {func(p providers.Provider) any { return p.Capabilities().QR }, []any{
			providers.QRCompute, providers.QRCompute, providers.QRRelay, providers.QRRelay, providers.QRNone,
		}},
		"redirect":    {is(func(c providers.Capabilities) bool { return c.Redirect }), []any{false, false, false, false, true}},
		"phone":       {is(func(c providers.Capabilities) bool { return c.Phone }), []any{true, true, true, true, false}},
		"phone lasts": {is(func(c providers.Capabilities) bool { return c.PhoneBlocks }), []any{false, false, false, true, false}},
		"pushes":      {is(func(c providers.Capabilities) bool { return c.Pushes }), []any{false, true, false, false, true}},
		"an identification is no signature": {func(p providers.Provider) any {
			a, l := p.Capabilities().Yields(signing.MethodBankIDSEIdentify)
			return []any{a, l}
		}, []any{
			[]any{signing.AssuranceIdentified, signing.LevelAny},
			[]any{signing.AssuranceIdentified, signing.LevelAny},
			[]any{signing.AssuranceIdentified, signing.LevelAny},
			[]any{signing.AssuranceIdentified, signing.LevelAny},
			[]any{signing.AssuranceIdentified, signing.LevelAny},
		}},
		// What only some can do are interfaces, and saying so goes with having them.
		"is called back":       {func(p providers.Provider) any { _, ok := p.(providers.PushReader); return ok }, []any{false, true, false, false, true}},
		"starts and waits":     {func(p providers.Provider) any { _, ok := p.(providers.BlockingStarter); return ok }, []any{false, false, false, true, false}},
		"returns revisions":    {func(p providers.Provider) any { _, ok := p.(providers.RevisionReturner); return ok }, []any{false, false, false, false, true}},
		"tells of lost starts": {func(p providers.Provider) any { _, ok := p.(providers.Reconciler); return ok }, []any{false, false, false, false, true}},
	} {
		t.Run(row, func(t *testing.T) {
			for i, name := range order {
				require.Equal(t, want.each[i], want.of(all[name]), name)
			}
		})
	}
}
