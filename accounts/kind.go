package accounts

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

// kind is what the settings of every provider have in common.
type kind interface {
	provider() string
	// files are the names of all files that the account is made of, to be read and
	// to be changed.
	files() []*string
	// check refuses what can be told from the settings alone and the adapter does
	// not check.
	check() error
	// certificates are those that the provider knows us by, our own first; nil
	// where it knows us by secrets.
	certificates(o Options) ([]*x509.Certificate, error)
	// open makes the adapter. Its errors name no secret.
	open(env string, o Options) (adapter, error)
}

// adapter is one account, ready for use.
type adapter interface {
	providers.Provider
	Close()
}

// Options are the installation's part of every account.
type Options struct {
	// Environment is the world that signatures count in: live, test or simulator.
	Environment string
	// BankID are the roots of BankID's signatures, all of that environment.
	BankID bankidsig.Trust
	Getenv func(string) string
	Clock  func() time.Time
}

// Connection is how a provider is reached.
type Connection struct {
	// ServerRoots is a PEM file with the CAs that the provider's certificate may be
	// under; empty is the system's.
	ServerRoots string `yaml:"serverRoots"`
	// ConnectTimeout limits each of three tries to connect; 0 is 3 s.
	ConnectTimeout time.Duration `yaml:"connectTimeout"`
	// RequestTimeout limits a whole call; 0 is 10 s, and that is the most: a person
	// waits, and a start that takes longer than its activity is uncertain.
	RequestTimeout time.Duration `yaml:"requestTimeout"`
}

// maxRequest is under the workflow's own limit for a start, so that the adapter
// says what happened before Temporal gives up on it.
const maxRequest = 10 * time.Second

func (c *Connection) check() error {
	if c.RequestTimeout > maxRequest {
		return fmt.Errorf("requestTimeout: must be at most %v", maxRequest)
	}
	return nil
}

func (c *Connection) requestTimeout() time.Duration {
	if c.RequestTimeout == 0 {
		return maxRequest
	}
	return c.RequestTimeout
}

// roots reads the CAs of the provider; nil stands for the system's.
func (c *Connection) roots(env string) (*x509.CertPool, error) {
	if c.ServerRoots == "" {
		return nil, nil
	}
	certificates, err := settings.Certificates(c.ServerRoots)
	if err != nil {
		return nil, fmt.Errorf("serverRoots: %w", err)
	}
	if err := inWorld(env, certificates); err != nil {
		return nil, fmt.Errorf("serverRoots: %s: %w", c.ServerRoots, err)
	}
	pool := x509.NewCertPool()
	for _, certificate := range certificates {
		pool.AddCert(certificate)
	}
	return pool, nil
}

// Credentials name a client certificate and its key.
type Credentials struct {
	PEM    *settings.PEM    `yaml:"pem"`
	PKCS12 *settings.PKCS12 `yaml:"pkcs12"`
}

func (c *Credentials) files() []*string {
	switch {
	case c.PEM != nil:
		return []*string{&c.PEM.Certificates, &c.PEM.Key}
	case c.PKCS12 != nil:
		return []*string{&c.PKCS12.File, &c.PKCS12.Passphrase.File}
	}
	return nil
}

func (c *Credentials) check() error {
	switch {
	case (c.PEM == nil) == (c.PKCS12 == nil):
		return errors.New("credentials: needs either pem or pkcs12")
	case c.PEM != nil && (c.PEM.Certificates == "" || c.PEM.Key == ""):
		return errors.New("credentials: pem needs certificates and key")
	case c.PKCS12 != nil && c.PKCS12.File == "":
		return errors.New("credentials: pkcs12.file is missing")
	}
	return nil
}

// certificates reads those alone, where they can be had without the key.
func (c *Credentials) certificates(o Options) ([]*x509.Certificate, error) {
	if c.PEM != nil {
		return settings.Certificates(c.PEM.Certificates)
	}
	_, chain, err := c.PKCS12.Load(o.Getenv)
	return chain, err
}

// load reads key and certificates, which must belong together.
func (c *Credentials) load(o Options) (pair tls.Certificate, chain []*x509.Certificate, err error) {
	load := func() (any, []*x509.Certificate, error) { return c.PEM.Load() }
	if c.PKCS12 != nil {
		load = func() (any, []*x509.Certificate, error) { return c.PKCS12.Load(o.Getenv) }
	}
	key, chain, err := load()
	if err != nil {
		return pair, nil, fmt.Errorf("credentials: %w", err)
	}
	if !fits(key, chain[0]) {
		return pair, nil, errors.New("credentials: the key does not belong to the certificate, which must come first")
	}
	pair = tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, certificate := range chain {
		pair.Certificate = append(pair.Certificate, certificate.Raw)
	}
	return pair, chain, nil
}

// secret reads a secret that must be there.
func secret(name string, s settings.Secret, o Options) (signing.Private, error) {
	if !s.Given() {
		return "", fmt.Errorf("%s: is missing; say {env: NAME} or {file: NAME}", name)
	}
	return optional(name, s, o)
}

// optional reads a secret that may be left out.
func optional(name string, s settings.Secret, o Options) (signing.Private, error) {
	v, err := s.Read(o.Getenv)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if s.Given() && v == "" {
		return "", fmt.Errorf("%s: is empty", name)
	}
	return signing.Private(v), nil
}
