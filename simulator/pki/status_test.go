package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/pki"
)

func at(url string) pki.Options {
	o := options
	o.StatusURL = url
	return o
}

func verifies(t *testing.T, p *pki.PKI, purpose pki.Purpose, id pki.Identity) {
	t.Helper()
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, a := range p.Anchors(purpose) {
		roots.AddCert(a)
	}
	for _, c := range id.Chain {
		between.AddCert(c)
	}
	_, err := id.Certificate.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: options.Clock(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	require.NoError(t, err)
}

func TestWithoutStatusNothingIsNamed(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	seal, err := p.IssueSeal(pki.SealOrder{Intermediate: true})
	require.NoError(t, err)
	person, err := p.NorwegianPerson(pki.NorwegianLeaf{NIN: pki.SyntheticNIN(options.Clock(), 0), GivenName: "Kari", Surname: "Nordmann"})
	require.NoError(t, err)
	for _, id := range []pki.Identity{p.Seal(), p.TSA(), p.SecondTSA(), seal, person} {
		require.Empty(t, id.Certificate.OCSPServer)
		require.Empty(t, id.Certificate.CRLDistributionPoints)
		require.Empty(t, id.Certificate.IssuingCertificateURL)
	}
}

func TestStatusIsNamed(t *testing.T) {
	p, err := pki.Create(at("http://127.0.0.1:1/status"))
	require.NoError(t, err)
	for status, want := range map[pki.Status][2]bool{
		pki.StatusBoth: {true, true}, pki.StatusOCSP: {true, false}, pki.StatusCRL: {false, true}, pki.StatusNone: {false, false},
	} {
		id, err := p.IssueSeal(pki.SealOrder{Status: status})
		require.NoError(t, err)
		require.Equal(t, want, [2]bool{len(id.Certificate.OCSPServer) == 1, len(id.Certificate.CRLDistributionPoints) == 1})
		verifies(t, p, pki.Sealing, id)
	}
	require.Equal(t, []string{"http://127.0.0.1:1/status/ocsp/seal-ca"}, p.Seal().Certificate.OCSPServer)
	require.Equal(t, []string{"http://127.0.0.1:1/status/crl/tsa-ca-2.crl"}, p.SecondTSA().Certificate.CRLDistributionPoints)
	issuing, ok := p.Authority(pki.SealIssuingCA)
	require.True(t, ok)
	require.Equal(t, []string{"http://127.0.0.1:1/status/ca/seal-ca.cer"}, issuing.Certificate.IssuingCertificateURL)
	root, _ := p.Authority(pki.SealCA)
	require.Empty(t, root.Certificate.OCSPServer, "a root has no status")
}

func TestSealKeys(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	for kind, size := range map[pki.KeyKind]int{
		pki.RSA2048: 2048, pki.RSA3072: 3072, pki.RSA4096: 4096, pki.P256: 256, pki.P384: 384, pki.P521: 521, pki.Ed25519: 0,
	} {
		if kind == pki.RSA4096 && testing.Short() {
			continue
		}
		id, err := p.IssueSeal(pki.SealOrder{Key: kind, Intermediate: true, CommonName: "Seal on " + string(kind)})
		require.NoError(t, err)
		bits := 0
		switch k := id.Certificate.PublicKey.(type) {
		case *rsa.PublicKey:
			bits = k.N.BitLen()
		case *ecdsa.PublicKey:
			bits = k.Params().BitSize
		}
		require.Equal(t, size, bits, kind)
		require.Len(t, id.Chain, 1)
		require.Equal(t, "Seal on "+string(kind), id.Certificate.Subject.CommonName)
		verifies(t, p, pki.Sealing, id)
		type equal interface{ Equal(crypto.PublicKey) bool }
		require.True(t, id.Key.Public().(equal).Equal(id.Certificate.PublicKey))
	}
	_, err = p.IssueSeal(pki.SealOrder{Key: "DSA"})
	require.Error(t, err)
	own, err := pki.NewKey(options.Entropy, pki.P384)
	require.NoError(t, err)
	id, err := p.IssueSeal(pki.SealOrder{Signer: own, NotAfter: options.Clock().Add(time.Hour), ShortLived: true})
	require.NoError(t, err)
	require.Equal(t, own, id.Key)
	require.Equal(t, options.Clock().Add(time.Hour), id.Certificate.NotAfter)
	last := id.Certificate.Extensions[len(id.Certificate.Extensions)-1]
	require.Equal(t, "0.4.0.194121.2.1", last.Id.String())
}

func TestTimestampAuthorities(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	verifies(t, p, pki.Timestamp, p.SecondTSA())
	short, err := p.IssueTSA(pki.TSAOrder{Second: true, Key: pki.RSA2048, NotAfter: options.Clock().Add(time.Hour)})
	require.NoError(t, err)
	verifies(t, p, pki.Timestamp, short)
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}, short.Certificate.ExtKeyUsage)
	require.NotEqual(t, p.TSA().Certificate.RawIssuer, short.Certificate.RawIssuer)
}

