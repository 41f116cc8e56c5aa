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
	lenient      bool   // a certificate that names no source of its status is let pass
}

// link is a certificate in a chain, with its issuer.
type link struct {
	certificate, issuer *x509.Certificate
	at                  time.Time // when it must have been good
	answers             bool      // for a responder: judged with what it answered
	elder               bool      // of a timestamp that a newer one is to keep
	proven              bool      // at is proven by a timestamp that is there already
}

const (
	maxChain = 10 // certificates from a leaf to its root
	maxTried = 64 // certificates on the way there, dead ends included
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

// proveElder asks the same for a timestamp of long ago, whose authority may have
// been closed since.
func (c *custody) proveElder(s *stamp) {
	c.links = append(c.links, link{certificate: s.signer, at: s.time, elder: true})
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
		if one := end.certificate; !end.answers && (end.at.Before(one.NotBefore) || end.at.After(one.NotAfter)) {
			return fault.New(fault.Internal, "seal_certificate_time",
				"A certificate behind the seal was not valid at the time of the timestamp.")
		}
		left := maxTried
		chain := c.path(end.certificate, end.at, maxChain, &left)
		if chain == nil {
			return incomplete()
		}
		for i, one := range chain {
			c.play(one)
			if i+1 < len(chain) && !c.linked(one) {
				c.links = append(c.links, link{one, chain[i+1], end.at, end.answers && i == 0, end.elder && i == 0, end.proven})
			}
		}
	}
	return nil
}

// path is a chain to a root that is known. One key of an authority may have
// several certificates by others (cross-certificates), of which some lead nowhere.
func (c *custody) path(one *x509.Certificate, at time.Time, depth int, left *int) []*x509.Certificate {
	if selfSigned(one) {
		if slices.ContainsFunc(c.known, one.Equal) {
			return []*x509.Certificate{one}
		}
		return nil
	}
	if *left--; depth == 0 || *left < 0 {
		return nil
	}
	for _, issuer := range c.issuers(one, at) {
		if above := c.path(issuer, at, depth-1, left); above != nil {
			return slices.Insert(above, 0, one)
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

// issuers begins with roots: the shorter chain needs fewer proofs than one over a
// cross-certificate of the same key.
func (c *custody) issuers(of *x509.Certificate, at time.Time) (all []*x509.Certificate) {
	roots := 0
	for _, one := range slices.Concat(c.known, c.carried) {
		switch {
		case !bytes.Equal(one.RawSubject, of.RawIssuer), at.Before(one.NotBefore), at.After(one.NotAfter), of.CheckSignatureFrom(one) != nil:
		case selfSigned(one):
			all = slices.Insert(all, roots, one)
			roots++
		default:
			all = append(all, one)
		}
	}
	return all
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// exempt reports certificates that have no status to prove. That a certificate
// needs no check is said of responders, and means nothing in others.
func (c *custody) exempt(l link) bool {
	return revocation.ShortLived(l.certificate) || l.answers && revocation.NoCheck(l.certificate) ||
		c.lenient && !revocation.Named(l.certificate)
}

// ask gets the proofs of the new links, several at a time.
func (c *custody) ask(ctx context.Context) error {
	wave := c.links[c.proven:]
	for _, l := range wave {
		if !c.exempt(l) && !revocation.Named(l.certificate) {
			return fault.New(fault.Internal, "seal_status_unnamed",
				"A certificate behind the seal names neither an OCSP responder nor a revocation list; a seal of this level cannot be made with it.")
		}
	}
	proofs, errs := make([]revocation.Proof, len(wave)), make([]error, len(wave))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	turn := make(chan struct{}, maxAsked)
	for i, l := range wave {
		if c.exempt(l) {
			continue
		}
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			proofs[i], errs[i] = c.source.Revocation(ctx, l.certificate, l.issuer)
			if l.outlivedBy(proofs[i]) {
				errs[i] = nil
			}
			if errs[i] != nil {
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

// outlivedBy reports a proof of a revocation that takes nothing away.
func (l link) outlivedBy(p revocation.Proof) bool {
	if !l.elder && !l.proven {
		return false
	}
	var one revocation.Proofs
	one.Add(p)
	a := revocation.NewRegister(one).Status(l.question())
	return a.Status == revocation.Revoked && l.outlives(a)
}

// outlives: a timestamp proves that what was signed existed before the revocation,
// or the authority of an old one was closed in good order.
func (l link) outlives(a revocation.Answer) bool {
	return l.proven && a.RevokedAt.After(l.at) || l.elder && closedAfter(l.at, a)
}

func (l link) question() revocation.Question {
	return revocation.Question{Certificate: l.certificate, Issuer: l.issuer, At: l.at}
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
		if l := (link{certificate: one, at: at, answers: true}); !c.exempt(l) && revocation.Named(one) && !c.linked(one) {
			c.links = append(c.links, l)
		}
	}
	return nil
}

// check asks the proofs themselves, as whoever verifies the seal will.
func (c *custody) check() error {
	r := revocation.NewRegister(c.proofs)
	for _, l := range c.links {
		if c.exempt(l) || l.answers {
			continue
		}
		a := r.Status(l.question())
		switch a.Status {
		case revocation.Good:
		case revocation.Revoked:
			if l.outlives(a) {
				continue
			}
			return fault.New(fault.Internal, "certificate_revoked", "A certificate behind the seal is revoked.")
		default:
			return unproven().Because(errors.New(a.Why))
		}
	}
	return nil
}
