package revocation

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"time"
)

const (
	maxProofs = 512 // of each kind: more than any document carries
	// clockSkew is how far the clocks of two authorities may differ, where a proof
	// speaks of one instant alone.
	clockSkew = time.Minute
	// maxResponders bounds how responders vouch for responders.
	maxResponders = 3
)

// Register answers questions from a set of proofs. It parses a proof when it is
// first needed. It is not safe for concurrent use.
type Register struct {
	given     Proofs
	responses []*response
	lists     []*list
	extra     []*x509.Certificate
	opened    bool
	genuine   map[signature]bool
}

// signature is a proof, by its digest, together with who may have signed it.
type signature struct {
	proof [sha256.Size]byte
	key   string
}

// NewRegister keeps the proofs; they must not change while it is in use.
func NewRegister(p Proofs) *Register {
	return &Register{given: p, genuine: map[signature]bool{}}
}

// Of returns a register of other proofs. The two share what they learn about
// signatures, and nothing else: no signature is checked twice.
func (r *Register) Of(p Proofs) *Register {
	return &Register{given: p, genuine: r.genuine}
}

func (r *Register) open() {
	if r.opened {
		return
	}
	r.opened = true
	for _, der := range r.given.OCSP[:min(len(r.given.OCSP), maxProofs)] {
		if p, err := parseOCSP(der); err == nil {
			r.responses = append(r.responses, p)
		}
	}
	for _, der := range r.given.CRLs[:min(len(r.given.CRLs), maxProofs)] {
		if l, err := parseCRL(der); err == nil {
			r.lists = append(r.lists, l)
		}
	}
	for _, der := range r.given.Certificates[:min(len(r.given.Certificates), maxProofs)] {
		if c, err := x509.ParseCertificate(der); err == nil && appointed(c) {
			r.extra = append(r.extra, c)
		}
	}
}

// Status answers a question.
func (r *Register) Status(q Question) Answer {
	r.open()
	if !bytes.Equal(q.Certificate.RawIssuer, q.Issuer.RawSubject) {
		return Answer{Status: Unknown, Why: "The certificate was issued by somebody else."}
	}
	return r.status(q, maxResponders)
}

// finding is an authentic statement about the certificate in question.
type finding struct {
	statement
	used Used
}

func (r *Register) status(q Question, depth int) Answer {
	c := &collector{question: q, why: "There is no proof of the certificate's status."}
	for _, p := range r.responses {
		r.ask(c, p, depth)
	}
	for _, l := range r.lists {
		r.lookUp(c, l)
	}
	return c.answer()
}

// collector chooses among the statements about one certificate.
type collector struct {
	question Question
	found    []finding
	unproven *x509.Certificate
	why      string
	ranked   int
}

// Reasons for an unknown status; the one nearest to an answer is told.
const (
	whyUnclear = iota + 1
	whyForged
	whyResponder
	whyUnknown
	whyFuture
	whyStale
)

func (c *collector) blame(rank int, why string) {
	if rank > c.ranked {
		c.ranked, c.why = rank, why
	}
}

func (c *collector) take(f finding) {
	q := c.question
	made := f.thisUpdate
	if f.used.ProducedAt.After(made) {
		made = f.used.ProducedAt
	}
	switch {
	case f.status == Unknown:
		c.blame(whyUnknown, "The responder does not know the certificate.")
	case !q.Now.IsZero() && made.After(q.Now.Add(clockSkew)):
		c.blame(whyFuture, "The proof of the certificate's status is from later than can be believed.")
	case f.status == Good && !f.speaksOf(q.At, q.Certificate.NotAfter):
		c.blame(whyStale, "The proof of the certificate's status is of another time.")
	default:
		c.found = append(c.found, f)
	}
}

// speaksOf is revocation freshness (EN 319 102-1 5.2.5) for a certificate that
// is not on the list: it was current at the time, or was made later, when the
// issuer would still have named the certificate (5.2.6 with RFC 6960 4.4.4).
func (s *statement) speaksOf(at, notAfter time.Time) bool {
	if s.thisUpdate.After(at) {
		return !s.thisUpdate.After(notAfter) || !s.keptSince.IsZero() && !s.keptSince.After(notAfter)
	}
	if s.nextUpdate.IsZero() { // RFC 6960 2.4: newer information is always available
		return !at.After(s.thisUpdate.Add(clockSkew))
	}
	return !at.After(s.nextUpdate)
}

// answer: a revocation stands, whatever else is claimed, unless it is a hold that
// a newer statement shows lifted. Otherwise the newest statement counts.
func (c *collector) answer() Answer {
	var best *finding
	for i := range c.found {
		f := &c.found[i]
		final := f.status == Revoked && f.reason != CertificateHold
		bestFinal := best != nil && best.status == Revoked && best.reason != CertificateHold
		switch {
		case best == nil, final && !bestFinal,
			final && bestFinal && f.revokedAt.Before(best.revokedAt),
			!final && !bestFinal && f.thisUpdate.After(best.thisUpdate),
			!final && !bestFinal && f.thisUpdate.Equal(best.thisUpdate) && f.status == Revoked:
			best = f
		}
	}
	if best == nil {
		return Answer{Status: Unknown, Why: c.why, Unproven: c.unproven}
	}
	a := Answer{Status: best.status, Used: &best.used}
	if best.status == Revoked {
		a.RevokedAt, a.Reason = best.revokedAt, best.reason
	}
	return a
}