func TestRevoke(t *testing.T) {
	p, err := pki.Create(options)
	require.NoError(t, err)
	c := p.Seal().Certificate
	now := options.Clock()
	require.NoError(t, p.Revoke(c, time.Time{}, pki.Superseded))
	r, known := p.Record(pki.SealCA, c.SerialNumber)
	require.True(t, known)
	require.Equal(t, now, r.RevokedAt)
	require.Equal(t, "already_revoked", fault.CodeOf(p.Revoke(c, now, pki.KeyCompromise)))
	require.NoError(t, p.Revoke(c, now.Add(-time.Hour), pki.KeyCompromise), "the key was lost earlier than thought")
	require.Len(t, p.Revoked(pki.SealCA), 1)
	require.Empty(t, p.Revoked(pki.TimestampCA))
	other, err := pki.Create(options)
	require.NoError(t, err)
	require.Equal(t, "unknown_certificate", fault.CodeOf(p.Revoke(other.Seal().Certificate, now, pki.Superseded)))
	require.Equal(t, "unknown_certificate", fault.CodeOf(p.Revoke(p.RP().Certificate, now, pki.Superseded)))
}

func TestOpenFollowsTheStatusService(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	first, err := pki.Open(dir, at("http://127.0.0.1:1"))
	require.NoError(t, err)
	same, err := pki.Open(dir, at("http://127.0.0.1:1"))
	require.NoError(t, err)
	require.Equal(t, first.Seal().Certificate.Raw, same.Seal().Certificate.Raw)
	require.NoError(t, same.Revoke(first.Seal().Certificate, time.Time{}, pki.Unspecified))

	moved, err := pki.Open(dir, at("http://127.0.0.1:2"))
	require.NoError(t, err)
	require.Equal(t, first.Seal().Certificate.PublicKey, moved.Seal().Certificate.PublicKey)
	require.Equal(t, []string{"http://127.0.0.1:2/ocsp/seal-ca"}, moved.Seal().Certificate.OCSPServer)
	require.Equal(t, first.Anchors(pki.Sealing)[0].Raw, moved.Anchors(pki.Sealing)[0].Raw)
	verifies(t, moved, pki.Sealing, moved.Seal())
	stored, err := os.ReadFile(filepath.Join(dir, "seal.pem"))
	require.NoError(t, err)
	require.Equal(t, string(moved.Seal().CertificatePEM()), string(stored))
	require.Len(t, moved.Revoked(pki.SealCA), 1, "revoked for ever")
	_, known := moved.Record(pki.SealCA, moved.Seal().Certificate.SerialNumber)
	require.True(t, known)
}

