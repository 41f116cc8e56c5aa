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
	rp, tsa, seal                Identity
	server                       Identity

	mu        sync.Mutex
	responder Identity             // guarded by mu; reissued when it is about to expire
	leaves    map[leafKey]Identity // guarded by mu
	ring      []crypto.Signer      // guarded by mu; see leafKeys
	next      int                  // guarded by mu
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
	keys, err := p.keys()
	if err != nil {
		return nil, err
	}
	if err := p.issueAuthorities(keys); err != nil {
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
	return &PKI{o: o, leaves: map[leafKey]Identity{}}, nil
}

// keys makes the lasting keys side by side, since an RSA-4096 key takes
// seconds now and then.
func (p *PKI) keys() (map[string]crypto.Signer, error) {
	bank := func() (crypto.Signer, error) { return rsaKey(p.o.Entropy, p.o.CAKeyBits) }
	rsa2048 := func() (crypto.Signer, error) { return rsaKey(p.o.Entropy, 2048) }
	ec := func() (crypto.Signer, error) { return ecKey(p.o.Entropy) }
	makers := map[string]func() (crypto.Signer, error){
		"bankid-root": bank, "bankid-bank-ca": bank, "bankid-customer-ca": bank,
		"tls-root": ec, "rp-ca": ec, "rp": ec,
		"tsa-ca": ec, "tsa": rsa2048, "seal-ca": ec, "seal": ec,
	}
	type made struct {
		name string
		key  crypto.Signer
		err  error
	}
	results := make(chan made, len(makers))
	for name, maker := range makers {
		go func() {
			k, err := maker()
			results <- made{name, k, err}
		}()
	}
	keys := map[string]crypto.Signer{}
	var errs []error
	for range makers {
		m := <-results
		keys[m.name] = m.key
		errs = append(errs, m.err)
	}
	return keys, errors.Join(errs...)
}

const (
	simulatedBank  = "Simulated Bank AB (publ)"
	simulatedOwner = "Handslag Simulator"
	bankSerial     = "111111111111"
)

func (p *PKI) issueAuthorities(keys map[string]crypto.Signer) error {
	from := p.o.Clock().Add(-365 * 24 * time.Hour).Truncate(time.Second)
	ca := func(cn, organisation, serial string) profile {
		return profile{
			subject:   []attribute{{oidCountry, "SE"}, {oidOrganisation, organisation}, {oidSerialNumber, serial}, {oidCommonName, cn}},
			notBefore: from, notAfter: from.Add(worldLife), ca: true,
			usage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, hash: crypto.SHA512,
		}
	}
	bank := func(cn string) profile { return ca(cn, simulatedBank, bankSerial) }
	own := func(cn string) profile { return ca(cn, simulatedOwner, "") }
	seal := profile{
		subject: []attribute{
			{oidCountry, "SE"},
			{oidOrganisation, "Simulated Organisation AB"},
			{oidOrganisationID, "NTRSE-5566304928"},
			{oidCommonName, "Simulated Organisation Seal"},
		},
		notBefore: from, notAfter: from.Add(longLife), usage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	tsa := profile{
		subject:   []attribute{{oidCountry, "SE"}, {oidOrganisation, simulatedOwner}, {oidCommonName, "Simulated Timestamp Authority"}},
		notBefore: from, notAfter: from.Add(longLife), usage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		extra: timeStampingUsage(),
	}
	rp := rpProfile(RPSubject{
		CommonName: "Simulated RP Testcert 1", Name: "Test av Handslag", OrganisationNumber: "5566304928", Bank: simulatedBank,
	}, from)
	steps := []struct {
		name   string
		to     *Identity
		issuer *Identity
		profile
	}{
		{"bankid-root", &p.bankRoot, nil, bank("Simulated BankID Root CA v1")},
		{"bankid-bank-ca", &p.bankCA, &p.bankRoot, bank("Simulated Bank CA v1 for BankID")},
		{"bankid-customer-ca", &p.customerCA, &p.bankCA, bank("Simulated Bank Customer CA1 v1 for BankID")},
		{"tls-root", &p.tlsRoot, nil, own("Simulated BankID SSL Root CA v1")},
		{"rp-ca", &p.rpCA, nil, bank("Simulated Bank RP CA v1 for BankID")},
		{"rp", &p.rp, &p.rpCA, rp},
		{"tsa-ca", &p.tsaCA, nil, own("Simulated Timestamp CA")},
		{"tsa", &p.tsa, &p.tsaCA, tsa},
		{"seal-ca", &p.sealCA, nil, own("Simulated Seal CA")},
		{"seal", &p.seal, &p.sealCA, seal},
	}
	for _, s := range steps {
		var issuer Identity
		if s.issuer != nil {
			issuer = *s.issuer
		}
		c, err := issue(p.o.Entropy, s.profile, keys[s.name], issuer)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		*s.to = Identity{Certificate: c, Key: keys[s.name], Chain: above(issuer)}
	}
	return nil
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

// TSA returns the timestamp authority.
func (p *PKI) TSA() Identity { return p.tsa }

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
