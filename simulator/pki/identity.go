package pki

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"
)

// Identity is a certificate with its private key and the certificates above
// it, without the root.
type Identity struct {
	Certificate *x509.Certificate
	Chain       []*x509.Certificate
	Key         crypto.Signer
}

// TLS returns the identity for crypto/tls.
func (i Identity) TLS() tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{i.Certificate.Raw}, PrivateKey: i.Key, Leaf: i.Certificate}
	for _, above := range i.Chain {
		c.Certificate = append(c.Certificate, above.Raw)
	}
	return c
}

// Subject returns the subject as an RFC 4514 string, spelled as BankID spells
// it in srvInfo/name.
func (i Identity) Subject() (string, error) {
	return SubjectOf(i.Certificate)
}

// SubjectOf returns a certificate's subject as an RFC 4514 string, spelled as
// BankID spells it in srvInfo/name.
func SubjectOf(c *x509.Certificate) (string, error) {
	s, err := subjectString(c.RawSubject)
	if err != nil {
		return "", fmt.Errorf("read subject: %w", err)
	}
	return s, nil
}

// CertificatePEM returns the certificate and its chain, leaf first.
func (i Identity) CertificatePEM() []byte {
	return encodeCertificates(append([]*x509.Certificate{i.Certificate}, i.Chain...)...)
}

// KeyPEM returns the private key as PKCS #8. Write it with mode 0600.
func (i Identity) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		return nil, fmt.Errorf("encode private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func encodeCertificates(cs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range cs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.Bytes()
}

// DisplayName returns what BankID's app shows of a relying party: the subject's
// name attribute, or its common name.
func DisplayName(c *x509.Certificate) string {
	for _, a := range c.Subject.Names {
		if v, ok := a.Value.(string); ok && a.Type.Equal(oidName) {
			return v
		}
	}
	return c.Subject.CommonName
}

// validAt reports whether the certificate holds at a time. Where the clock is
// moved ahead and back, one may begin in the future.
func (i Identity) validAt(at time.Time) bool {
	return !at.Before(i.Certificate.NotBefore) && at.Before(i.Certificate.NotAfter)
}
