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
	"slices"
)

// Purpose says what an anchor is trusted for.
type Purpose string

// The purposes of the anchors that a verifier needs.
const (
	BankID    Purpose = "bankid-se"
	Timestamp Purpose = "tsa"
	Sealing   Purpose = "seal"
	Norwegian Purpose = "nbid"
)

// Anchors returns the roots for a purpose.
func (p *PKI) Anchors(purpose Purpose) []*x509.Certificate {
	switch purpose {
	case BankID:
		return []*x509.Certificate{p.bankRoot.Certificate}
	case Timestamp:
		return []*x509.Certificate{p.tsaCA.Certificate, p.secondTSACA.Certificate}
	case Sealing:
		return []*x509.Certificate{p.sealCA.Certificate}
	case Norwegian:
		return []*x509.Certificate{p.norwegianRoot.Certificate}
	}
	return nil
}

// WriteTrust writes the anchors as <purpose>.simulator.pem, the names by which
// a verifier knows that they are not to be trusted in a live installation.
func (p *PKI) WriteTrust(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make trust directory: %w", err)
	}
	for _, purpose := range []Purpose{BankID, Timestamp, Sealing, Norwegian} {
		name := filepath.Join(dir, string(purpose)+".simulator.pem")
		if err := os.WriteFile(name, encodeCertificates(p.Anchors(purpose)...), 0o644); err != nil {
			return fmt.Errorf("write anchor: %w", err)
		}
	}
	return nil
}

// complete marks a directory that holds a whole world. It is written last, so
// that a world whose making was cut short is made anew and never half used.
const complete = "complete"

// Open loads the world in dir, or creates one there. CAKeyBits only matters
// when it is created. What a world made by an earlier version lacks is added;
// what names another status service than o does is issued anew, with its key.
func Open(dir string, o Options) (*PKI, error) {
	p, err := blank(o)
	if err != nil {
		return nil, err
	}
	stored := map[string]Identity{}
	switch _, err := os.Stat(filepath.Join(dir, complete)); {
	case err == nil:
		if stored, err = p.load(dir); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open PKI directory: %w", err)
	}
	fresh, err := p.establish(stored)
	if err != nil {
		return nil, err
	}
	if err := p.issueServer(); err != nil {
		return nil, err
	}
	return p, p.save(dir, fresh)
}

// load reads what there is of the identities that last, and the ledger.
func (p *PKI) load(dir string) (map[string]Identity, error) {
	stored := map[string]Identity{}
	for _, l := range p.lasting() {
		id, err := readIdentity(dir, l.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", l.name, err)
		}
		stored[l.name] = id
	}
	return stored, p.ledger.load(filepath.Join(dir, ledgerFile))
}

// save writes the identities named, and from then on keeps the ledger there.
func (p *PKI) save(dir string, names []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make PKI directory: %w", err)
	}
	for _, l := range p.lasting() {
		if !slices.Contains(names, l.name) {
			continue
		}
		key, err := l.to.KeyPEM()
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(dir, l.name+".key"), key, 0o600); err != nil {
			return fmt.Errorf("write key: %w", err)
		}
		if err := replace(filepath.Join(dir, l.name+".pem"), l.to.CertificatePEM(), 0o644); err != nil {
			return fmt.Errorf("write certificate: %w", err)
		}
	}
	if err := p.ledger.keep(filepath.Join(dir, ledgerFile)); err != nil {
		return err
	}
	if err := replace(filepath.Join(dir, "server-root.pem"), p.ServerRootPEM(), 0o644); err != nil {
		return fmt.Errorf("write server root: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, complete), nil, 0o644); err != nil {
		return fmt.Errorf("mark PKI complete: %w", err)
	}
	return nil
}

// replace writes a file so that who reads it meanwhile sees the old or the new
// one: several installations may share a world.
func replace(name string, content []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone already when all went well
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
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
