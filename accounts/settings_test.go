package accounts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

// TestTheManualsSettings are taken as they stand there, and every setting that
// there is stands there.
func TestTheManualsSettings(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "docs", "accounts.md"))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(manual), "```yaml\n")
	require.True(t, ok)
	example, _, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	w := newWorld(t)
	w.in = "live"
	file := w.write("accounts.yaml", []byte(example))
	s, err := accounts.ReadSettings(file)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(w.dir, "bankid-ca.pem"), s.Accounts["bankid-main"].BankID.ServerRoots)

	// With the files that it names, it makes a keeper.
	w.rp("acme-rp.pem", "Acme", "Bank RP CA", w.now.AddDate(1, 0, 0))
	require.NoError(t, os.Rename(filepath.Join(w.dir, "acme-rp.pem"), filepath.Join(w.dir, "rp.pem")))
	both, err := os.ReadFile(filepath.Join(w.dir, "rp.pem"))
	require.NoError(t, err)
	w.write("rp.key", both)
	w.write("bankid-ca.pem", pemOf(t, nil, w.certificate("BankID SSL Root CA v1", "BankID SSL Root CA v1", nil)))
	for _, name := range []string{"idkollen.key", "idkollen-callback.key", "signicat.secret", "signicat-webhook.secret", "sbab.secret"} {
		w.write(name, []byte("hunter2\n"))
	}
	w.env["QRONA_TOKEN"], w.env["ACME_PASSPHRASE"] = "hunter2", "hunter2"
	w.p12("acme.p12", "hunter2")
	k, err := accounts.Open(func() (accounts.Settings, error) { return accounts.ReadSettings(file) }, w.options())
	require.NoError(t, err)
	require.Equal(t, accounts.Order(), k.Providers())
	require.Equal(t, []string{"bankid", "idkollen"}, routeOf(k, "anybody", signing.MethodBankIDSE))
	require.Equal(t, []string{"bankid"}, routeOf(k, "acme", signing.MethodBankIDSE))
	require.Empty(t, routeOf(k, "acme", signing.MethodBankIDSEProcess))
	acme, err := k.Provider("acme", "bankid", "")
	require.NoError(t, err)
	require.Equal(t, "bankid-acme", acme.ID)
}

func routeOf(k *accounts.Keeper, tenant signing.TenantID, m signing.Method) []string {
	var route []string
	for _, o := range k.Offers(tenant)[m] {
		route = append(route, o.Provider)
	}
	return route
}

const qronaYAML = "accounts: {main: {environment: test, qrona: {token: {env: SECRET}}}}\n"

