package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Purpose says what an anchor is trusted for.
type Purpose string

// The purposes of the anchors that a verifier needs.
const (
	BankID    Purpose = "bankid-se"
	Timestamp Purpose = "tsa"
	Sealing   Purpose = "seal"
)

// Anchors returns the roots for a purpose.
func (p *PKI) Anchors(purpose Purpose) []*x509.Certificate {
	switch purpose {
	case BankID:
		return []*x509.Certificate{p.bankRoot.Certificate}
	case Timestamp:
		return []*x509.Certificate{p.tsaCA.Certificate}
	case Sealing:
		return []*x509.Certificate{p.sealCA.Certificate}
	}
	return nil
}

// WriteTrust writes the anchors as <purpose>.simulator.pem, the names by which
// a verifier knows that they are not to be trusted in a live installation.
func (p *PKI) WriteTrust(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make trust directory: %w", err)
	}
	for _, purpose := range []Purpose{BankID, Timestamp, Sealing} {
		name := filepath.Join(dir, string(purpose)+".simulator.pem")
		if err := os.WriteFile(name, encodeCertificates(p.Anchors(purpose)...), 0o644); err != nil {
			return fmt.Errorf("write anchor: %w", err)
		}
	}
	return nil
}

// stored lists what lasts, issuers before what they issued.
func (p *PKI) stored() []struct {
	name string
	id   *Identity
} {
	return []struct {
		name string
		id   *Identity
	}{
		{"bankid-root", &p.bankRoot},
		{"bankid-bank-ca", &p.bankCA},
		{"bankid-customer-ca", &p.customerCA},
		{"tls-root", &p.tlsRoot},
		{"rp-ca", &p.rpCA},
		{"rp", &p.rp},
		{"tsa-ca", &p.tsaCA},
		{"tsa", &p.tsa},
		{"seal-ca", &p.sealCA},
		{"seal", &p.seal},
	}
}

// complete marks a directory that holds a whole world. It is written last, so
// that a world whose making was cut short is made anew and never half used.
const complete = "complete"

// Open loads the world in dir, or creates one there. CAKeyBits only matters
// when it is created.
func Open(dir string, o Options) (*PKI, error) {
	_, err := os.Stat(filepath.Join(dir, complete))
	if err == nil {
		return load(dir, o)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open PKI directory: %w", err)
	}
	p, err := Create(o)
	if err != nil {
		return nil, err
	}
	return p, p.save(dir)
}

func (p *PKI) save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make PKI directory: %w", err)
	}
	for _, s := range p.stored() {
		key, err := s.id.KeyPEM()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, s.name+".key"), key, 0o600); err != nil {
			return fmt.Errorf("write key: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, s.name+".pem"), s.id.CertificatePEM(), 0o644); err != nil {
			return fmt.Errorf("write certificate: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "server-root.pem"), p.ServerRootPEM(), 0o644); err != nil {
		return fmt.Errorf("write server root: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, complete), nil, 0o644); err != nil {
		return fmt.Errorf("mark PKI complete: %w", err)
	}
	return nil
}

func load(dir string, o Options) (*PKI, error) {
	p, err := blank(o)
	if err != nil {
		return nil, err
	}
	for _, s := range p.stored() {
		id, err := readIdentity(dir, s.name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", s.name, err)
		}
		*s.id = id
	}
	return p, p.issueServer()
}

func readIdentity(dir, name string) (Identity, error) {
	certificates, err := os.ReadFile(filepath.Join(dir, name+".pem"))
	if err != nil {
		return Identity{}, err
	}
	var id Identity
	for block, rest := pem.Decode(certificates); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return Identity{}, err
		}
		if id.Certificate == nil {
			id.Certificate = c
		} else {
			id.Chain = append(id.Chain, c)
		}
	}
	keyText, err := os.ReadFile(filepath.Join(dir, name+".key"))
	if err != nil {
		return Identity{}, err
	}
	block, _ := pem.Decode(keyText)
	if block == nil || id.Certificate == nil {
		return Identity{}, errors.New("no PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Identity{}, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return Identity{}, errors.New("not a signing key")
	}
	id.Key = signer
	return id, nil
}
