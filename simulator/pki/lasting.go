package pki

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	simulatedBank  = "Simulated Bank AB (publ)"
	simulatedOwner = "Handslag Simulator"
	bankSerial     = "111111111111"
)

// lasting is one identity that is made once and kept.
type lasting struct {
	name   string
	to     *Identity
	issuer *Identity // nil: itself
	key    func(entropy io.Reader) (crypto.Signer, error)
	profile
}

// lasting lists what lasts, issuers before what they issued.
func (p *PKI) lasting() []lasting {
	from := p.o.Clock().Add(-365 * 24 * time.Hour).Truncate(time.Second)
	ca := func(country, cn, organisation, serial string) profile {
		return profile{
			subject:   []attribute{{oidCountry, country}, {oidOrganisation, organisation}, {oidSerialNumber, serial}, {oidCommonName, cn}},
			notBefore: from, notAfter: from.Add(worldLife), ca: true,
			usage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, hash: crypto.SHA512,
		}
	}
	bank := func(cn string) profile { return ca("SE", cn, simulatedBank, bankSerial) }
	own := func(cn string) profile { return ca("SE", cn, simulatedOwner, "") }
	norwegian := func(cn string) profile { return ca("NO", cn, norwegianBank, "") }
	bankKey := func(entropy io.Reader) (crypto.Signer, error) { return rsaKey(entropy, p.o.CAKeyBits) }
	rsa2048 := func(entropy io.Reader) (crypto.Signer, error) { return rsaKey(entropy, 2048) }
	rp := rpProfile(RPSubject{
		CommonName: "Simulated RP Testcert 1", Name: "Test av Handslag", OrganisationNumber: "5566304928", Bank: simulatedBank,
	}, from)
	seal := p.pointed(SealOrder{}.profile(from), SealCA, StatusBoth)
	return []lasting{
		{"bankid-root", &p.bankRoot, nil, bankKey, bank("Simulated BankID Root CA v1")},
		{"bankid-bank-ca", &p.bankCA, &p.bankRoot, bankKey, bank("Simulated Bank CA v1 for BankID")},
		{"bankid-customer-ca", &p.customerCA, &p.bankCA, bankKey, bank("Simulated Bank Customer CA1 v1 for BankID")},
		{"tls-root", &p.tlsRoot, nil, ecKey, own("Simulated BankID SSL Root CA v1")},
		{"rp-ca", &p.rpCA, nil, ecKey, bank("Simulated Bank RP CA v1 for BankID")},
		{"rp", &p.rp, &p.rpCA, ecKey, rp},
		{"tsa-ca", &p.tsaCA, nil, ecKey, own("Simulated Timestamp CA")},
		{"tsa", &p.tsa, &p.tsaCA, rsa2048, p.pointed(TSAOrder{}.profile(from), TimestampCA, StatusBoth)},
		{"tsa-ca-2", &p.secondTSACA, nil, ecKey, own("Simulated Second Timestamp CA")},
		{"tsa-2", &p.secondTSA, &p.secondTSACA, ecKey, p.pointed(TSAOrder{Second: true}.profile(from), SecondTimestampCA, StatusBoth)},
		{"seal-ca", &p.sealCA, nil, ecKey, own("Simulated Seal CA")},
		{"seal-issuing-ca", &p.sealIssuingCA, &p.sealCA, ecKey, p.pointed(own("Simulated Seal Issuing CA"), SealCA, StatusBoth)},
		{"seal", &p.seal, &p.sealCA, ecKey, seal},
		{"nbid-root", &p.norwegianRoot, nil, ecKey, norwegian("Simulated Norwegian BankID Root CA")},
		{"nbid-ca", &p.norwegianCA, &p.norwegianRoot, ecKey, p.pointed(norwegian("Simulated Norwegian BankID Signing CA"), NorwegianRoot, StatusCRL)},
	}
}

// establish takes what is stored, makes what is not, and issues anew what names
// another status service than it should. It returns the names of what is new.
func (p *PKI) establish(stored map[string]Identity) ([]string, error) {
	var missing []lasting
	for _, l := range p.lasting() {
		if _, ok := stored[l.name]; !ok {
			missing = append(missing, l)
		}
	}
	keys, err := p.keys(missing)
	if err != nil {
		return nil, err
	}
	var fresh []string
	for _, l := range p.lasting() {
		id, ok := stored[l.name]
		switch {
		case !ok:
			id.Key = keys[l.name]
		case l.pointsAs(id.Certificate):
			*l.to = id
			// A world made before there was a ledger has issued it all the same.
			if err := p.record(id.Certificate); err != nil {
				return nil, err
			}
			continue
		}
		var issuer Identity
		if l.issuer != nil {
			issuer = *l.issuer
		}
		c, err := issue(p.o.Entropy, l.profile, id.Key, issuer)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		*l.to = Identity{Certificate: c, Key: id.Key, Chain: above(issuer)}
		fresh = append(fresh, l.name)
		if err := p.record(c); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// pointsAs reports whether a certificate names the status service that p does.
// Which one is a property of a run, not of the identity: ports change.
func (p profile) pointsAs(c *x509.Certificate) bool {
	same := func(have []string, want string) bool {
		return want == "" && len(have) == 0 || slices.Equal(have, []string{want})
	}
	return same(c.OCSPServer, p.ocspServer) && same(c.CRLDistributionPoints, p.crl) && same(c.IssuingCertificateURL, p.caIssuers)
}

// keys makes keys side by side, since an RSA-4096 key takes seconds now and then.
func (p *PKI) keys(of []lasting) (map[string]crypto.Signer, error) {
	type made struct {
		name string
		key  crypto.Signer
		err  error
	}
	results := make(chan made, len(of))
	for _, l := range of {
		go func() {
			k, err := l.key(p.o.Entropy)
			results <- made{l.name, k, err}
		}()
	}
	keys := map[string]crypto.Signer{}
	var errs []error
	for range of {
		m := <-results
		keys[m.name] = m.key
		errs = append(errs, m.err)
	}
	return keys, errors.Join(errs...)
}