// ask hears one response.
func (r *Register) ask(c *collector, p *response, depth int) {
	for i := range p.singles {
		s := &p.singles[i]
		if !s.about(c.question.Certificate, c.question.Issuer) {
			continue
		}
		if p.unknown {
			c.blame(whyUnclear, "The proof of the certificate's status says something that is not understood.")
			return
		}
		responder := r.responder(c, p, depth)
		if responder == nil {
			return
		}
		c.take(finding{s.statement, Used{
			Kind: OCSP, Raw: p.raw, Responder: responder,
			ProducedAt: p.producedAt, ThisUpdate: s.thisUpdate, NextUpdate: s.nextUpdate,
		}})
	}
}

// responder finds who signed a response: the issuer, or whom it appointed with a
// certificate of its own (RFC 6960 4.2.2.2).
func (r *Register) responder(c *collector, p *response, depth int) *x509.Certificate {
	issuer := c.question.Issuer
	if p.names(issuer) && within(p.producedAt, issuer) && r.signed(p.raw, p.signed, issuer) {
		return issuer
	}
	c.blame(whyForged, "The proof of the certificate's status is not signed by whom it has to be.")
	for _, one := range slices.Concat(p.candidates(), r.extra) {
		if !p.names(one) || !bytes.Equal(one.RawIssuer, issuer.RawSubject) || !within(p.producedAt, one) ||
			one.Equal(c.question.Certificate) || // 4.2.2.2.1: nobody speaks for itself
			!r.issued(one, issuer) || !r.signed(p.raw, p.signed, one) {
			continue
		}
		if r.mayRespond(c, one, p.producedAt, depth) {
			return one
		}
	}
	return nil
}

// mayRespond is 4.2.2.2.1: the issuer vouches for the responder for good, or its
// status is asked as of when it answered, or nowhere is said where to ask.
func (r *Register) mayRespond(c *collector, responder *x509.Certificate, at time.Time, depth int) bool {
	if NoCheck(responder) || ShortLived(responder) {
		return true
	}
	a := Answer{Status: Unknown}
	if depth > 0 {
		q := Question{Certificate: responder, Issuer: c.question.Issuer, At: at, Now: c.question.Now}
		a = r.status(q, depth-1)
	}
	switch {
	case a.Status == Good, a.Status == Revoked && a.RevokedAt.After(at), a.Status == Unknown && !Named(responder):
		return true
	}
	c.unproven = responder
	c.blame(whyResponder, "Nothing proves that the responder was still appointed when it answered.")
	return false
}

// lookUp reads one list.
func (r *Register) lookUp(c *collector, l *list) {
	cert, issuer := c.question.Certificate, c.question.Issuer
	if !bytes.Equal(l.issuer, issuer.RawSubject) {
		return
	}
	if l.unknown || !l.scope.covers(cert) {
		c.blame(whyUnclear, "The revocation list is not about this certificate, or says something that is not understood.")
		return
	}
	if u := issuer.KeyUsage; u != 0 && u&x509.KeyUsageCRLSign == 0 || !within(l.thisUpdate, issuer) || !r.signed(l.raw, l.signed, issuer) {
		c.blame(whyForged, "The proof of the certificate's status is not signed by whom it has to be.")
		return
	}
	s, ok := l.find(cert)
	if !ok {
		c.blame(whyUnclear, "The revocation list says something that is not understood.")
		return
	}
	c.take(finding{s, Used{Kind: CRL, Raw: l.raw, Responder: issuer, ThisUpdate: l.thisUpdate, NextUpdate: l.nextUpdate}})
}

// appointed reports whether a certificate is for answering (4.2.2.2).
func appointed(c *x509.Certificate) bool {
	if u := c.KeyUsage; u != 0 && u&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return false
	}
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) && len(c.UnhandledCriticalExtensions) == 0
}

func within(t time.Time, c *x509.Certificate) bool {
	return !t.Before(c.NotBefore) && !t.After(c.NotAfter)
}

// signed checks the signature of a proof once.
func (r *Register) signed(raw []byte, s signed, by *x509.Certificate) bool {
	return r.once(raw, by, func() bool { return s.by(by) })
}

// issued checks the signature of a responder's certificate once.
func (r *Register) issued(c, by *x509.Certificate) bool {
	return r.once(c.Raw, by, func() bool { return c.CheckSignatureFrom(by) == nil })
}

func (r *Register) once(raw []byte, by *x509.Certificate, check func() bool) bool {
	key := signature{sha256.Sum256(raw), string(by.RawSubjectPublicKeyInfo)}
	known, done := r.genuine[key]
	if !done {
		known = check()
		r.genuine[key] = known
	}
	return known
}
