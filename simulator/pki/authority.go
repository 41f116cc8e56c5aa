package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"time"
)

// Lifetimes. A simulated world outlives the project that uses it; BankID's own
// responder certificates live about six months.
const (
	worldLife     = 20 * 365 * 24 * time.Hour
	longLife      = 10 * 365 * 24 * time.Hour
	personLife    = 2 * 365 * 24 * time.Hour
	responderLife = 180 * 24 * time.Hour
)

// profile describes a certificate to be issued.
type profile struct {
	subject    []attribute
	notBefore  time.Time
	notAfter   time.Time
	ca         bool
	usage      x509.KeyUsage
	extended   []x509.ExtKeyUsage
	policy     asn1.ObjectIdentifier
	ocspServer string
	crl        string // distribution point
	caIssuers  string
	hosts      hosts
	extra      []pkix.Extension
	hash       crypto.Hash // of the issuer's signature
}

// issue signs a certificate for key. A zero issuer makes it self-signed.
func issue(entropy io.Reader, p profile, key crypto.Signer, issuer Identity) (*x509.Certificate, error) {
	subject, err := distinguishedName(p.subject...)
	if err != nil {
		return nil, fmt.Errorf("encode subject: %w", err)
	}
	serial, err := serialNumber(entropy)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, RawSubject: subject, NotBefore: p.notBefore.UTC(), NotAfter: p.notAfter.UTC(),
		KeyUsage: p.usage, ExtKeyUsage: p.extended,
		IsCA: p.ca, BasicConstraintsValid: p.ca, ExtraExtensions: p.extra,
		DNSNames: p.hosts.names, IPAddresses: p.hosts.addresses,
	}
	if len(p.policy) > 0 {
		policy, err := x509.OIDFromInts(widen(p.policy))
		if err != nil {
			return nil, fmt.Errorf("policy %v: %w", p.policy, err)
		}
		template.Policies = []x509.OID{policy}
	}
	if p.ocspServer != "" {
		template.OCSPServer = []string{p.ocspServer}
	}
	if p.crl != "" {
		template.CRLDistributionPoints = []string{p.crl}
	}
	if p.caIssuers != "" {
		template.IssuingCertificateURL = []string{p.caIssuers}
	}
	id, err := keyID(key.Public())
	if err != nil {
		return nil, err
	}
	template.SubjectKeyId = id
	parent, signer := template, key
	if issuer.Certificate != nil {
		parent, signer = issuer.Certificate, issuer.Key
	}
	template.SignatureAlgorithm = signatureAlgorithm(signer, p.hash)
	der, err := x509.CreateCertificate(entropy, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

func widen(oid asn1.ObjectIdentifier) []uint64 {
	out := make([]uint64, len(oid))
	for i, n := range oid {
		out[i] = uint64(n)
	}
	return out
}

func signatureAlgorithm(signer crypto.Signer, hash crypto.Hash) x509.SignatureAlgorithm {
	if _, ok := signer.(*ecdsa.PrivateKey); ok {
		return x509.ECDSAWithSHA256
	}
	if hash == crypto.SHA512 {
		return x509.SHA512WithRSA
	}
	return x509.SHA256WithRSA
}

// keyID is RFC 5280 4.2.1.2 method 1: SHA-1 of the public key's bit string.
func keyID(public crypto.PublicKey) ([]byte, error) {
	bits, err := publicKeyBits(public)
	if err != nil {
		return nil, err
	}
	h := crypto.SHA1.New()
	h.Write(bits)
	return h.Sum(nil), nil
}

func publicKeyBits(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &spki); err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	return spki.Key.Bytes, nil
}

// serialNumber draws 63 bits, the size of BankID's own serial numbers.
func serialNumber(entropy io.Reader) (*big.Int, error) {
	b := make([]byte, 8)
	if _, err := io.ReadFull(entropy, b); err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x01
	return new(big.Int).SetBytes(b), nil
}

func rsaKey(entropy io.Reader, bits int) (crypto.Signer, error) {
	k, err := rsa.GenerateKey(entropy, bits)
	if err != nil {
		return nil, fmt.Errorf("make RSA key: %w", err)
	}
	return k, nil
}

func ecKey(entropy io.Reader) (crypto.Signer, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), entropy)
	if err != nil {
		return nil, fmt.Errorf("make P-256 key: %w", err)
	}
	return k, nil
}
