package pdf_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf/internal/attack"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// Tricks with the signature itself, by somebody with a valid key.
func TestCMSTricks(t *testing.T) {
	k := attack.New(t, "table", nil)
	w := k.World
	seal := w.Seal
	// The same key in the certificate of somebody else, and a stranger's key.
	twin := w.Issue(t, seal.Key, "Somebody Else", nil)
	stranger := pdftest.NewWorld(t, pdftest.P256(t))
	stamp := attack.Stamp(k.Token)
	type bend func(*attack.CMS)
	drop := func(oid asn1.ObjectIdentifier) bend {
		return func(c *attack.CMS) {
			c.Attrs = func(all []attack.Attribute) []attack.Attribute {
				return slices.DeleteFunc(all, func(a attack.Attribute) bool { return a.OID.Equal(oid) })
			}
		}
	}
	twice := func(oid asn1.ObjectIdentifier) bend {
		return func(c *attack.CMS) {
			c.Attrs = func(all []attack.Attribute) []attack.Attribute {
				return append(all, all[slices.IndexFunc(all, func(a attack.Attribute) bool { return a.OID.Equal(oid) })])
			}
		}
	}
	values := func(oid asn1.ObjectIdentifier, change func([][]byte) [][]byte) bend {
		return func(c *attack.CMS) {
			c.Attrs = func(all []attack.Attribute) []attack.Attribute {
				i := slices.IndexFunc(all, func(a attack.Attribute) bool { return a.OID.Equal(oid) })
				all[i].Values = change(all[i].Values)
				return all
			}
		}
	}
	double := func(v [][]byte) [][]byte { return append(v, v[0]) }
	empty := func([][]byte) [][]byte { return nil }
	signingTime := func(c *attack.CMS) {
		c.Attrs = func(all []attack.Attribute) []attack.Attribute {
			der, err := asn1.Marshal(w.Now)
			require.NoError(t, err)
			return append(all, attack.Attribute{OID: attack.OIDTime, Values: [][]byte{der}})
		}
	}
	foreign := func(digest []byte) []byte {
		token, err := stranger.Token(stranger.Stamp, digest, nil)
		require.NoError(t, err)
		return token
	}
	bySeal := func(digest []byte) []byte {
		token, err := w.Token(seal, digest, nil)
		require.NoError(t, err)
		return token
	}
	cut := func(digest []byte) []byte { return k.Token(digest)[:200] }
	forged := func(digest []byte) []byte {
		token := k.Token(make([]byte, 32))
		return bytes.Replace(token, make([]byte, 32), digest, 1)
	}
	var all []attempt
	for name, row := range map[string]struct {
		bend bend
		want string
	}{
		"honest":                     {func(*attack.CMS) {}, totalPassed},
		"without timestamp":          {func(c *attack.CMS) { c.Stamps = nil }, totalPassed},
		"two signers":                {func(c *attack.CMS) { c.Signers = 2 }, failedFormat},
		"content inside":             {func(c *attack.CMS) { c.Inside = []byte("another contract") }, failedFormat},
		"content inside, its digest": {func(c *attack.CMS) { c.Inside = []byte("x"); d := sha256.Sum256([]byte("x")); c.Digest = d[:] }, failedHash + " or " + failedFormat},
		"another content type":       {func(c *attack.CMS) { c.Type = attack.OIDType }, failedFormat},
		"content type attribute":     {values(attack.OIDType, func([][]byte) [][]byte { return [][]byte{{6, 3, 42, 3, 4}} }), failedFormat},
		"no content type":            {drop(attack.OIDType), failedFormat},
		"two content types":          {twice(attack.OIDType), failedFormat},
		"two values of content type": {values(attack.OIDType, double), failedFormat},
		"no digest":                  {drop(attack.OIDDigest), failedFormat},
		"two digests":                {twice(attack.OIDDigest), failedFormat},
		"two values of digest":       {values(attack.OIDDigest, double), failedFormat},
		"no value of digest":         {values(attack.OIDDigest, empty), failedFormat},
		"a short digest":             {func(c *attack.CMS) { c.Digest = c.Digest[:31] }, failedHash},
		"an empty digest":            {func(c *attack.CMS) { c.Digest = []byte{} }, failedHash},
		"another digest":             {func(c *attack.CMS) { c.Digest = make([]byte, 32) }, failedHash},
		"no signed attributes":       {func(c *attack.CMS) { c.NoAttrs = true }, failedFormat},
		"attributes out of order":    {func(c *attack.CMS) { c.Unsorted = true }, failedFormat + " or " + failedCrypto},
		"signing time":               {signingTime, unconstrained},
		"certificate not bound":      {drop(attack.OIDBound), unconstrained + " or " + noCertificate},
		"bound twice":                {twice(attack.OIDBound), failedFormat},
		"bound with two values":      {values(attack.OIDBound, double), failedFormat},
		"another certificate bound":  {func(c *attack.CMS) { c.Bound = twin.Cert }, noCertificate},
		"certificate swapped":        {func(c *attack.CMS) { c.Named = twin.Cert; c.Carried = []*x509.Certificate{twin.Cert} }, noCertificate},
		"swapped, both carried":      {func(c *attack.CMS) { c.Named = twin.Cert; c.Carried = []*x509.Certificate{seal.Cert, twin.Cert} }, noCertificate},
		"swapped and bound":          {func(c *attack.CMS) { c.By = twin }, totalPassed}, // the key is theirs, and says so
		"certificate missing":        {func(c *attack.CMS) { c.Carried = []*x509.Certificate{w.Root.Cert} }, noCertificate},
		"a stranger's certificate": {func(c *attack.CMS) {
			c.Named, c.Bound, c.Carried = stranger.Seal.Cert, stranger.Seal.Cert, stranger.Seal.Chain()
		}, failedCrypto},
		"the CA's certificate": {func(c *attack.CMS) {
			c.Named, c.Bound, c.Carried = w.Root.Cert, w.Root.Cert, []*x509.Certificate{w.Root.Cert}
		}, failedCrypto},
		"a stranger": {func(c *attack.CMS) { c.By = stranger.Seal }, noChain},
		"a stranger with our root": {func(c *attack.CMS) {
			c.By = stranger.Seal
			c.Carried = []*x509.Certificate{stranger.Seal.Cert, stranger.Root.Cert, w.Root.Cert}
		}, noChain},
		"digest said to be SHA-1":     {func(c *attack.CMS) { c.Hash = attack.OIDSHA1 }, weakCrypto},
		"digest said to be SHA-384":   {func(c *attack.CMS) { c.Hash = attack.OIDSHA384 }, failedHash + " or " + weakCrypto + " or " + failedFormat},
		"signature said to be SHA-1":  {func(c *attack.CMS) { c.Algorithm = attack.OIDECDSASHA1 }, weakCrypto},
		"signature said to be 384":    {func(c *attack.CMS) { c.Algorithm = attack.OIDECDSA384 }, weakCrypto + " or " + failedCrypto},
		"signature said to be RSA":    {func(c *attack.CMS) { c.Algorithm = attack.OIDRSA256 }, weakCrypto + " or " + failedCrypto},
		"two timestamps":              {func(c *attack.CMS) { c.Stamps = []attack.Stamp{stamp, stamp} }, totalPassed},
		"a second, foreign timestamp": {func(c *attack.CMS) { c.Stamps = []attack.Stamp{stamp, foreign} }, totalPassed},
		"a first, foreign timestamp":  {func(c *attack.CMS) { c.Stamps = []attack.Stamp{foreign, stamp} }, totalPassed},
		"a foreign timestamp":         {func(c *attack.CMS) { c.Stamps = []attack.Stamp{foreign} }, noTime},
		"a timestamp by a seal":       {func(c *attack.CMS) { c.Stamps = []attack.Stamp{bySeal} }, noTime},
		"a timestamp cut short":       {func(c *attack.CMS) { c.Stamps = []attack.Stamp{cut} }, noTime + " or " + failedFormat},
		"a forged timestamp":          {func(c *attack.CMS) { c.Stamps = []attack.Stamp{forged} }, noTime},
		"a timestamp of the document": {func(c *attack.CMS) { c.StampOver = c.Digest }, noTime},
		"an unknown attribute":        {func(c *attack.CMS) { c.Unsigned = []attack.Attribute{{OID: attack.OIDTime, Values: [][]byte{{5, 0}}}} }, totalPassed},
	} {
		file := k.Sign(k.Base(), attack.Signing{CMS: func(digest []byte) []byte {
			c := attack.CMS{By: seal, Digest: digest, Stamps: []attack.Stamp{stamp}}
			row.bend(&c)
			return c.Encode(t)
		}})
		all = append(all, attempt{name, file, row.want, ""})
	}
	resist(t, k, all)
}

