package seals_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/settings"
)

// TestEveryFormOfKey seals with each, and verifies what came of it.
func TestEveryFormOfKey(t *testing.T) {
	ec, rs := p256(t), rsaKey(t)
	sec1, err := x509.MarshalECPrivateKey(ec.(*ecdsa.PrivateKey))
	require.NoError(t, err)
	for _, tt := range []struct {
		name string
		key  crypto.Signer
		file []byte
	}{
		{"PKCS #8 with P-256", ec, pkcs8(t, ec)},
		{"PKCS #8 with RSA", rs, pkcs8(t, rs)},
		{"SEC 1", ec, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})},
		{
			"SEC 1 after its parameters, as openssl writes it", ec,
			append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 0}}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})...),
		},
		{"PKCS #1", rs, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rs.(*rsa.PrivateKey))})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			settings := w.pem("seal", w.seal(tt.key, nil))
			w.write("seal.key", tt.file)
			k, err := w.open(one(settings))
			require.NoError(t, err)
			w.requireSeals(k)
		})
	}
	t.Run("one file for all", func(t *testing.T) {
		w := newWorld(t)
		id := w.seal(ec, nil)
		file := w.write("all.pem", append(pkcs8(t, ec), certificates(id.cert, w.mid.cert)...))
		k, err := w.open(one(seals.KeySettings{PEM: &settings.PEM{Certificates: file, Key: file}}))
		require.NoError(t, err)
		w.requireSeals(k)
	})
}

func TestPKCS12(t *testing.T) {
	w := newWorld(t)
	id := w.seal(rsaKey(t), nil)
	// In the wrong order, with the root and a stranger, as exports are.
	stranger := w.issue(nil, p256(t), "Stranger", ca)
	others := []*x509.Certificate{stranger.cert, w.root.cert, w.mid.cert}
	for name, encoder := range map[string]*pkcs12.Encoder{"modern": pkcs12.Modern2026, "old": pkcs12.LegacyDES} {
		t.Run(name, func(t *testing.T) {
			b, err := encoder.Encode(id.key, id.cert, others, "hunter2")
			require.NoError(t, err)
			source := settings.PKCS12{File: w.write("seal.p12", b), Passphrase: settings.Secret{Env: "HANDSLAG_SEAL_PASSPHRASE"}}
			w.env["HANDSLAG_SEAL_PASSPHRASE"] = "hunter2"
			k, err := w.open(one(seals.KeySettings{PKCS12: &source}))
			require.NoError(t, err)
			w.requireSeals(k)
			seal, err := k.Seal("acme")
			require.NoError(t, err)
			require.Equal(t, []*x509.Certificate{id.cert, w.mid.cert, w.root.cert}, seal.Chain)

			source.Passphrase = settings.Secret{File: w.write("passphrase", []byte("hunter2\n"))}
			k, err = w.open(one(seals.KeySettings{PKCS12: &source}))
			require.NoError(t, err)
			w.requireSeals(k)
		})
	}
}

// TestWhatIsRefused is what an operator reads who has made a mistake.
func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	key := p256(t)
	id := w.seal(key, nil)
	other := newWorld(t)
	foreign := other.seal(key, nil)
	sub := func(change func(*x509.Certificate)) []byte {
		return certificates(w.seal(key, change).cert, w.mid.cert)
	}
	encrypted := "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
	p224 := curve(t, elliptic.P224())
	for _, tt := range []struct {
		name         string
		certificates []byte
		key          []byte
		want         string
	}{
		{"another key", nil, pkcs8(t, p256(t)), "the key does not belong to the certificate"},
		{"chain upside down", certificates(w.mid.cert, id.cert), nil, "the key belongs to certificate 2; the seal's own certificate must come first"},
		{"a CA's key", certificates(w.mid.cert), pkcs8(t, w.mid.key), "the first certificate is a CA's"},
		{"chain with a stranger", certificates(id.cert, other.mid.cert), nil, "certificate 1 was not issued by certificate 2"},
		{"chain in disorder", certificates(id.cert, w.root.cert, w.mid.cert), nil, "certificate 1 was not issued by certificate 2"},
		{"chain with a gap", certificates(id.cert), nil, "does not verify against the trust anchors for seals of this installation"},
		{"a test certificate", certificates(foreign.cert, other.mid.cert), nil, "(is it one for tests,"},
		{"not for signatures", sub(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), nil, "the certificate is not for signatures"},
		{"never valid together", sub(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = w.now.AddDate(5, 0, 0), w.now.AddDate(6, 0, 0)
		}), nil, "never valid at one time"},
		{"a weak curve", certificates(w.seal(p224, nil).cert, w.mid.cert), pkcs8(t, p224), "the curve P-224 is not supported"},
		{"no certificate", []byte("hello"), nil, "seal.pem holds no certificate in PEM"},
		{"a broken certificate", []byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"), nil, "seal.pem: certificate 1 cannot be read"},
		{"no key", nil, certificates(id.cert), "seal.key holds no private key"},
		{"two keys", nil, append(pkcs8(t, key), pkcs8(t, key)...), "seal.key holds more than one private key"},
		{"an encrypted key", nil, []byte(encrypted), "seal.key holds an encrypted key; decrypt it"},
		{"a key of another format", nil, []byte{0x30, 0x82}, "seal.key is not PEM; a .p12 or .pfx file is named by pkcs12.file"},
		{"a broken key", nil, []byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"), "seal.key holds a key that cannot be read"},
		{"a key of OpenSSH", nil, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nMAA=\n-----END OPENSSH PRIVATE KEY-----\n"), `of the type "OPENSSH PRIVATE KEY"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := w.pem("seal", id)
			if tt.certificates != nil {
				w.write("seal.pem", tt.certificates)
			}
			if tt.key != nil {
				w.write("seal.key", tt.key)
			}
			_, err := w.open(one(settings))
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, `seal "main": `)
			require.Equal(t, "seal_settings", fault.CodeOf(err))
		})
	}
}