// TestSettingsThatAreWrong names what is wrong in each, and quotes no secret.
func TestSettingsThatAreWrong(t *testing.T) {
	const use = "default: {accounts: [main]}\n"
	for _, tt := range []struct{ name, yaml, want string }{
		{"no YAML", "accounts: [", "line 1: "},
		{"unknown field", use + "acounts: {}\n", `line 2: unknown field "acounts"`},
		{"unknown field of a provider", use + "accounts:\n  main:\n    qrona:\n      key: x\n", `line 5: unknown field "key"`},
		{"unknown field of a connection", use + "accounts:\n  main:\n    qrona:\n      serverRoot: x\n", `line 5: unknown field "serverRoot"`},
		{"twice", use + use + qronaYAML, "line 2: "},
		{"a secret in place of where it is", "accounts: {main: {environment: test, qrona: {token: hunter2}}}", "line 1: "},
		{"no account", use, "accounts: there is none"},
		{"name", "accounts: {Main: {}}", `the name "Main" is not of 1 to 40 lower-case letters`},
		{"no kind", use + "accounts: {main: {environment: test}}", `account "main": needs exactly one of bankid, idkollen, qrona, sbab and signicat, and has 0`},
		{"two kinds", use + "accounts: {main: {environment: test, qrona: {}, sbab: {}}}", "and has 2"},
		{"no environment", use + "accounts: {main: {qrona: {}}}", "environment: is missing"},
		{"environment", use + "accounts: {main: {environment: production, qrona: {}}}", `environment: "production" is none of live, test and simulator`},
		{"expires", use + "accounts: {main: {environment: test, expires: soon, qrona: {}}}", `expires: "soon" is no day such as 2027-03-01`},
		{"budget", use + "accounts: {main: {environment: test, collectsPerSecond: -1, qrona: {}}}", "collectsPerSecond: must be from 0 to 10000"},
		{"slow", use + "accounts: {main: {environment: test, qrona: {requestTimeout: 11s}}}", "requestTimeout: must be at most 10s"},
		{"unknown default", "default: {accounts: [mine]}\n" + qronaYAML, `default: accounts: there is no account "mine"`},
		{"nobody's", qronaYAML, "default: no tenant has an account"},
		{"tenant", use + "tenants: {Acme: {accounts: [main]}}\n" + qronaYAML, `tenants: "Acme" is no tenant`},
		{"unknown account", use + "tenants: {acme: {accounts: [mine]}}\n" + qronaYAML, `tenants: acme: accounts: there is no account "mine"`},
		{"two of one", "default: {accounts: [a, b]}\naccounts: {a: {environment: test, qrona: {}}, b: {environment: test, qrona: {}}}", `"a" and "b" are both accounts at qrona`},
		{"method", "default: {accounts: [main], routes: {bankid: [qrona]}}\n" + qronaYAML, `default: routes: "bankid" is no method`},
		{"provider", "default: {accounts: [main], routes: {bankid-se: [main]}}\n" + qronaYAML, `routes: bankid-se: "main" is none of bankid, idkollen, qrona, sbab, signicat`},
		{"twice in a route", "default: {accounts: [main], routes: {bankid-se: [qrona, qrona]}}\n" + qronaYAML, "routes: bankid-se: qrona is named twice"},
		{"no CA", use + "accounts: {main: {environment: test, bankid: {credentials: {pem: {certificates: a, key: b}}}}}", "serverRoots: is missing"},
		{"no credentials", use + "accounts: {main: {environment: test, bankid: {serverRoots: a}}}", "credentials: needs either pem or pkcs12"},
		{"half a PEM", use + "accounts: {main: {environment: test, bankid: {serverRoots: a, credentials: {pem: {key: b}}}}}", "credentials: pem needs certificates and key"},
		{"half a PKCS #12", use + "accounts: {main: {environment: test, bankid: {serverRoots: a, credentials: {pkcs12: {}}}}}", "credentials: pkcs12.file is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := accounts.ReadSettings(newWorld(t).write("accounts.yaml", []byte(tt.yaml)))
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "accounts.yaml: ")
			require.NotContains(t, err.Error(), "hunter2")
			require.Equal(t, "accounts_settings", fault.CodeOf(err))
		})
	}
	_, err := accounts.ReadSettings(filepath.Join(t.TempDir(), "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// FuzzSettings: whatever is in the file, it is taken or refused with the one fault.
func FuzzSettings(f *testing.F) {
	f.Add([]byte("default: {accounts: [main]}\n" + qronaYAML))
	f.Add([]byte("tenants: {acme: {accounts: [a], routes: {bankid-se: [bankid]}}}\naccounts: {a: {environment: live, expires: 2027-03-01, bankid: {serverRoots: x, credentials: {pkcs12: {file: f}}}}}"))
	f.Add([]byte("accounts: &a {main: *a}"))
	f.Add([]byte("accounts: {main: {environment: live, signicat: null}}"))
	f.Add([]byte("{\"default\": null, \"accounts\": {\"main\": null}}"))
	file := filepath.Join(f.TempDir(), "accounts.yaml")
	f.Fuzz(func(t *testing.T, b []byte) {
		require.NoError(t, os.WriteFile(file, b, 0o600))
		s, err := accounts.ReadSettings(file)
		if err != nil {
			require.Equal(t, "accounts_settings", fault.CodeOf(err))
			return
		}
		require.NotEmpty(t, s.Accounts)
	})
}

// TestAccountsThatAreWrong are refused when they are loaded, with what is wrong.
func TestAccountsThatAreWrong(t *testing.T) {
	w := newWorld(t)
	stranger := w.write("stranger.pem", pemOf(t, w.key()))
	right := w.rp("right.pem", "Acme", "Bank RP CA", w.now.AddDate(1, 0, 0))
	open := func(change func(s *accounts.Settings)) error {
		s := accounts.Settings{
			Default: accounts.UseSettings{Accounts: []string{"bankid", "qrona", "idkollen", "sbab", "signicat"}},
			Accounts: map[string]accounts.AccountSettings{
				"bankid": w.bankid(right), "qrona": qrona(), "idkollen": idkollen(), "sbab": sbab(), "signicat": signicat(),
			},
		}
		change(&s)
		_, err := w.open(s)
		return err
	}
	require.NoError(t, open(func(*accounts.Settings) {}))
	for _, tt := range []struct {
		name   string
		change func(s *accounts.Settings)
		want   string
	}{
		{"key of another", func(s *accounts.Settings) { s.Accounts["bankid"].BankID.Credentials.PEM.Key = stranger }, `account "bankid": credentials: the key does not belong to the certificate`},
		{"no file", func(s *accounts.Settings) { s.Accounts["bankid"].BankID.ServerRoots = "nowhere" }, `account "bankid": serverRoots: stat nowhere`},
		{"an adapter's own check", func(s *accounts.Settings) { s.Accounts["bankid"].BankID.CertificatePolicies = []string{"mobile"} }, "certificatePolicies must be object identifiers"},
		{"no secret", func(s *accounts.Settings) { s.Accounts["idkollen"].IDkollen.SecretKey = settings.Secret{} }, `account "idkollen": secretKey: is missing; say {env: NAME} or {file: NAME}`},
		{"unset", func(s *accounts.Settings) { s.Accounts["idkollen"].IDkollen.SecretKey.Env = "UNSET" }, "secretKey: the environment variable UNSET is not set"},
		{"empty", func(s *accounts.Settings) {
			s.Accounts["signicat"].Signicat.ClientSecret = settings.Secret{File: w.write("empty", []byte("\n"))}
		}, "clientSecret: is empty"},
		{"readable by others", func(s *accounts.Settings) {
			file := w.write("open", []byte("hunter2"))
			require.NoError(t, os.Chmod(file, 0o644))
			s.Accounts["qrona"].Qrona.Token = settings.Secret{File: file}
		}, "token: " + filepath.Join(w.dir, "open") + " can be read or changed by others"},
		{"route to nobody", func(s *accounts.Settings) {
			s.Default.Accounts = []string{"qrona"}
			s.Default.Routes = map[signing.Method][]string{signing.MethodBankIDSE: {"bankid"}}
		}, "default: routes: bankid-se: there is no account at bankid"},
		{"route to who does not serve it", func(s *accounts.Settings) {
			s.Tenants = map[signing.TenantID]accounts.UseSettings{"acme": {Routes: map[signing.Method][]string{signing.MethodNBIDPKI: {"bankid"}}}}
		}, "tenants: acme: routes: nbid-pki: bankid does not serve it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := open(tt.change)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, "accounts_settings", fault.CodeOf(err))
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// TestOtherWorlds: what gives itself away as another world's is refused.
func TestOtherWorlds(t *testing.T) {
	w := newWorld(t)
	end := w.now.AddDate(1, 0, 0)
	testRP := w.rp("test-rp.pem", "FP Testcert 5", "Testbank A RP CA v1 for BankID Test", end)
	simulatedRP := w.rp("simulated-rp.pem", "Simulated RP Testcert 1", "Simulated Bank RP CA v1 for BankID", end)
	own := w.rp("own-rp.pem", "Acme", "Bank RP CA v1 for BankID", end)
	testCA := w.write("test-ca.pem", pemOf(t, nil, w.certificate("Test BankID SSL Root CA v1 Test", "Test BankID SSL Root CA v1 Test", nil)))
	bankid := func(base, rp, ca string) accounts.AccountSettings {
		a := w.bankid(rp)
		a.BankID.BaseURL = base
		if ca != "" {
			a.BankID.ServerRoots = ca
		}
		return a
	}
	idk := func(base string) accounts.AccountSettings {
		return accounts.AccountSettings{IDkollen: &accounts.IDkollenSettings{BaseURL: base, AccountID: "a", SecretKey: fromEnv}}
	}
	sbab := func(s accounts.SBABSettings) accounts.AccountSettings { return accounts.AccountSettings{SBAB: &s} }
	sig := func(s accounts.SignicatSettings) accounts.AccountSettings {
		s.ClientSecret = fromEnv
		return accounts.AccountSettings{Signicat: &s}
	}
	qrona := func(base string) accounts.AccountSettings {
		return accounts.AccountSettings{Qrona: &accounts.QronaSettings{BaseURL: base, Token: fromEnv}}
	}
	const local = "https://127.0.0.1:1/x"
	for _, tt := range []struct {
		name, in string
		account  accounts.AccountSettings
		want     string // "" is taken
	}{
		{"BankID, its own address", "live", bankid("", own, ""), ""},
		{"BankID, its own address for tests", "test", bankid("", testRP, testCA), ""},
		{"BankID, none of its own", "simulator", bankid("", own, ""), "baseURL: is missing"},
		{"BankID's tests", "live", bankid("https://appapi2.test.bankid.com/rp/v6.0", own, ""), "baseURL: is of the environment test, and this account is to be live"},
		{"BankID's tests, otherwise", "live", bankid("https://AppAPI2.Test.BankID.com./rp/v6.0", own, ""), "baseURL: is of the environment test"},
		{"BankID itself", "test", bankid("https://appapi2.bankid.com/rp/v6.0", own, ""), "baseURL: is of the environment live, and this account is to be test"},
		{"BankID's test certificate", "live", bankid("", testRP, ""), `the certificate "FP Testcert 5" is of the environment test`},
		{"a simulated certificate", "live", bankid("", simulatedRP, ""), "is of the environment simulator, and this account is to be live"},
		{"a simulated certificate for tests", "test", bankid("", simulatedRP, ""), "is of the environment simulator, and this account is to be test"},
		{"a simulated certificate in the simulator", "simulator", bankid(local, simulatedRP, ""), ""},
		{"the CA of BankID's tests", "live", bankid("", own, testCA), "serverRoots: "},
		{"IDkollen", "live", idk(""), ""},
		{"IDkollen's staging by default", "test", idk(""), ""},
		{"IDkollen's staging", "live", idk("https://stgapi.idkollen.se"), "baseURL: is of the environment test"},
		{"IDkollen itself", "test", idk("https://api.idkollen.se"), "baseURL: is of the environment live"},
		{"IDkollen itself in the simulator", "simulator", idk("https://api.idkollen.se"), "baseURL: is of the environment live"},
		{"SBAB", "live", sbab(accounts.SBABSettings{ClientID: "a", ClientSecret: fromEnv}), ""},
		{"SBAB's sandbox key", "live", sbab(accounts.SBABSettings{SandboxKey: fromEnv}), "sandboxKey: is of SBAB's sandbox"},
		{"SBAB's sandbox", "live", sbab(accounts.SBABSettings{BaseURL: "https://developer.sbab.se/sandbox/x", ClientID: "a", ClientSecret: fromEnv}), "baseURL: is of the environment test"},
		{"SBAB's sandbox tokens", "live", sbab(accounts.SBABSettings{TokenURL: "https://developer.sbab.se/t", ClientID: "a", ClientSecret: fromEnv}), "tokenURL: is of the environment test"},
		{"SBAB's sandbox for tests", "test", sbab(accounts.SBABSettings{SandboxKey: fromEnv}), ""},
		{"SBAB's production for tests", "test", sbab(accounts.SBABSettings{BaseURL: "https://api.sbab.se/x", ClientID: "a", ClientSecret: fromEnv}), "baseURL: is of the environment live"},
		{"Qrona", "live", qrona(""), ""},
		{"Qrona for tests", "test", qrona(""), ""},
		{"Qrona in the simulator", "simulator", qrona("https://bankid.qrona.se"), "baseURL: is of the environment live or test"},
		{"Signicat", "live", sig(accounts.SignicatSettings{ClientID: "prod-misty-angle-164"}), ""},
		{"Signicat's sandbox", "live", sig(accounts.SignicatSettings{ClientID: "sandbox-misty-angle-164"}), "clientID: is of a sandbox"},
		{"Signicat's development", "live", sig(accounts.SignicatSettings{ClientID: "dev-round-apple-123"}), "clientID: is of a sandbox"},
		{"Signicat's sandbox for tests", "test", sig(accounts.SignicatSettings{ClientID: "sandbox-misty-angle-164"}), ""},
		{"Signicat in the simulator", "simulator", sig(accounts.SignicatSettings{ClientID: "a", BaseURL: "https://api.signicat.com/sign", TokenURL: local}), "baseURL: is of the environment live or test"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.in, tt.account.Environment = tt.in, tt.in
			_, err := w.open(one(tt.account))
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, "accounts_settings", fault.CodeOf(err))
		})
	}
	w.in = "live"
	_, err := w.open(one(idkollen())) // an account for tests, wherever it is
	require.ErrorContains(t, err, "environment: is test, and the installation is live")
}
