package bankidsig_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	oidSHA1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	rsaSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}
	rsaSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}

	statusGood    = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0}
	statusUnknown = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2}
)

// response is an OCSP response before it is signed.
type response struct {
	status          asn1.Enumerated
	by              identity
	issuer          identity
	name            []byte // responderID, byName
	serial          *big.Int
	hash            asn1.ObjectIdentifier
	good            asn1.RawValue
	producedAt      time.Time
	thisUpdate      time.Time
	copies          int // of the single response
	extensions      []pkix.Extension
	algorithm       asn1.ObjectIdentifier
	omitCertificate bool
	tamper          bool
}

type (
	wireCertID struct {
		Algorithm         pkix.AlgorithmIdentifier
		NameHash, KeyHash []byte
		Serial            *big.Int
	}
	wireSingle struct {
		ID         wireCertID
		Status     asn1.RawValue
		ThisUpdate time.Time `asn1:"generalized"`
	}
	wireData struct {
		Responder  asn1.RawValue
		ProducedAt time.Time `asn1:"generalized"`
		Responses  []wireSingle
		Extensions []pkix.Extension `asn1:"explicit,tag:1,optional"`
	}
	wireBasic struct {
		Data         asn1.RawValue
		Algorithm    pkix.AlgorithmIdentifier
		Signature    asn1.BitString
		Certificates []asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
	wireBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	wireResponse struct {
		Status asn1.Enumerated
		Bytes  wireBytes `asn1:"explicit,tag:0"`
	}
)

// response is as BankID's are: by name, SHA-1 ids, and a critical nonce of 32
// raw bytes of which 20 are SHA-1 over the signature's base64.
func (w *world) response(signature string) response {
	bound := sha1.Sum([]byte(signature))
	return response{
		by: w.responder, issuer: w.customer, name: w.responder.certificate.RawSubject, serial: w.leaf.certificate.SerialNumber, hash: oidSHA1,
		good: statusGood, producedAt: signedAt, thisUpdate: signedAt, copies: 1, algorithm: rsaSHA256,
		extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Critical: true, Value: append(bound[:], make([]byte, 12)...)}},
	}
}

func hashed(id asn1.ObjectIdentifier, b []byte) []byte {
	if id.Equal(oidSHA256) {
		sum := sha256.Sum256(b)
		return sum[:]
	}
	sum := sha1.Sum(b)
	return sum[:]
}

// sign returns the response as BankID would return it.
func (r response) sign(t testing.TB) string {
	t.Helper()
	var key struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	_, err := asn1.Unmarshal(r.issuer.certificate.RawSubjectPublicKeyInfo, &key)
	require.NoError(t, err)
	single := wireSingle{
		ID: wireCertID{
			Algorithm: pkix.AlgorithmIdentifier{Algorithm: r.hash, Parameters: asn1.NullRawValue},
			NameHash:  hashed(r.hash, r.issuer.certificate.RawSubject), KeyHash: hashed(r.hash, key.Key.Bytes), Serial: r.serial,
		},
		Status: r.good, ThisUpdate: r.thisUpdate,
	}
	data := wireData{
		Responder:  asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: r.name},
		ProducedAt: r.producedAt, Extensions: r.extensions,
	}
	for range r.copies {
		data.Responses = append(data.Responses, single)
	}
	der, err := asn1.Marshal(data)
	require.NoError(t, err)
	hash, sum := crypto.SHA256, hashed(oidSHA256, der)
	if r.algorithm.Equal(rsaSHA1) {
		hash, sum = crypto.SHA1, hashed(oidSHA1, der)
	}
	value, err := rsa.SignPKCS1v15(rand.Reader, r.by.key, hash, sum)
	require.NoError(t, err)
	if r.tamper {
		value[0] ^= 1
	}
	basic := wireBasic{
		Data: asn1.RawValue{FullBytes: der}, Algorithm: pkix.AlgorithmIdentifier{Algorithm: r.algorithm, Parameters: asn1.NullRawValue},
		Signature: asn1.BitString{Bytes: value, BitLength: 8 * len(value)},
	}
	if !r.omitCertificate {
		basic.Certificates = []asn1.RawValue{{FullBytes: r.by.certificate.Raw}}
	}
	whole := wireResponse{r.status, wireBytes{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}, must(asn1.Marshal(basic))}}
	return base64.StdEncoding.EncodeToString(must(asn1.Marshal(whole)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
