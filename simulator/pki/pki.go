package pki

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Options say how a world is made.
type Options struct {
	// Clock dates certificates. Required.
	Clock func() time.Time
	// Entropy supplies keys and serial numbers. Required.
	Entropy io.Reader
	// CAKeyBits is the RSA size of BankID's three CAs; 0 means BankID's own 4096.
	// A smaller size makes tests fast.
	CAKeyBits int
	// StatusURL is where the status service (package simulator/revocation) is
	// reached. Certificates of seals, timestamp authorities and Norwegian persons
	// name it; with "" they name nothing, and nobody can ask for their status.
	StatusURL string
	// Hosts are further names or addresses that the API's server certificate
	// holds; localhost, 127.0.0.1 and ::1 are always there.
	Hosts []string
}

// PKI is a simulated world's certificates. It is safe for concurrent use.
type PKI struct {
	o Options

	// Roots and issuers, never changed after construction.
	bankRoot, bankCA, customerCA Identity
	tlsRoot, rpCA, tsaCA, sealCA Identity
	secondTSACA, sealIssuingCA   Identity
	norwegianRoot, norwegianCA   Identity
	rp, tsa, secondTSA, seal     Identity
	server                       Identity

	ledger *ledger

	mu               sync.Mutex
	responder        Identity                   // guarded by mu; reissued when it is about to expire
	statusResponders map[AuthorityName]Identity // guarded by mu; likewise
	leaves           map[leafKey]Identity       // guarded by mu
	norwegians       map[norwegianKey]Identity  // guarded by mu
	ring             []crypto.Signer            // guarded by mu; see leafKeys
	next             int                        // guarded by mu
}

type hosts struct {
	names     []string
	addresses []net.IP
}

// Create makes a world in memory. With the default CAKeyBits it takes seconds,
// so use [Open] for one that lasts.
func Create(o Options) (*PKI, error) {
	p, err := blank(o)
	if err != nil {
		return nil, err
	}
	if _, err := p.establish(nil); err != nil {
		return nil, err
	}
	return p, p.issueServer()
}

func blank(o Options) (*PKI, error) {
	if o.Clock == nil || o.Entropy == nil {
		return nil, errors.New("pki: Clock and Entropy are required")
	}
	if o.CAKeyBits == 0 {
		o.CAKeyBits = 4096
	}
	return &PKI{
		o: o, leaves: map[leafKey]Identity{}, norwegians: map[norwegianKey]Identity{},
		statusResponders: map[AuthorityName]Identity{}, ledger: newLedger(),
	}, nil
}

// above lists the certificates to send with what issuer signed: the issuer and
// those over it, but no root.
func above(issuer Identity) []*x509.Certificate {
	if issuer.Certificate == nil || issuer.Certificate.CheckSignatureFrom(issuer.Certificate) == nil {
		return nil
	}
	return append([]*x509.Certificate{issuer.Certificate}, issuer.Chain...)
}

// issueServer makes the API's server certificate; it is not kept, so that a
// later start may name other hosts.
func (p *PKI) issueServer() error {
	key, err := ecKey(p.o.Entropy)
	if err != nil {
		return err
	}
	h := hosts{names: []string{"localhost"}, addresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}}
	for _, name := range p.o.Hosts {
		if ip := net.ParseIP(name); ip != nil {
			h.addresses = append(h.addresses, ip)
		} else {
			h.names = append(h.names, name)
		}
	}
	from := p.o.Clock().Add(-24 * time.Hour)
	c, err := issue(p.o.Entropy, profile{
		subject:   []attribute{{oidCountry, "SE"}, {oidOrganisation, simulatedOwner}, {oidCommonName, "Simulated BankID Relying Party API"}},
		notBefore: from, notAfter: from.Add(2 * 365 * 24 * time.Hour), usage: x509.KeyUsageDigitalSignature,
		extended: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, hosts: h,
	}, key, p.tlsRoot)
	if err != nil {
		return fmt.Errorf("server certificate: %w", err)
	}
	p.server = Identity{Certificate: c, Key: key}
	return nil
}

// RP returns the default relying party's client certificate.
func (p *PKI) RP() Identity { return p.rp }

// TSA returns the timestamp authority, on RSA-2048.
func (p *PKI) TSA() Identity { return p.tsa }

// SecondTSA returns a timestamp authority under another root, on P-256.
func (p *PKI) SecondTSA() Identity { return p.secondTSA }

// Seal returns the organisation's seal, on P-256.
func (p *PKI) Seal() Identity { return p.seal }

// Server returns the Relying Party API's TLS identity.
func (p *PKI) Server() Identity { return p.server }

// RPRoots returns what the Relying Party API accepts client certificates from.
func (p *PKI) RPRoots() *x509.CertPool { return pool(p.rpCA.Certificate) }

// ServerRoots returns the only root that a relying party may trust for the API.
func (p *PKI) ServerRoots() *x509.CertPool { return pool(p.tlsRoot.Certificate) }

// ServerRootPEM returns the root of [PKI.ServerRoots] for a file.
func (p *PKI) ServerRootPEM() []byte { return encodeCertificates(p.tlsRoot.Certificate) }

func pool(cs ...*x509.Certificate) *x509.CertPool {
	out := x509.NewCertPool()
	for _, c := range cs {
		out.AddCert(c)
	}
	return out
}
