// Package revocation reads and judges what certification authorities say about
// the status of their certificates: OCSP responses (RFC 6960) and revocation
// lists (RFC 5280 5). It is pure: no network, no clock, no trust of its own.
//
// # The idea
//
// One question is asked, [Register.Status]: was this certificate, issued by that
// one, good at some time, as the proofs at hand say? A proof speaks only when it
// is authentic (signed by the issuer or by a responder that the issuer appointed)
// and when it speaks of that time (ETSI EN 319 102-1 5.2.5: it was current then,
// or made later while the certificate was still in the issuer's books).
//
//	r := revocation.NewRegister(proofs)
//	a := r.Status(revocation.Question{Certificate: c, Issuer: ca, At: signed, Now: now})
//	// a.Status is Good, Revoked (since a.RevokedAt) or Unknown (a.Why)
//
// Whether the issuer itself is to be believed is the caller's question.
//
// # Invariants
//
//   - A proof that is not understood is not a proof: a critical extension that is
//     unknown, a partial or indirect list, an algorithm that is weak.
//   - A proof is never evidence for the certificate that signed it.
//   - Work is bounded by the size and number of proofs; a list is searched where
//     it lies, without unpacking its entries.
package revocation

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"
)

// Proof is one statement about a certificate's status, as it was fetched.
type Proof struct {
	OCSP, CRL    []byte   // exactly one, DER
	Certificates [][]byte // the responder's own, when it is an appointed one
}

// Proofs are statements at hand, DER. Certificates help to find the responders
// that signed them; those inside a response are found without.
type Proofs struct {
	OCSP, CRLs, Certificates [][]byte
}

// Add puts one more proof to the others.
func (p *Proofs) Add(one Proof) {
	if one.OCSP != nil {
		p.OCSP = append(p.OCSP, one.OCSP)
	}
	if one.CRL != nil {
		p.CRLs = append(p.CRLs, one.CRL)
	}
	p.Certificates = append(p.Certificates, one.Certificates...)
}

// With returns both together and changes neither.
func (p *Proofs) With(more Proofs) Proofs {
	return Proofs{
		OCSP: slices.Concat(p.OCSP, more.OCSP), CRLs: slices.Concat(p.CRLs, more.CRLs),
		Certificates: slices.Concat(p.Certificates, more.Certificates),
	}
}

// Status is what the proofs say.
type Status string

// The statuses.
const (
	Good    Status = "good"
	Revoked Status = "revoked"
	Unknown Status = "unknown"
)

// CertificateHold is the reason of a revocation that may be lifted (RFC 5280 5.3.1).
const CertificateHold = 6

// Kind is the form of a proof.
type Kind string

// The kinds of proof.
const (
	OCSP Kind = "ocsp"
	CRL  Kind = "crl"
)

// Question is what a verifier wants to know.
type Question struct {
	Certificate, Issuer *x509.Certificate
	// At is when the certificate must have been good.
	At time.Time
	// Now bounds what is believed: a proof made after it is left out. It is the
	// present, or the time at which the proofs are known to have existed. Zero
	// sets no bound.
	Now time.Time
}

// Answer is what the proofs say to a [Question].
type Answer struct {
	Status Status
	// Why says in one sentence why the status is Unknown.
	Why string
	// Unproven is a responder that would decide if its own status were proven.
	Unproven *x509.Certificate
	// RevokedAt and Reason (RFC 5280 5.3.1) hold when Status is Revoked, whether
	// that was before or after the time asked for: the caller compares.
	RevokedAt time.Time
	Reason    int
	// Used is the proof that decided; nil when Unknown.
	Used *Used
}

// Used describes the proof behind an answer.
type Used struct {
	Kind Kind
	Raw  []byte // as given
	// NextUpdate is zero when the proof names none.
	ProducedAt, ThisUpdate, NextUpdate time.Time
	// Responder signed the proof: the issuer, or whom it appointed.
	Responder *x509.Certificate
}

var (
	oidNoCheck    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
	oidShortLived = asn1.ObjectIdentifier{0, 4, 0, 194121, 2, 1}
)

// ShortLived reports whether the issuer declares that the certificate ends
// before a revocation could matter (ETSI EN 319 412-1 5.2), so that there is no
// status to prove.
func ShortLived(c *x509.Certificate) bool { return has(c, oidShortLived) }

// NoCheck reports whether the issuer vouches for a responder's certificate for
// as long as it lasts (RFC 6960 4.2.2.2.1).
func NoCheck(c *x509.Certificate) bool { return has(c, oidNoCheck) }

// Named reports whether a certificate names where its status can be learnt.
func Named(c *x509.Certificate) bool {
	return len(c.OCSPServer) > 0 || len(c.CRLDistributionPoints) > 0
}

func has(c *x509.Certificate, oid asn1.ObjectIdentifier) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(oid) {
			return true
		}
	}
	return false
}

// IsOCSP reports whether der is a well-formed successful response.
func IsOCSP(der []byte) bool { _, err := parseOCSP(der); return err == nil }

// IsCRL reports whether der is a well-formed revocation list.
func IsCRL(der []byte) bool { _, err := parseCRL(der); return err == nil }