// A world that an earlier version made has fewer identities.
func TestOpenAddsWhatIsMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	first, err := pki.Open(dir, options)
	require.NoError(t, err)
	for _, name := range []string{"issued.json", "tsa-2.key", "tsa-2.pem", "tsa-ca-2.key", "tsa-ca-2.pem", "nbid-ca.key", "nbid-ca.pem"} {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	second, err := pki.Open(dir, options)
	require.NoError(t, err)
	require.Equal(t, first.TSA().Certificate.Raw, second.TSA().Certificate.Raw)
	verifies(t, second, pki.Timestamp, second.SecondTSA())
	third, err := pki.Open(dir, options)
	require.NoError(t, err)
	require.Equal(t, second.SecondTSA().Certificate.Raw, third.SecondTSA().Certificate.Raw)
	_, known := third.Record(pki.SealCA, first.Seal().Certificate.SerialNumber)
	require.True(t, known, "what is stored was issued, whatever the ledger says")
}

func TestNorwegianPerson(t *testing.T) {
	p, err := pki.Create(at("http://status.invalid"))
	require.NoError(t, err)
	nin := pki.SyntheticNIN(time.Date(1990, 5, 17, 0, 0, 0, 0, time.UTC), 3)
	require.Len(t, nin, 11)
	require.Equal(t, "178590", nin[:6])
	for kind, bits := range map[pki.KeyKind]int{pki.P256: 256, pki.RSA3072: 3072} {
		l := pki.NorwegianLeaf{NIN: nin, GivenName: "Kari", Surname: "Nordmann", Key: kind}
		id, err := p.NorwegianPerson(l)
		require.NoError(t, err, bits)
		c := id.Certificate
		verifies(t, p, pki.Norwegian, id)
		require.Len(t, id.Chain, 1)
		require.True(t, strings.HasPrefix(c.Subject.SerialNumber, "UN:NO-9578-4050-"))
		require.NotContains(t, c.Subject.String(), nin)
		require.Empty(t, c.OCSPServer)
		require.Equal(t, []string{"http://status.invalid/crl/nbid-ca.crl"}, c.CRLDistributionPoints)
		require.Equal(t, x509.KeyUsageContentCommitment, c.KeyUsage)
		found := map[string][]byte{}
		for _, e := range c.Extensions {
			found[e.Id.String()] = e.Value
		}
		var said string
		_, err = asn1.Unmarshal(found["2.16.578.1.61.2.4"], &said)
		require.NoError(t, err)
		require.Equal(t, nin, said)
		var statements []struct {
			ID   asn1.ObjectIdentifier
			Info asn1.RawValue `asn1:"optional"`
		}
		_, err = asn1.Unmarshal(found["1.3.6.1.5.5.7.1.3"], &statements)
		require.NoError(t, err)
		require.Equal(t, "0.4.0.1862.1.1", statements[0].ID.String())
		require.Equal(t, "0.4.0.1862.1.4", statements[1].ID.String())
		again, err := p.NorwegianPerson(l)
		require.NoError(t, err)
		require.Equal(t, c.Raw, again.Certificate.Raw)
	}
	without, err := p.NorwegianPerson(pki.NorwegianLeaf{GivenName: "Ola", Surname: "Nordmann"})
	require.NoError(t, err)
	for _, e := range without.Certificate.Extensions {
		require.NotEqual(t, "2.16.578.1.61.2.4", e.Id.String())
	}
}

func TestOnlySyntheticNINs(t *testing.T) {
	p, err := shared()
	require.NoError(t, err)
	good := pki.SyntheticNIN(time.Date(2001, 12, 31, 0, 0, 0, 0, time.UTC), 0)
	wrong := []byte(good)
	wrong[10] = '0' + (wrong[10]-'0'+1)%10
	for name, nin := range map[string]string{
		"real month": "10109001291", "check digit": string(wrong), "short": good[:10], "letters": "3192010000a",
		"month 93": "31930100000", "month 80": "31800100000",
	} {
		_, err := p.NorwegianPerson(pki.NorwegianLeaf{NIN: nin, GivenName: "A", Surname: "B"})
		require.Equal(t, "bad_nin", fault.CodeOf(err), name)
		require.NotContains(t, err.Error(), nin)
	}
}
