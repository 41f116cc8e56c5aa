package bankidsig

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // RFC 6960 identifies certificates and BankID binds its nonce with SHA-1; nothing rests on it alone
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"
)

// maxOCSP is far above the 2 to 3 KiB of a response with one certificate.
const maxOCSP = 64 << 10

// skew is what clocks, BankID's and ours, may differ by.
const skew = 2 * time.Minute

// NonceBinding says whether an OCSP response's nonce belongs to the signature.
// BankID's guide says only that it must match the "digest of signature". That its
// first 20 bytes are SHA-1 over the signature's base64 text was measured by one
// party on live responses, so a mismatch is fatal in strict mode alone.
type NonceBinding string

// The nonce bindings.
const (
	NonceMatch    NonceBinding = "match"
	NonceMismatch NonceBinding = "mismatch"
	NonceAbsent   NonceBinding = "absent"
)

var (
	oidBasicResponse = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidNonce         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidNoCheck       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA256WithRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidSHA512WithRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
)

// The structures of RFC 6960 4.2.1. They are decoded here and not by a library
// since BankID's nonce is critical and 32 raw bytes, where RFC 8954 has an octet
// string, and since each fault is to have a reason of its own.
type (
	ocspResponse struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type     asn1.ObjectIdentifier
			Response []byte
		} `asn1:"explicit,tag:0,optional"`
	}
	basicResponse struct {
		Data         asn1.RawValue
		Algorithm    pkix.AlgorithmIdentifier
		Signature    asn1.BitString
		Certificates []asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
	responseData struct {
		Version    int `asn1:"explicit,tag:0,default:0,optional"`
		Responder  asn1.RawValue
		ProducedAt time.Time `asn1:"generalized"`
		Responses  []singleResponse
		Extensions []pkix.Extension `asn1:"explicit,tag:1,optional"`
	}
	singleResponse struct {
		ID         certID
		Status     asn1.RawValue
		ThisUpdate time.Time        `asn1:"generalized"`
		NextUpdate time.Time        `asn1:"generalized,explicit,tag:0,optional"`
		Extensions []pkix.Extension `asn1:"explicit,tag:1,optional"`
	}
	certID struct {
		Algorithm pkix.AlgorithmIdentifier
		NameHash  []byte
		KeyHash   []byte
		Serial    asn1.RawValue
	}
)

// revocation is a parsed OCSP response; nothing in it is verified until check
// has passed.
type revocation struct {
	basic     basicResponse
	data      responseData
	single    singleResponse
	nonce     []byte
	responder *x509.Certificate
}

// decode reads DER and refuses anything after it. Go's decoder does not compare
// the length of an explicit tag with what is in it, so that is done first.
func decode(der []byte, into any) error {
	if !nested(der, 0) {
		return reject(OCSPMalformed, "the OCSP response is not DER")
	}
	rest, err := asn1.Unmarshal(der, into)
	if err != nil {
		return reject(OCSPMalformed, "the OCSP response cannot be read").Because(err)
	}
	if len(rest) > 0 {
		return reject(OCSPMalformed, "the OCSP response has data after its end")
	}
	return nil
}

// nested reports whether each value fills the one that holds it.
func nested(der []byte, depth int) bool {
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil || depth > maxDepth || v.IsCompound && !nested(v.Bytes, depth+1) {
			return false
		}
		der = rest
	}
	return true
}

func parseOCSP(der []byte) (*revocation, error) {
	var outer ocspResponse
	if err := decode(der, &outer); err != nil {
		return nil, err
	}
	if outer.Status != 0 || !outer.Bytes.Type.Equal(oidBasicResponse) {
		return nil, reject(OCSPMalformed, "the OCSP response is not a successful basic response")
	}
	r := &revocation{}
	if err := decode(outer.Bytes.Response, &r.basic); err != nil {
		return nil, err
	}
	if err := decode(r.basic.Data.FullBytes, &r.data); err != nil {
		return nil, err
	}
	if len(r.data.Responses) != 1 || r.data.Version != 0 {
		return nil, reject(OCSPMalformed, "the OCSP response is not about one certificate, in version 1")
	}
	r.single = r.data.Responses[0]
	if err := r.readExtensions(); err != nil {
		return nil, err
	}
	return r, r.findResponder()
}

// readExtensions takes the nonce. What is critical and unknown is refused
// (RFC 6960 4.4).
func (r *revocation) readExtensions() error {
	for _, x := range slices.Concat(r.data.Extensions, r.single.Extensions) {
		switch {
		case x.Id.Equal(oidNonce) && r.nonce == nil && len(x.Value) > 0:
			r.nonce = x.Value
		case x.Critical || x.Id.Equal(oidNonce):
			return reject(OCSPMalformed, "the OCSP response has a critical extension that is not known, or two nonces")
		}
	}
	return nil
}

// findResponder picks the embedded certificate that the responderID names.
func (r *revocation) findResponder() error {
	for _, raw := range r.basic.Certificates {
		c, err := x509.ParseCertificate(raw.FullBytes)
		if err != nil {
			return reject(OCSPMalformed, "a certificate of the OCSP response cannot be read").Because(err)
		}
		if r.data.Responder.Class != asn1.ClassContextSpecific {
			continue
		}
		switch r.data.Responder.Tag {
		case 1: // byName
			if bytes.Equal(r.data.Responder.Bytes, c.RawSubject) {
				r.responder = c
			}
		case 2: // byKey, an OCTET STRING with SHA-1 of the key
			var hash []byte
			if _, err := asn1.Unmarshal(r.data.Responder.Bytes, &hash); err == nil && bytes.Equal(hash, keyHash(c, crypto.SHA1)) {
				r.responder = c
			}
		}
	}
	if r.responder == nil {
		return reject(OCSPResponder, "the OCSP response does not carry its responder's certificate")
	}
	return nil
}

