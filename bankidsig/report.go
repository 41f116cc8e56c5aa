package bankidsig

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"time"
)

var (
	oidSurname   = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidGivenName = asn1.ObjectIdentifier{2, 5, 4, 42}
)

// What a person did, by funcId.
const (
	FunctionSigning        = "Signing"
	FunctionIdentification = "Identification"
)

// TimeSource says who states the time of signing.
type TimeSource string

// The time sources.
const (
	TimeOCSP  TimeSource = "ocsp"  // the OCSP responder, under its signature
	TimeGiven TimeSource = "given" // the caller; nobody else vouches for it
)

// How a check went, beside the values of NonceBinding.
const (
	matches     = "match"
	mismatch    = "mismatch"
	notCompared = "not_compared"
	missing     = "missing"
	good        = "good"
	present     = "present"
	absent      = "absent"
)

// Report is what a signature proves.
type Report struct {
	Signer   Signer
	Function string // FunctionSigning or FunctionIdentification
	// VisibleText and NonVisibleData are what the person signed, after base64.
	VisibleText, NonVisibleData Private
	VisibleFormat               string
	// RelyingParty is the name that the signature was made for, as RFC 4514 writes
	// it, and DisplayName the one that the person saw.
	RelyingParty, DisplayName string

	SignedAt   time.Time
	TimeSource TimeSource

	// Environment and AnchorSHA256 name the trust anchor.
	Environment  Environment
	AnchorSHA256 string
	// CertificateSHA256 names the person's certificate, Policies its certificate
	// policies and NonRepudiation whether its keyUsage has nonRepudiation.
	CertificateSHA256 string
	Policies          []string
	NonRepudiation    bool

	// NonceBinding is empty without an OCSP response.
	NonceBinding NonceBinding
	// Checks names what was checked and how it went: ocsp, nonce_binding,
	// ocsp_nocheck, certificate_purpose, visible_text, visible_format,
	// non_visible_data, signer, rp_name, order_time.
	Checks map[string]string
}

// Signer is the person that a certificate was issued to.
type Signer struct {
	PersonalNumber           Private
	Name, GivenName, Surname Private
}

// describe fills the report from a signature that was verified.
func (r *Report) describe(d *document, anchor Anchor) {
	leaf := d.certificates[0]
	r.Signer = personOf(leaf)
	r.Function = d.data.function
	r.VisibleText, r.NonVisibleData = decoded(d.data.visible), decoded(d.data.nonVisible)
	r.VisibleFormat = d.data.format
	r.RelyingParty, r.DisplayName = d.data.relyingParty, d.data.displayName
	r.Environment, r.AnchorSHA256 = anchor.Environment, fingerprint(anchor.Certificate)
	r.CertificateSHA256 = fingerprint(leaf)
	for _, policy := range leaf.Policies {
		r.Policies = append(r.Policies, policy.String())
	}
	r.NonRepudiation = leaf.KeyUsage&x509.KeyUsageContentCommitment != 0
}

func decoded(text *string) Private {
	if text == nil {
		return ""
	}
	b, err := base64.StdEncoding.DecodeString(*text)
	if err != nil { // it was decoded once before
		return ""
	}
	return Private(b)
}

// addOCSP records how the certificate's status was established.
func (r *Report) addOCSP(response *revocation, in Input) error {
	if response == nil {
		r.Checks["ocsp"] = missing
		return nil
	}
	r.Checks["ocsp"] = good
	r.NonceBinding = response.binding(in.Signature)
	r.Checks["nonce_binding"] = string(r.NonceBinding)
	r.Checks["ocsp_nocheck"] = absent
	if response.noCheck() {
		r.Checks["ocsp_nocheck"] = present
	}
	if in.Mode.Strict && r.NonceBinding != NonceMatch {
		return reject(OCSPNonce, "the nonce of the OCSP response is not bound to it")
	}
	if in.Mode.Strict && !response.noCheck() {
		return reject(OCSPResponder, "the OCSP responder's certificate does not say that it need not be checked")
	}
	return nil
}
