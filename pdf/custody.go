package pdf

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/revocation"
)

// custody collects what the later check of a signature will need: the chain of
// each certificate that plays a part, and a proof of status of each certificate
// in it, up to the root. Status is asked after the time that has to be proven, so
// that no later answer could say something else of it.
type custody struct {
	source       RevocationSource
	known        []*x509.Certificate // given by the operator, all roots among them
	carried      []*x509.Certificate // that a timestamp or document came with
	certificates []*x509.Certificate // those that play a part
	proofs       revocation.Proofs
	links        []link // to be proven
	proven       int    // how many of them are
}

// link is a certificate in a chain, with its issuer.
type link struct {
	certificate, issuer *x509.Certificate
	at                  time.Time // when it must have been good
	answers             bool      // for a responder: judged with what it answered
}

const (
	maxChain = 10 // certificates from a leaf to its root
	maxWaves = 4  // responders that responders have
	maxAsked = 6  // questions at a time
)

func newCustody(source RevocationSource, known ...*x509.Certificate) *custody {
	return &custody{source: source, known: known}
}

// carry adds certificates in which issuers are looked for, from a source that
// could name any address: no chain that ends among them is followed.
func (c *custody) carry(more ...*x509.Certificate) { c.carried = append(c.carried, more...) }

// prove asks for the chain of a certificate and its status at a time.
func (c *custody) prove(leaf *x509.Certificate, at time.Time) {
	c.links = append(c.links, link{certificate: leaf, at: at})
}

// gather collects all that was asked for. Responders are certificates too: their
// own chains come with the next wave.
func (c *custody) gather(ctx context.Context) error {
	for range maxWaves {
		if c.proven == len(c.links) {
			return c.check()
		}
		if err := c.climb(); err != nil {
			return err
		}
		if err := c.ask(ctx); err != nil {
			return err
		}
	}
	return unproven()
}

func unproven() *fault.Error {
	return fault.New(fault.Unavailable, "seal_status_unproven", "The status of a certificate behind the seal could not be proven.")
}

// climb completes the links with issuers, up to the roots.
func (c *custody) climb() error {
	open := slices.Clone(c.links[c.proven:]) // what follows writes where they are
	c.links = c.links[:c.proven]
	for _, end := range open {
		one := end.certificate
		for step := 0; ; step++ {
			if step == maxChain {
				return incomplete()
			}
			c.play(one)
			if c.linked(one) {
				break
			}
			if selfSigned(one) {
				if !slices.ContainsFunc(c.known, one.Equal) {
					return incomplete()
				}
				break
			}
			issuer := c.issuer(one, end.at)
			if issuer == nil {
				return incomplete()
			}
			c.links = append(c.links, link{one, issuer, end.at, end.answers && one == end.certificate})
			one = issuer
		}
	}
	return nil
}

func incomplete() error {
	return fault.New(fault.Internal, "seal_chain_incomplete",
		"The certificate chain of the seal or of its timestamp does not reach a root that is known; give the authorities' certificates along.")
}

func (c *custody) play(one *x509.Certificate) {
	if !c.plays(one) {
		c.certificates = append(c.certificates, one)
	}
}

func (c *custody) plays(one *x509.Certificate) bool {
	return slices.ContainsFunc(c.certificates, one.Equal)
}

func (c *custody) linked(one *x509.Certificate) bool {
	for _, l := range c.links {
		if l.certificate.Equal(one) {
			return true
		}
	}
	return false
}

// issuer prefers a root to a cross-certificate of the same key: the shorter chain
// needs fewer proofs.
func (c *custody) issuer(of *x509.Certificate, at time.Time) (found *x509.Certificate) {
	for _, one := range slices.Concat(c.known, c.carried) {
		if !bytes.Equal(one.RawSubject, of.RawIssuer) || at.Before(one.NotBefore) || at.After(one.NotAfter) || of.CheckSignatureFrom(one) != nil {
			continue
		}
		if selfSigned(one) {
			return one
		}
		if found == nil {
			found = one
		}
	}
	return found
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// exempt reports certificates that have no status to prove.
func exempt(c *x509.Certificate) bool { return revocation.ShortLived(c) || revocation.NoCheck(c) }

// ask gets the proofs of the new links, several at a time.
func (c *custody) ask(ctx context.Context) error {
	wave := c.links[c.proven:]
	proofs, errs := make([]revocation.Proof, len(wave)), make([]error, len(wave))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	turn := make(chan struct{}, maxAsked)
	for i, l := range wave {
		if exempt(l.certificate) {
			continue
		}
		if !revocation.Named(l.certificate) {
			return fault.New(fault.Internal, "seal_status_unnamed",
				"A certificate behind the seal names neither an OCSP responder nor a revocation list; a seal of this level cannot be made with it.")
		}
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			if proofs[i], errs[i] = c.source.Revocation(ctx, l.certificate, l.issuer); errs[i] != nil {
				cancel() // one that is missing is enough to fail
			}
		})
	}
	all.Wait()
	if err := first(errs); err != nil {
		return err
	}
	c.proven = len(c.links)
	for i, p := range proofs {
		c.proofs.Add(p)
		if err := c.responders(p, wave[i].at); err != nil {
			return err
		}
	}
	return nil
}

// first is the error that made the others: not the cancelling that followed it.
func first(errs []error) error {
	var found error
	for _, err := range errs {
		if err != nil && (found == nil || errors.Is(found, context.Canceled)) {
			found = err
		}
	}
	return found
}

// responders puts whoever signed a proof among those whose status is asked, when
// its issuer wants it asked.
func (c *custody) responders(p revocation.Proof, at time.Time) error {
	for _, der := range p.Certificates {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			return unproven().Because(err)
		}
		c.play(one)
		if !exempt(one) && revocation.Named(one) && !c.linked(one) {
			c.links = append(c.links, link{certificate: one, at: at, answers: true})
		}
	}
	return nil
}

// check asks the proofs themselves, as whoever verifies the seal will.
func (c *custody) check() error {
	r := revocation.NewRegister(c.proofs)
	for _, l := range c.links {
		if exempt(l.certificate) || l.answers {
			continue
		}
		a := r.Status(revocation.Question{Certificate: l.certificate, Issuer: l.issuer, At: l.at})
		switch a.Status {
		case revocation.Good:
		case revocation.Revoked:
			return fault.New(fault.Internal, "certificate_revoked", "A certificate behind the seal is revoked.")
		default:
			return unproven().Because(errors.New(a.Why))
		}
	}
	return nil
}
