package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// AuthorityName names a certificate authority that tells the status of what it
// issued; it is part of the addresses below [Options.StatusURL].
type AuthorityName string

// The authorities with a status service.
const (
	SealCA            AuthorityName = "seal-ca"         // a root
	SealIssuingCA     AuthorityName = "seal-issuing-ca" // under SealCA
	TimestampCA       AuthorityName = "tsa-ca"          // a root
	SecondTimestampCA AuthorityName = "tsa-ca-2"        // another root
	NorwegianRoot     AuthorityName = "nbid-root"
	NorwegianCA       AuthorityName = "nbid-ca" // under NorwegianRoot; CRL alone, as Norwegian BankID does
)

// Status says by which ways a certificate lets its status be asked for. With
// an empty [Options.StatusURL] there is none, whatever it says.
type Status int

// The ways.
const (
	StatusBoth Status = iota // OCSP and CRL
	StatusOCSP
	StatusCRL
	StatusNone
)

// Authorities lists those that tell the status of certificates.
func (p *PKI) Authorities() []AuthorityName {
	return []AuthorityName{SealCA, SealIssuingCA, TimestampCA, SecondTimestampCA, NorwegianRoot, NorwegianCA}
}

// Authority returns one of [PKI.Authorities].
func (p *PKI) Authority(name AuthorityName) (Identity, bool) {
	id := map[AuthorityName]*Identity{
		SealCA: &p.sealCA, SealIssuingCA: &p.sealIssuingCA, TimestampCA: &p.tsaCA, SecondTimestampCA: &p.secondTSACA,
		NorwegianRoot: &p.norwegianRoot, NorwegianCA: &p.norwegianCA,
	}[name]
	if id == nil {
		return Identity{}, false
	}
	return *id, true
}

// pointed adds to a profile the addresses where status and issuer are found.
func (p *PKI) pointed(to profile, issuer AuthorityName, by Status) profile {
	if p.o.StatusURL == "" || by == StatusNone {
		return to
	}
	if by != StatusCRL {
		to.ocspServer = fmt.Sprintf("%s/ocsp/%s", p.o.StatusURL, issuer)
	}
	if by != StatusOCSP {
		to.crl = fmt.Sprintf("%s/crl/%s.crl", p.o.StatusURL, issuer)
	}
	to.caIssuers = fmt.Sprintf("%s/ca/%s.cer", p.o.StatusURL, issuer)
	return to
}

// Revoke revokes a certificate of one of [PKI.Authorities] as of a time, which
// may lie in the past; zero is now. A certificate is revoked once: who finds
// that the key was lost earlier asks for the earlier time.
func (p *PKI) Revoke(c *x509.Certificate, at time.Time, reason Reason) error {
	name, ok := p.issuerOf(c)
	if !ok {
		return errNotOurs
	}
	if at.IsZero() {
		at = p.o.Clock()
	}
	return p.ledger.revoke(name, c.SerialNumber, at, reason)
}

// Record returns what an authority knows of a serial number.
func (p *PKI) Record(authority AuthorityName, serial *big.Int) (Record, bool) {
	return p.ledger.find(authority, serial)
}

// Revoked lists the certificates of an authority that are revoked.
func (p *PKI) Revoked(authority AuthorityName) []Record { return p.ledger.revoked(authority) }

// record enters a certificate in its authority's ledger, when there is one.
func (p *PKI) record(c *x509.Certificate) error {
	name, ok := p.issuerOf(c)
	if !ok {
		return nil
	}
	return p.ledger.enter(name, Record{Serial: c.SerialNumber, NotAfter: c.NotAfter})
}

func (p *PKI) issuerOf(c *x509.Certificate) (AuthorityName, bool) {
	for _, name := range p.Authorities() {
		if id, _ := p.Authority(name); id.Certificate != nil && c.CheckSignatureFrom(id.Certificate) == nil {
			return name, true
		}
	}
	return "", false
}

var oidNoCheck = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}

// StatusResponder returns who signs OCSP answers for an authority at a time:
// a delegate with the key usage of RFC 6960 4.2.2.2, whose own status nobody
// need ask for (id-pkix-ocsp-nocheck, 4.2.2.2.1).
func (p *PKI) StatusResponder(authority AuthorityName, at time.Time) (Identity, error) {
	issuer, ok := p.Authority(authority)
	if !ok {
		return Identity{}, errNotOurs
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, ok := p.statusResponders[authority]; ok && at.After(r.Certificate.NotBefore) && at.Before(r.Certificate.NotAfter) {
		return r, nil
	}
	made, err := p.responderOf(issuer, at, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning})
	if err != nil {
		return Identity{}, err
	}
	p.statusResponders[authority] = made
	return made, nil
}

// Impostor returns somebody whom the authority certified, but not for signing
// OCSP answers.
func (p *PKI) Impostor(authority AuthorityName, at time.Time) (Identity, error) {
	issuer, ok := p.Authority(authority)
	if !ok {
		return Identity{}, errNotOurs
	}
	return p.responderOf(issuer, at, nil)
}

func (p *PKI) responderOf(issuer Identity, at time.Time, usage []x509.ExtKeyUsage) (Identity, error) {
	key, err := ecKey(p.o.Entropy)
	if err != nil {
		return Identity{}, err
	}
	from := at.Add(-responderLife / 2)
	c, err := issue(p.o.Entropy, profile{
		subject: []attribute{
			{oidCountry, "SE"},
			{oidOrganisation, simulatedOwner},
			{oidCommonName, issuer.Certificate.Subject.CommonName + " OCSP Signing"},
		},
		notBefore: from, notAfter: from.Add(responderLife),
		usage: x509.KeyUsageDigitalSignature, extended: usage,
		extra: []pkix.Extension{{Id: oidNoCheck, Value: asn1.NullBytes}},
	}, key, issuer)
	if err != nil {
		return Identity{}, fmt.Errorf("OCSP responder of %s: %w", issuer.Certificate.Subject.CommonName, err)
	}
	return Identity{Certificate: c, Chain: above(issuer), Key: key}, nil
}