// keyHash hashes a certificate's public key bits, without tag and length
// (RFC 6960 4.1.1).
func keyHash(c *x509.Certificate, h crypto.Hash) []byte {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	return hashOf(h, info.Key.RightAlign())
}

func hashOf(h crypto.Hash, b []byte) []byte {
	if h == crypto.SHA256 {
		sum := sha256.Sum256(b)
		return sum[:]
	}
	sum := sha1.Sum(b) //nolint:gosec // see the import
	return sum[:]
}

// check verifies the response for the certificate of a person, by its issuer.
func (r *revocation) check(leaf, issuer *x509.Certificate) error {
	if err := r.checkResponder(issuer); err != nil {
		return err
	}
	if err := r.checkSignature(); err != nil {
		return err
	}
	if err := r.checkSubject(leaf, issuer); err != nil {
		return err
	}
	// CertStatus is a CHOICE: [0] good, [1] revoked, [2] unknown.
	if s := r.single.Status; s.Class != asn1.ClassContextSpecific || s.Tag != 0 {
		return reject(OCSPNotGood, "the certificate was revoked, or its issuer does not know it")
	}
	return r.checkUpdates()
}

// checkResponder accepts a responder to whom the person's issuer delegated
// (RFC 6960 4.2.2.2), which is the only kind that BankID has.
func (r *revocation) checkResponder(issuer *x509.Certificate) error {
	c := r.responder
	if !bytes.Equal(c.RawIssuer, issuer.RawSubject) || c.CheckSignatureFrom(issuer) != nil {
		return reject(OCSPResponder, "the OCSP responder is not of the same issuer as the person")
	}
	if c.IsCA || !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) {
		return reject(OCSPResponder, "the OCSP responder's certificate is not for that")
	}
	if len(c.UnhandledCriticalExtensions) > 0 {
		return reject(OCSPResponder, "the OCSP responder's certificate has a critical extension that is not known")
	}
	if at := r.data.ProducedAt; at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return reject(OCSPResponder, "the OCSP responder's certificate was not valid when it answered")
	}
	return nil
}

func (r *revocation) checkSignature() error {
	if p := r.basic.Algorithm.Parameters.FullBytes; len(p) > 0 && !bytes.Equal(p, asn1.NullBytes) {
		return reject(OCSPSignature, "the signature algorithm of the OCSP response has parameters")
	}
	var algorithm x509.SignatureAlgorithm
	switch id := r.basic.Algorithm.Algorithm; {
	case id.Equal(oidSHA256WithRSA):
		algorithm = x509.SHA256WithRSA
	case id.Equal(oidSHA512WithRSA):
		algorithm = x509.SHA512WithRSA
	default:
		return reject(OCSPSignature, "the OCSP response is signed with an algorithm that we do not accept")
	}
	if weak(r.responder) {
		return reject(OCSPResponder, "the OCSP responder's key is not RSA of at least %d bits", minKeyBits)
	}
	if err := r.responder.CheckSignature(algorithm, r.basic.Data.FullBytes, r.basic.Signature.RightAlign()); err != nil {
		return reject(OCSPSignature, "the signature of the OCSP response does not match")
	}
	return nil
}

// checkSubject compares serial number and issuer hashes (RFC 6960 4.1.1).
func (r *revocation) checkSubject(leaf, issuer *x509.Certificate) error {
	id := r.single.ID
	h := crypto.SHA1
	switch {
	case id.Algorithm.Algorithm.Equal(oidSHA1):
	case id.Algorithm.Algorithm.Equal(oidSHA256):
		h = crypto.SHA256
	default:
		return reject(OCSPWrong, "the OCSP response names its certificate with an unknown hash")
	}
	serial, err := asn1.Marshal(leaf.SerialNumber)
	if err != nil {
		return reject(OCSPWrong, "the certificate has no serial number that can be compared").Because(err)
	}
	if !bytes.Equal(id.Serial.FullBytes, serial) || !bytes.Equal(id.NameHash, hashOf(h, leaf.RawIssuer)) || !bytes.Equal(id.KeyHash, keyHash(issuer, h)) {
		return reject(OCSPWrong, "the OCSP response is about another certificate")
	}
	return nil
}

func (r *revocation) checkUpdates() error {
	at := r.data.ProducedAt
	if at.Before(r.single.ThisUpdate.Add(-skew)) || at.After(r.single.ThisUpdate.Add(skew)) {
		return reject(OCSPTime, "the OCSP response was not made when it says that it looked")
	}
	if next := r.single.NextUpdate; !next.IsZero() && at.After(next) {
		return reject(OCSPTime, "the OCSP response was out of date when it was made")
	}
	return nil
}

// binding compares the nonce with the signature's base64 text.
func (r *revocation) binding(signature string) NonceBinding {
	switch bound := hashOf(crypto.SHA1, []byte(signature)); {
	case r.nonce == nil:
		return NonceAbsent
	case bytes.HasPrefix(r.nonce, bound):
		return NonceMatch
	}
	return NonceMismatch
}

// noCheck reports whether the responder's certificate tells clients not to ask
// for its own revocation (RFC 6960 4.2.2.2.1), as BankID's does.
func (r *revocation) noCheck() bool {
	return slices.ContainsFunc(r.responder.Extensions, func(x pkix.Extension) bool { return x.Id.Equal(oidNoCheck) })
}
