package seals

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/seals/awskms"
	"github.com/handslag/handslag/seals/pkcs11"
	"github.com/handslag/handslag/settings"
)

// Seal is what a tenant's documents are sealed with. It is safe for concurrent use.
type Seal struct {
	ID                     string // its name in the settings
	Key                    crypto.Signer
	Chain                  []*x509.Certificate // the key's own first
	PSS                    bool                // RSASSA-PSS, where the key is RSA
	Level                  pdf.Level
	Stamps                 pdf.Timestamper      // nil at level B-B
	Revocation             pdf.RevocationSource // nil below level B-LT
	Known                  []*x509.Certificate
	Name, Reason, Location string
}

// Options are the installation's part of every seal.
type Options struct {
	// Anchors must vouch for every seal.
	Anchors *x509.CertPool
	// TimestampAnchors must vouch for every timestamp.
	TimestampAnchors *x509.CertPool
	// Revocation gets the proofs of status that B-LT and B-LTA keep in a document.
	Revocation pdf.RevocationSource
	// Known are certificates that complete chains, beside those that a seal brings.
	Known []*x509.Certificate
	// HTTP asks timestamp authorities. AWS is asked by its own SDK's client.
	HTTP   *http.Client
	Getenv func(string) string
	Clock  func() time.Time
}

// level is B-LTA unless another one is asked for: a document that nobody can
// verify once the seal's certificate has ended is of little use.
func (s *SealSettings) level() (pdf.Level, error) {
	switch l := pdf.Level(s.Level); l {
	case "":
		return pdf.LevelLTA, nil
	case pdf.LevelB, pdf.LevelT, pdf.LevelLT, pdf.LevelLTA:
		return l, nil
	default:
		return "", fmt.Errorf("level: %q is none of B-B, B-T, B-LT and B-LTA", s.Level)
	}
}

func lasts(l pdf.Level) bool { return l == pdf.LevelLT || l == pdf.LevelLTA }

func isHTTP(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// load reads a seal and checks all but whether it is valid now.
func (s *SealSettings) load(ctx context.Context, id string, o Options) (*Seal, error) {
	level, err := s.level()
	if err != nil {
		return nil, err
	}
	key, chain, err := s.Key.load(ctx, o)
	if err != nil {
		return nil, err
	}
	known := slices.Clone(o.Known)
	for _, file := range s.Known {
		more, err := settings.Certificates(file)
		if err != nil {
			closeKey(key)
			return nil, err
		}
		known = append(known, more...)
	}
	if err := checkSeal(key, chain, known, level, o); err != nil {
		closeKey(key)
		return nil, err
	}
	seal := &Seal{
		ID: id, Key: key, Chain: chain, PSS: s.PSS, Level: level, Known: known,
		Name: s.Name, Reason: s.Reason, Location: s.Location,
	}
	if lasts(level) {
		seal.Revocation = o.Revocation
	}
	if level != pdf.LevelB {
		seal.Stamps = &tsa.Client{URLs: s.Timestamps, HTTP: o.HTTP, Roots: o.TimestampAnchors, Known: known, Clock: o.Clock}
	}
	return seal, nil
}

func checkSeal(key crypto.Signer, chain, known []*x509.Certificate, level pdf.Level, o Options) error {
	if err := checkKey(key.Public(), chain); err != nil {
		return err
	}
	if err := checkChain(chain); err != nil {
		return err
	}
	if lasts(level) {
		if err := checkStatus(chain); err != nil {
			return fmt.Errorf("level %s: %w", level, err)
		}
	}
	return checkTrust(chain, known, o.Anchors, o.Clock())
}

// load gets the key and its certificates from where they are.
func (k *KeySettings) load(ctx context.Context, o Options) (crypto.Signer, []*x509.Certificate, error) {
	switch {
	case k.PEM != nil:
		return k.PEM.Load()
	case k.PKCS12 != nil:
		return k.PKCS12.Load(o.Getenv)
	case k.AWSKMS != nil:
		return k.AWSKMS.load(ctx)
	default:
		return k.PKCS11.load(o)
	}
}

func (a *AWSKMSSettings) region() string {
	if a.Region != "" {
		return a.Region
	}
	return awskms.Region(a.Key)
}

func (a *AWSKMSSettings) load(ctx context.Context) (crypto.Signer, []*x509.Certificate, error) {
	chain, err := settings.Certificates(a.Certificates)
	if err != nil {
		return nil, nil, err
	}
	key, err := awskms.Open(ctx, awskms.Config{
		Key: a.Key, Region: a.region(), Endpoint: a.Endpoint, Timeout: a.Timeout,
	})
	if err != nil {
		return nil, nil, err
	}
	return proven{key}, chain, nil
}

func (p *PKCS11Settings) load(o Options) (crypto.Signer, []*x509.Certificate, error) {
	chain, err := settings.Certificates(p.Certificates)
	if err != nil {
		return nil, nil, err
	}
	pin, err := p.PIN.Read(o.Getenv)
	if err != nil {
		return nil, nil, fmt.Errorf("pin: %w", err)
	}
	key, err := pkcs11.Open(pkcs11.Config{
		Module: p.Module, Token: p.Token, Label: p.Label, ID: p.ID, PIN: pin,
		Public: chain[0].PublicKey, Timeout: p.Timeout,
	})
	if err != nil {
		return nil, nil, err
	}
	return proven{key}, chain, nil
}

// fingerprint changes when anything changes that a seal is made of.
func (s *SealSettings) fingerprint() ([sha256.Size]byte, error) {
	h := sha256.New()
	b, err := yaml.Marshal(s)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("encode settings: %w", err)
	}
	h.Write(b)
	for _, name := range s.fileNames() {
		content, err := settings.ReadFile(*name)
		if *name != "" && err != nil {
			content = []byte(err.Error()) // loading says it better; here it only has to differ
		}
		sum := sha256.Sum256(content)
		h.Write(sum[:])
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// closeKey ends the sessions of a key that has any.
func closeKey(key crypto.Signer) {
	if p, ok := key.(proven); ok {
		key = p.Signer
	}
	if c, ok := key.(io.Closer); ok {
		_ = c.Close() // of no use to anybody any more
	}
}