// TestLevelsNeedCertificatesWithStatus: what could never be made is refused when
// it is loaded.
func TestLevelsNeedCertificatesWithStatus(t *testing.T) {
	w := newWorld(t)
	w.mid = w.issue(w.root, p256(t), "CA with lists", func(c *x509.Certificate) { ca(c); named(c) })
	half := w.seal(p256(t), nil)
	whole := w.seal(p256(t), named)
	for level, ok := range map[string]bool{"B-T": true, "B-LT": false, "B-LTA": false, "": false} {
		s := one(w.pem("seal", half))
		s.Seals["main"] = seals.SealSettings{Level: level, Key: s.Seals["main"].Key, Timestamps: []string{"http://127.0.0.1:1/"}}
		_, err := w.open(s)
		if ok {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "certificate 1 names neither an OCSP responder nor a revocation list")
		}
	}
	s := one(w.pem("seal", whole))
	s.Seals["main"] = seals.SealSettings{Key: s.Seals["main"].Key, Timestamps: []string{"http://127.0.0.1:1/"}}
	k, err := w.open(s)
	require.NoError(t, err)
	seal, err := k.Seal("acme")
	require.NoError(t, err)
	require.Equal(t, pdf.LevelLTA, seal.Level)
}

// TestSecretsThatOthersCanRead are refused with the command that mends it.
func TestSecretsThatOthersCanRead(t *testing.T) {
	w := newWorld(t)
	key := w.pem("seal", w.seal(p256(t), nil))
	for _, mode := range []os.FileMode{0o644, 0o604, 0o660, 0o666, 0o622} {
		require.NoError(t, os.Chmod(key.PEM.Key, mode))
		_, err := w.open(one(key))
		require.ErrorContains(t, err, "run: chmod 600 "+key.PEM.Key)
	}
	require.NoError(t, os.Chmod(key.PEM.Key, 0o400))
	_, err := w.open(one(key))
	require.NoError(t, err)

	p12, err := pkcs12.Modern2026.Encode(w.root.key, w.root.cert, nil, "x")
	require.NoError(t, err)
	file := w.write("seal.p12", p12)
	for _, tt := range []struct {
		name   string
		secret settings.Secret
		want   string
	}{
		{"wrong", settings.Secret{Env: "WRONG"}, "seal.p12: the passphrase is wrong"},
		{"none", settings.Secret{}, "seal.p12: the passphrase is wrong"},
		{"unset", settings.Secret{Env: "UNSET"}, "passphrase: the environment variable UNSET is not set"},
		{"both", settings.Secret{Env: "WRONG", File: file}, "passphrase: env and file are both given"},
		{"no file", settings.Secret{File: "nowhere"}, "passphrase: stat nowhere: no such file"},
	} {
		w.env["WRONG"] = "hunter2"
		_, err := w.open(one(seals.KeySettings{PKCS12: &settings.PKCS12{File: file, Passphrase: tt.secret}}))
		require.ErrorContains(t, err, tt.want, tt.name)
		require.NotContains(t, err.Error(), "hunter2")
	}
	w.write("seal.p12", []byte("no such thing"))
	_, err = w.open(one(seals.KeySettings{PKCS12: &settings.PKCS12{File: file}}))
	require.ErrorContains(t, err, "seal.p12 is no PKCS #12 file with one key and its certificate")
}
