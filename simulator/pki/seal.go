package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"time"
)

// KeyKind is a kind of signing key.
type KeyKind string

// The kinds of keys.
const (
	RSA2048 KeyKind = "RSA-2048"
	RSA3072 KeyKind = "RSA-3072"
	RSA4096 KeyKind = "RSA-4096"
	P256    KeyKind = "P-256"
	P384    KeyKind = "P-384"
	P521    KeyKind = "P-521"
	Ed25519 KeyKind = "Ed25519"
)

// NewKey makes a key; "" is P-256.
func NewKey(entropy io.Reader, kind KeyKind) (crypto.Signer, error) {
	curve := func(c elliptic.Curve) (crypto.Signer, error) {
		k, err := ecdsa.GenerateKey(c, entropy)
		if err != nil {
			return nil, fmt.Errorf("make %s key: %w", kind, err)
		}
		return k, nil
	}
	switch kind {
	case RSA2048:
		return rsaKey(entropy, 2048)
	case RSA3072:
		return rsaKey(entropy, 3072)
	case RSA4096:
		return rsaKey(entropy, 4096)
	case "", P256:
		return ecKey(entropy)
	case P384:
		return curve(elliptic.P384())
	case P521:
		return curve(elliptic.P521())
	case Ed25519:
		_, k, err := ed25519.GenerateKey(entropy)
		if err != nil {
			return nil, fmt.Errorf("make %s key: %w", kind, err)
		}
		return k, nil
	}
	return nil, fmt.Errorf("pki: no such kind of key: %s", kind)
}

// SealOrder describes the certificate of a seal. The zero value orders one
// like [PKI.Seal], for another key.
type SealOrder struct {
	CommonName, Organisation string
	Key                      KeyKind
	Signer                   crypto.Signer // instead of a new key
	NotBefore, NotAfter      time.Time     // zero: a year ago, ten years later
	// Intermediate has SealIssuingCA issue it, so that the chain has three
	// certificates; else SealCA itself does.
	Intermediate bool
	Status       Status
	// ShortLived adds id-etsi-ext-valassured-ST-certs (ETSI EN 319 412-1 5.2): the
	// certificate is so short-lived that its status is never asked for.
	ShortLived bool
}

var oidShortLived = asn1.ObjectIdentifier{0, 4, 0, 194121, 2, 1}

func (o SealOrder) profile(from time.Time) profile {
	made := profile{
		subject: []attribute{
			{oidCountry, "SE"},
			{oidOrganisation, orElse(o.Organisation, "Simulated Organisation AB")},
			{oidOrganisationID, "NTRSE-5566304928"},
			{oidCommonName, orElse(o.CommonName, "Simulated Organisation Seal")},
		},
		usage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	made.notBefore, made.notAfter = life(o.NotBefore, o.NotAfter, from)
	if o.ShortLived {
		made.extra = []pkix.Extension{{Id: oidShortLived, Value: asn1.NullBytes}}
	}
	return made
}

func orElse(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}

func life(notBefore, notAfter, from time.Time) (time.Time, time.Time) {
	if notBefore.IsZero() {
		notBefore = from
	}
	if notAfter.IsZero() {
		notAfter = notBefore.Add(longLife)
	}
	return notBefore, notAfter
}

// IssueSeal makes a seal: a key and its certificate.
func (p *PKI) IssueSeal(o SealOrder) (Identity, error) {
	issuer := SealCA
	if o.Intermediate {
		issuer = SealIssuingCA
	}
	return p.issueFor(issuer, o.profile(p.yearAgo()), o.Status, o.Key, o.Signer)
}

func (p *PKI) yearAgo() time.Time {
	return p.o.Clock().Add(-365 * 24 * time.Hour).Truncate(time.Second)
}

// issueFor has an authority certify a key, which it makes when none is given.
func (p *PKI) issueFor(issuer AuthorityName, what profile, by Status, kind KeyKind, key crypto.Signer) (Identity, error) {
	if key == nil {
		var err error
		if key, err = NewKey(p.o.Entropy, kind); err != nil {
			return Identity{}, err
		}
	}
	authority, _ := p.Authority(issuer)
	c, err := issue(p.o.Entropy, p.pointed(what, issuer, by), key, authority)
	if err != nil {
		return Identity{}, fmt.Errorf("certificate under %s: %w", issuer, err)
	}
	return Identity{Certificate: c, Chain: above(authority), Key: key}, p.record(c)
}

// TSAOrder describes the certificate of a timestamp authority. The zero value
// orders one like [PKI.TSA], on P-256.
type TSAOrder struct {
	CommonName          string
	Key                 KeyKind
	NotBefore, NotAfter time.Time // zero: a year ago, ten years later
	Second              bool      // under SecondTimestampCA instead of TimestampCA
	Status              Status
}

func (o TSAOrder) profile(from time.Time) profile {
	cn := "Simulated Timestamp Authority"
	if o.Second {
		cn = "Simulated Second Timestamp Authority"
	}
	made := profile{
		subject: []attribute{{oidCountry, "SE"}, {oidOrganisation, simulatedOwner}, {oidCommonName, orElse(o.CommonName, cn)}},
		usage:   x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		extra:   timeStampingUsage(),
	}
	made.notBefore, made.notAfter = life(o.NotBefore, o.NotAfter, from)
	return made
}

// IssueTSA makes a timestamp authority; the tsa package plays it.
func (p *PKI) IssueTSA(o TSAOrder) (Identity, error) {
	issuer := TimestampCA
	if o.Second {
		issuer = SecondTimestampCA
	}
	return p.issueFor(issuer, o.profile(p.yearAgo()), o.Status, o.Key, nil)
}
