package pki_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/pki"
)

var options = pki.Options{
	Clock:   func() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) },
	Entropy: rand.Reader, CAKeyBits: 2048, Hosts: []string{"simulator", "192.0.2.7"},
}

// shared is one world for the tests that only read it.
var shared = sync.OnceValues(func() (*pki.PKI, error) { return pki.Create(options) })

func tolvan(use pki.Use) pki.Leaf {
	return pki.Leaf{
		PersonalNumber: "191212121212", GivenName: "Tolvan", Surname: "Tolvansson",
		Policy: asn1.ObjectIdentifier{1, 2, 3, 4, 25}, Medium: "Mobilt BankID",
		Issued: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Use: use,
	}
}

func TestPersonalCertificate(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(p.Anchors(pki.BankID)[0])
	for use, usage := range map[pki.Use]x509.KeyUsage{
		pki.Sign:     x509.KeyUsageContentCommitment,
		pki.Identify: x509.KeyUsageDigitalSignature,
	} {
		t.Run(string(use), func(t *testing.T) {
			id, err := p.Person(tolvan(use))
			require.NoError(t, err)
			require.Equal(t, "191212121212", id.Certificate.Subject.SerialNumber)
			require.Equal(t, "Tolvan Tolvansson", id.Certificate.Subject.CommonName)
			require.Equal(t, usage, id.Certificate.KeyUsage)
			require.Empty(t, id.Certificate.ExtKeyUsage)
			require.False(t, id.Certificate.BasicConstraintsValid)
			require.Equal(t, x509.SHA256WithRSA, id.Certificate.SignatureAlgorithm)
			require.Equal(t, "1.2.3.4.25", id.Certificate.PolicyIdentifiers[0].String())
			require.Len(t, id.Certificate.OCSPServer, 1)
			subject, err := id.Subject()
			require.NoError(t, err)
			require.Contains(t, subject, "name=(260102 03.04) Tolvan Tolvansson - Mobilt BankID,")

			require.Len(t, id.Chain, 2, "the root is not part of what a signature carries")
			between := x509.NewCertPool()
			for _, c := range id.Chain {
				require.Equal(t, x509.SHA512WithRSA, c.SignatureAlgorithm)
				between.AddCert(c)
			}
			_, err = id.Certificate.Verify(x509.VerifyOptions{
				Roots: roots, Intermediates: between, CurrentTime: options.Clock(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
			})
			require.NoError(t, err)

			again, err := p.Person(tolvan(use))
			require.NoError(t, err)
			require.Equal(t, id.Certificate.Raw, again.Certificate.Raw)
		})
	}
}

func TestExpiredLeafIsOver(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	l := tolvan(pki.Sign)
	l.Expired = true
	id, err := p.Person(l)
	require.NoError(t, err)
	require.True(t, id.Certificate.NotAfter.Before(options.Clock()))
}

func TestResponderBelongsToTheLeafIssuer(t *testing.T) {
	now := options.Clock()
	o := options
	o.Clock = func() time.Time { return now }
	p, err := pki.Create(o)
	require.NoError(t, err)
	r, err := p.Responder()
	require.NoError(t, err)
	leaf, err := p.Person(tolvan(pki.Sign))
	require.NoError(t, err)
	require.Equal(t, leaf.Certificate.RawIssuer, r.Certificate.RawIssuer)
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, r.Certificate.ExtKeyUsage)
	require.Equal(t, x509.KeyUsageContentCommitment, r.Certificate.KeyUsage)
	require.False(t, r.Certificate.IsCA)
	require.Equal(t, leaf.Certificate.Issuer.CommonName+" OCSP Signing", r.Certificate.Subject.CommonName)

	now = now.Add(200 * 24 * time.Hour)
	later, err := p.Responder()
	require.NoError(t, err)
	require.NotEqual(t, r.Certificate.Raw, later.Certificate.Raw, "an expired responder is replaced")
}

func TestRelyingPartySubject(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	subject, err := p.RP().Subject()
	require.NoError(t, err)
	require.Equal(t, "cn=Simulated RP Testcert 1,name=Test av Handslag,serialNumber=5566304928,o=Simulated Bank AB (publ),c=SE", subject)

	other, err := p.IssueRP(pki.RPSubject{CommonName: `A, "B" + C`, Name: "#hash", OrganisationNumber: "5560000000", Bank: " Bank "})
	require.NoError(t, err)
	subject, err = other.Subject()
	require.NoError(t, err)
	require.Equal(t, `cn=A\, \"B\" \+ C,name=\#hash,serialNumber=5560000000,o=\ Bank\ ,c=SE`, subject)
}

func TestOpenKeepsTheWorld(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	first, err := pki.Open(dir, options)
	require.NoError(t, err)
	second, err := pki.Open(dir, options)
	require.NoError(t, err)
	require.Equal(t, first.Anchors(pki.BankID)[0].Raw, second.Anchors(pki.BankID)[0].Raw)
	require.Equal(t, first.Seal().Certificate.Raw, second.Seal().Certificate.Raw)
	a, err := second.Person(tolvan(pki.Sign))
	require.NoError(t, err)
	require.NoError(t, a.Chain[0].CheckSignatureFrom(a.Chain[1]))

	keys, err := filepath.Glob(filepath.Join(dir, "*.key"))
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	for _, k := range keys {
		info, err := os.Stat(k)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), k)
	}
}

func TestHalfWrittenWorldIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bankid-root.key"), []byte("cut sh"), 0o600))
	p, err := pki.Open(dir, options)
	require.NoError(t, err)
	require.NotNil(t, p.RP().Certificate)
}

func TestWriteTrust(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, p.WriteTrust(dir))
	for _, name := range []string{"bankid-se", "tsa", "seal"} {
		b, err := os.ReadFile(filepath.Join(dir, name+".simulator.pem"))
		require.NoError(t, err)
		require.Contains(t, string(b), "BEGIN CERTIFICATE")
		require.NotContains(t, string(b), "PRIVATE")
	}
}

func TestServerCertificateNamesItsHosts(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	for _, host := range []string{"localhost", "127.0.0.1", "simulator", "192.0.2.7"} {
		_, err := p.Server().Certificate.Verify(x509.VerifyOptions{Roots: p.ServerRoots(), DNSName: host, CurrentTime: options.Clock()})
		require.NoError(t, err, host)
	}
}
