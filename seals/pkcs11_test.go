//go:build pkcs11 && cgo

package seals_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/settings"
)

// module is where Debian's softhsm2 package has it.
const module = "/usr/lib/softhsm/libsofthsm2.so"

const pin = "1234"

// softHSM makes a token of its own. SoftHSM reads its settings once per process,
// so all tests share one folder.
var softHSM = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "softhsm")
	if err != nil {
		return "", err
	}
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		return "", err
	}
	return dir, os.Setenv("SOFTHSM2_CONF", conf)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := softHSM(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// newToken makes a token and generates a key in it.
func newToken(t *testing.T, name string, generate func(*crypto11.Context) (crypto.Signer, error)) crypto.Signer {
	t.Helper()
	if _, err := os.Stat(module); err != nil {
		t.Skipf("SoftHSM is not installed (apt-get install softhsm2): %v", err)
	}
	_, err := softHSM()
	require.NoError(t, err)
	out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", name, "--so-pin", "5678", "--pin", pin).CombinedOutput()
	require.NoError(t, err, "%s", out)
	c, err := crypto11.Configure(&crypto11.Config{Path: module, TokenLabel: name, Pin: pin})
	require.NoError(t, err)
	defer c.Close() // a process that is logged in is asked for no PIN
	key, err := generate(c)
	require.NoError(t, err)
	return key
}

var keyID = []byte{0xca, 0xfe}

func p256In(c *crypto11.Context) (crypto.Signer, error) {
	return c.GenerateECDSAKeyPairWithLabel(keyID, []byte("seal"), elliptic.P256())
}

// module describes the key of a token.
func (w *world) module(token string, id *identity) seals.PKCS11Settings {
	w.env["HANDSLAG_SEAL_PIN"] = pin
	return seals.PKCS11Settings{
		Module: module, Token: token, Label: "seal", PIN: settings.Secret{Env: "HANDSLAG_SEAL_PIN"},
		Certificates: w.write(token+".pem", certificates(id.cert, w.mid.cert)),
	}
}

// TestModuleSeals: documents sealed by keys in a security module verify.
func TestModuleSeals(t *testing.T) {
	for i, tt := range []struct {
		name     string
		generate func(*crypto11.Context) (crypto.Signer, error)
		pss      bool
	}{
		{"P-256", p256In, false},
		{"P-384", func(c *crypto11.Context) (crypto.Signer, error) {
			return c.GenerateECDSAKeyPairWithLabel(keyID, []byte("seal"), elliptic.P384())
		}, false},
		{"P-521", func(c *crypto11.Context) (crypto.Signer, error) {
			return c.GenerateECDSAKeyPairWithLabel(keyID, []byte("seal"), elliptic.P521())
		}, false},
		{"RSA", func(c *crypto11.Context) (crypto.Signer, error) {
			return c.GenerateRSAKeyPairWithLabel(keyID, []byte("seal"), 2048)
		}, false},
		{"PSS", func(c *crypto11.Context) (crypto.Signer, error) {
			return c.GenerateRSAKeyPairWithLabel(keyID, []byte("seal"), 3072)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			token := fmt.Sprintf("seals-%d", i)
			id := w.seal(newToken(t, token, tt.generate), nil)
			module := w.module(token, id)
			for _, by := range []func(){
				func() {},
				func() { module.Label, module.ID = "", hex.EncodeToString(keyID) },
				func() { module.Label, module.ID = "seal", "CA:FE" },
				func() { module.PIN = settings.Secret{File: w.write("pin", []byte(pin+"\n"))} },
			} {
				by()
				s := one(seals.KeySettings{PKCS11: &module})
				s.Seals["main"] = seals.SealSettings{Level: "B-B", PSS: tt.pss, Key: s.Seals["main"].Key}
				k, err := w.open(s)
				require.NoError(t, err)
				w.requireSeals(k)
				k.Close()
			}
		})
	}
}

// TestModuleLosesItsSessions: as when it restarts, or the network to it fails.
func TestModuleLosesItsSessions(t *testing.T) {
	w := newWorld(t)
	id := w.seal(newToken(t, "lost", p256In), nil)
	settings := w.module("lost", id)
	k, err := w.open(one(seals.KeySettings{PKCS11: &settings}))
	require.NoError(t, err)
	w.requireSeals(k)

	// The library is loaded once per process, so this closes the keeper's sessions.
	p := pkcs11.New(module)
	slots, err := p.GetSlotList(true)
	require.NoError(t, err)
	for _, slot := range slots {
		require.NoError(t, p.CloseAllSessions(slot))
	}
	w.requireSeals(k)

	// Many at once, each of which finds its session gone.
	seal, err := k.Seal("acme")
	require.NoError(t, err)
	for _, slot := range slots {
		require.NoError(t, p.CloseAllSessions(slot))
	}
	digest := sha256.Sum256(nil)
	var all sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		all.Go(func() { _, errs[i] = seal.Key.Sign(nil, digest[:], crypto.SHA256) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}

	// What was handed out before a reload fails as what passes: the next run of the
	// activity asks for the seal anew.
	changed, err := k.Reload(t.Context(), true)
	require.NoError(t, err)
	require.True(t, changed)
	_, err = seal.Key.Sign(nil, digest[:], crypto.SHA256)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	w.requireSeals(k)
}

// TestModulesThatAreWrong are refused with what is wrong.
func TestModulesThatAreWrong(t *testing.T) {
	w := newWorld(t)
	key := newToken(t, "wrong", p256In)
	right := w.module("wrong", w.seal(key, nil))
	for _, tt := range []struct {
		name   string
		change func(*seals.PKCS11Settings)
		want   string
	}{
		{"no library", func(s *seals.PKCS11Settings) { s.Module = "/nowhere.so" }, "find the module: stat /nowhere.so"},
		{"another token", func(s *seals.PKCS11Settings) { s.Token = "nobody's" }, `log in to the token "nobody's"`},
		{"another label", func(s *seals.PKCS11Settings) { s.Label = "nothing" }, `the token "wrong" has no private key with label "nothing"`},
		{"another id", func(s *seals.PKCS11Settings) { s.ID = "00" }, `has no private key with label "seal" and id "00"`},
		{"no id", func(s *seals.PKCS11Settings) { s.ID = "xyz" }, `pkcs11.id "xyz" is not hexadecimal`},
		{"another certificate", func(s *seals.PKCS11Settings) {
			s.Certificates = w.write("other.pem", certificates(w.seal(p256(t), nil).cert, w.mid.cert))
		}, "the key in the module does not belong to the certificate"},
		{"certificate of another kind of key", func(s *seals.PKCS11Settings) {
			s.Certificates = w.write("rsa.pem", certificates(w.seal(rsaKey(t), nil).cert, w.mid.cert))
		}, "the key in the module does not belong to the certificate"},
		{"Ed25519", func(s *seals.PKCS11Settings) {
			s.Certificates = w.write("ed.pem", certificates(w.seal(edKey(t), nil).cert, w.mid.cert))
		}, "a key of type ed25519.PublicKey is not supported through PKCS #11"},
		{"PIN unset", func(s *seals.PKCS11Settings) { s.PIN = settings.Secret{Env: "UNSET"} }, "pin: the environment variable UNSET is not set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := right
			tt.change(&settings)
			_, err := w.open(one(seals.KeySettings{PKCS11: &settings}))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestWrongPIN: it is refused, and appears nowhere.
func TestWrongPIN(t *testing.T) {
	w := newWorld(t)
	settings := w.module("pins", w.seal(newToken(t, "pins", p256In), nil))
	k, err := w.open(one(seals.KeySettings{PKCS11: &settings}))
	require.NoError(t, err)
	k.Close()
	w.env["HANDSLAG_SEAL_PIN"] = "0000"
	for range 2 {
		_, err = w.open(one(seals.KeySettings{PKCS11: &settings}))
		require.ErrorContains(t, err, "CKR_PIN_INCORRECT")
		require.NotContains(t, err.Error(), "0000")
		require.Equal(t, "seal_settings", fault.CodeOf(err))
	}
}
