package settings

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// PEM names two files, which may be the same one.
type PEM struct {
	Certificates string `yaml:"certificates"` // the key's own first, then those above it
	Key          string `yaml:"key"`          // PKCS #8, PKCS #1 or SEC 1, not encrypted, readable by the owner alone
}

// PKCS12 names a .p12 or .pfx file with key and certificates.
type PKCS12 struct {
	File       string `yaml:"file"`
	Passphrase Secret `yaml:"passphrase"`
}

// Certificates reads the certificates of a PEM file, which may hold other things
// too.
func Certificates(file string) ([]*x509.Certificate, error) {
	b, err := ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d cannot be read: %w", file, len(found)+1, err)
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return found, nil
}

// Load reads both, without asking whether they belong together.
func (p *PEM) Load() (crypto.Signer, []*x509.Certificate, error) {
	chain, err := Certificates(p.Certificates)
	if err != nil {
		return nil, nil, err
	}
	b, err := ReadPrivate(p.Key)
	if err != nil {
		return nil, nil, err
	}
	key, err := parseKey(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %w", p.Key, err)
	}
	return key, chain, nil
}

// parseKey reads the one private key of a PEM file.
func parseKey(b []byte) (crypto.Signer, error) {
	if !bytes.Contains(b, []byte("-----BEGIN")) {
		return nil, errors.New("is not PEM; a .p12 or .pfx file is named by pkcs12.file")
	}
	var found crypto.Signer
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if found != nil {
			return nil, errors.New("holds more than one private key")
		}
		// RFC 1421 4.6.1.1 and RFC 5958 3.
		if block.Headers["Proc-Type"] == "4,ENCRYPTED" || block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, errors.New("holds an encrypted key; decrypt it (openssl pkey -in … -out …) or use a PKCS #12 file")
		}
		key, err := parsePrivate(block)
		if err != nil {
			return nil, fmt.Errorf("holds a key that cannot be read: %w", err)
		}
		found = key
	}
	if found == nil {
		return nil, errors.New("holds no private key")
	}
	return found, nil
}

func parsePrivate(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("it is of the type %q", block.Type)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T cannot sign", key)
	}
	return signer, nil
}

// Load reads the key and its certificates: its own first, then each one's issuer.
func (p *PKCS12) Load(getenv func(string) string) (crypto.Signer, []*x509.Certificate, error) {
	passphrase, err := p.Passphrase.Read(getenv)
	if err != nil {
		return nil, nil, fmt.Errorf("passphrase: %w", err)
	}
	b, err := ReadPrivate(p.File)
	if err != nil {
		return nil, nil, err
	}
	key, own, above, err := pkcs12.DecodeChain(b, passphrase)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return nil, nil, fmt.Errorf("%s: the passphrase is wrong", p.File)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s is no PKCS #12 file with one key and its certificate: %w", p.File, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%s: a key of type %T cannot sign", p.File, key)
	}
	return signer, inOrder(own, above), nil
}

// inOrder puts the certificates of a PKCS #12 file in order, which it has not
// (RFC 7292 4.2.3): each one's issuer after it. What is no part of the chain is
// left out.
func inOrder(own *x509.Certificate, others []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{own}
	for len(chain) <= len(others) {
		last := chain[len(chain)-1]
		i := slices.IndexFunc(others, func(c *x509.Certificate) bool {
			return !slices.ContainsFunc(chain, c.Equal) && last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			break
		}
		chain = append(chain, others[i])
	}
	return chain
}