// Certificates that somebody with a valid certificate could make or get.
func TestCertificateTricks(t *testing.T) {
	k := attack.New(t, "stream", nil)
	w := k.World
	// under issues a certificate by an end entity that is no authority.
	under := func(by *pdftest.Identity) *pdftest.Identity {
		key := pdftest.P256(t)
		c := &x509.Certificate{
			SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "Our Organisation"},
			NotBefore: w.Now.AddDate(-1, 0, 0), NotAfter: w.Now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		}
		der, err := x509.CreateCertificate(rand.Reader, c, by.Cert, key.Public(), by.Key)
		require.NoError(t, err)
		made, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return &pdftest.Identity{Key: key, Cert: made, CA: by.Chain()}
	}
	issue := func(change func(*x509.Certificate)) *pdftest.Identity {
		return w.Issue(t, pdftest.P256(t), "Counterparty", change)
	}
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	var all []attempt
	for name, row := range map[string]struct {
		by   *pdftest.Identity
		want string
	}{
		"issued by no authority":  {under(w.Seal), noChain},
		"issued by a timestamper": {under(w.Stamp), noChain},
		"not for signing":         {issue(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), unconstrained},
		"of an authority's own":   {issue(func(c *x509.Certificate) { c.IsCA = true }), unconstrained},
		"not yet valid":           {issue(func(c *x509.Certificate) { c.NotBefore = w.Now.Add(time.Hour) }), "INDETERMINATE NOT_YET_VALID or " + noChain + " or TOTAL-FAILED NOT_YET_VALID"},
		"over":                    {issue(func(c *x509.Certificate) { c.NotAfter = w.Now.Add(-time.Hour) }), "INDETERMINATE OUT_OF_BOUNDS_NO_POE or " + noChain},
		"critical and not understood": {issue(func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), noChain + " or INDETERMINATE CHAIN_CONSTRAINTS_FAILURE or INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE"},
		"a weak key": {w.Issue(t, small, "Counterparty", nil), weakCrypto},
	} {
		all = append(all, attempt{name, k.Sign(k.Base(), attack.Signing{By: row.by}), row.want, ""})
	}
	resist(t, k, all)
}
