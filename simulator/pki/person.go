package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"
)

// Use is what a personal certificate is for. BankID gives a person two: one
// signs with keyUsage nonRepudiation, the other identifies with digitalSignature.
type Use string

// The uses of a personal certificate.
const (
	Sign     Use = "sign"
	Identify Use = "identify"
)

// leafKeys bounds how many RSA keys personal certificates share. Making one
// takes a good part of a second, and nothing that the simulator proves depends
// on the keys of two persons being different.
const leafKeys = 16

// Leaf describes a personal certificate.
type Leaf struct {
	PersonalNumber, GivenName, Surname string
	Policy                             asn1.ObjectIdentifier
	Medium                             string // what BankID writes after the name: "BankID på fil"
	Issued                             time.Time
	Use                                Use
	Expired                            bool // already over when it is used, for tests of verifiers
}

type leafKey struct {
	number, name, policy string
	issued               int64
	use                  Use
	expired              bool
}

// Person returns the personal certificate for l, making it when it is new.
func (p *PKI) Person(l Leaf) (Identity, error) {
	id := leafKey{l.PersonalNumber, l.GivenName + " " + l.Surname, l.Policy.String(), l.Issued.Unix(), l.Use, l.Expired}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.leaves[id]; ok && known.validAt(p.o.Clock()) {
		return known, nil
	}
	key, err := p.leafSigner()
	if err != nil {
		return Identity{}, err
	}
	c, err := issue(p.o.Entropy, p.personProfile(l), key, p.customerCA)
	if err != nil {
		return Identity{}, fmt.Errorf("personal certificate: %w", err)
	}
	made := Identity{Certificate: c, Chain: above(p.customerCA), Key: key}
	p.leaves[id] = made
	return made, nil
}

func (p *PKI) personProfile(l Leaf) profile {
	full := l.GivenName + " " + l.Surname
	usage := x509.KeyUsageDigitalSignature
	if l.Use == Sign {
		usage = x509.KeyUsageContentCommitment
	}
	// Renewed as a bank would renew it, so that a world that is kept for years
	// goes on working.
	from := l.Issued
	for now := p.o.Clock(); now.After(from.Add(personLife)); {
		from = from.Add(personLife)
	}
	until := from.Add(personLife)
	if l.Expired {
		until = p.o.Clock().Add(-24 * time.Hour)
		from = until.Add(-personLife)
	}
	return profile{
		subject: []attribute{
			{oidCountry, "SE"},
			{oidOrganisation, simulatedBank},
			{oidSurname, l.Surname},
			{oidGivenName, l.GivenName},
			{oidSerialNumber, l.PersonalNumber},
			{oidName, fmt.Sprintf("(%s) %s - %s", l.Issued.Format("060102 15.04"), full, l.Medium)},
			{oidCommonName, full},
		},
		notBefore: from, notAfter: until, usage: usage, hash: crypto.SHA256,
		policy: l.Policy, ocspServer: "http://simulated.revocationstatus.invalid",
	}
}

// leafSigner returns the next key of the ring. The caller holds mu.
func (p *PKI) leafSigner() (crypto.Signer, error) {
	if len(p.ring) < leafKeys {
		k, err := rsaKey(p.o.Entropy, 2048)
		if err != nil {
			return nil, err
		}
		p.ring = append(p.ring, k)
		return k, nil
	}
	p.next++
	return p.ring[p.next%leafKeys], nil
}

// Responder returns the OCSP responder of the customer CA that issued every
// personal certificate: EKU OCSPSigning, id-pkix-ocsp-nocheck (RFC 6960
// 4.2.2.2.1), about six months of life.
func (p *PKI) Responder() (Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Clock()
	if c := p.responder.Certificate; c != nil && now.After(c.NotBefore) && now.Before(c.NotAfter) {
		return p.responder, nil
	}
	key, err := rsaKey(p.o.Entropy, 2048)
	if err != nil {
		return Identity{}, err
	}
	from := now.Add(-responderLife / 2)
	c, err := issue(p.o.Entropy, profile{
		subject: []attribute{
			{oidCountry, "SE"},
			{oidOrganisation, simulatedBank},
			{oidSerialNumber, bankSerial},
			{oidCommonName, p.customerCA.Certificate.Subject.CommonName + " OCSP Signing"},
		},
		notBefore: from, notAfter: from.Add(responderLife), hash: crypto.SHA256,
		usage: x509.KeyUsageContentCommitment, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		extra: []pkix.Extension{
			// cA FALSE is spelled out, as in BankID's certificate: an empty SEQUENCE.
			{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Value: []byte{0x30, 0x00}},
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: []byte{0x05, 0x00}},
		},
	}, key, p.customerCA)
	if err != nil {
		return Identity{}, fmt.Errorf("OCSP responder certificate: %w", err)
	}
	p.responder = Identity{Certificate: c, Chain: above(p.customerCA), Key: key}
	return p.responder, nil
}

// IssuerHashes returns the customer CA's name and key as OCSP's CertID wants
// them (RFC 6960 4.1.1): the DER name, and the key's bits without their header.
func (p *PKI) IssuerHashes() (name, key []byte, err error) {
	bits, err := publicKeyBits(p.customerCA.Certificate.PublicKey)
	return p.customerCA.Certificate.RawSubject, bits, err
}

// RPSubject names a relying party, like the subject of BankID's own FP
// Testcert: CN, name, serialNumber, O, C.
type RPSubject struct {
	CommonName         string
	Name               string // what the app shows
	OrganisationNumber string
	Bank               string // the bank that issued the certificate
}

func rpProfile(s RPSubject, from time.Time) profile {
	return profile{
		subject: []attribute{
			{oidCountry, "SE"},
			{oidOrganisation, s.Bank},
			{oidSerialNumber, s.OrganisationNumber},
			{oidName, s.Name},
			{oidCommonName, s.CommonName},
		},
		notBefore: from, notAfter: from.Add(longLife), usage: x509.KeyUsageDigitalSignature,
		extended: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// IssueRP makes a client certificate for a further relying party. Orders of one
// relying party are unknown to every other.
func (p *PKI) IssueRP(s RPSubject) (Identity, error) {
	if s.Bank == "" {
		s.Bank = simulatedBank
	}
	key, err := ecKey(p.o.Entropy)
	if err != nil {
		return Identity{}, err
	}
	c, err := issue(p.o.Entropy, rpProfile(s, p.o.Clock().Add(-24*time.Hour)), key, p.rpCA)
	if err != nil {
		return Identity{}, fmt.Errorf("relying party certificate: %w", err)
	}
	return Identity{Certificate: c, Key: key}, nil
}

// timeStampingUsage is the extended key usage of RFC 3161 2.3: time stamping
// alone, and critical, which crypto/x509 does not write by itself.
func timeStampingUsage() []pkix.Extension {
	return []pkix.Extension{{
		Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true,
		Value: []byte{0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08},
	}}
}
