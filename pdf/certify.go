package pdf

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"time"

	"github.com/handslag/handslag/pdf/cms"
	"github.com/handslag/handslag/pdf/revocation"
)

// evidence is all that the file and the verifier bring along about certificates.
// It is raw, and believed only as far as it leads to a trust anchor.
type evidence struct {
	certificates [][]byte
	inFile       [][]byte // of them, those that the file carries
	between      *x509.CertPool
	register     *revocation.Register
	stored       *revocation.Register // of the newest security store and the signatures alone
}

// gather collects certificates and proofs of status from the security store, from
// every signature and every token, and from who verifies.
func (j *judgement) gather() error {
	e := &evidence{between: x509.NewCertPool()}
	j.evidence = e
	store, err := j.file.storeProofs()
	if err != nil {
		return err
	}
	all := revocation.Proofs{OCSP: slices.Clip(store.OCSP), CRLs: slices.Clip(store.CRLs)}
	all.OCSP = append(all.OCSP, j.trust.Proofs.OCSP...)
	all.CRLs = append(all.CRLs, j.trust.Proofs.CRLs...)
	e.inFile = slices.Clip(store.Certificates)
	for _, s := range j.all {
		if s.cms != nil {
			e.carried(&all, s.cms)
		}
	}
	e.certificates = slices.Concat(e.inFile, j.trust.Proofs.Certificates)
	all.Certificates = e.certificates
	for _, raw := range e.certificates {
		if c, err := x509.ParseCertificate(raw); err == nil {
			e.between.AddCert(c)
		}
	}
	e.register = revocation.NewRegister(all)
	e.stored = e.alone(store)
	return nil
}

// carried takes what a signature and its timestamps bring along.
func (e *evidence) carried(all *revocation.Proofs, s *cms.Signed) {
	ocsp, crls := s.Revocation()
	all.OCSP, all.CRLs = append(all.OCSP, ocsp...), append(all.CRLs, crls...)
	e.inFile = append(e.inFile, s.Certificates...)
	for _, raw := range s.Timestamps() {
		if t, err := cms.Parse(raw); err == nil && len(t.Timestamps()) == 0 {
			e.carried(all, t)
		}
	}
}

// certifying is the question whether a certificate is good.
type certifying struct {
	leaf     *x509.Certificate
	roots    *x509.CertPool
	usage    x509.ExtKeyUsage
	at       time.Time // by which what it signed existed
	statusAt time.Time // when it must not have been revoked
	proven   bool      // at is proven, and not only now
	stamper  bool
	whose    string
}

type certified struct {
	indication  Indication
	sub, reason string
	chain       []*x509.Certificate
}

// certify builds the chain as of the proven time and asks for the status of each
// certificate below the anchor (EN 319 102-1 5.2.6, 5.6.2.1).
func (j *judgement) certify(q certifying) certified {
	untrusted := certified{Indeterminate, NoCertificateChain, "No trust anchor that was given vouches for the " + q.whose + " certificate.", nil}
	if q.roots == nil {
		return untrusted
	}
	options := x509.VerifyOptions{
		Roots: q.roots, Intermediates: j.evidence.between, CurrentTime: q.at, KeyUsages: []x509.ExtKeyUsage{q.usage},
	}
	chains, err := q.leaf.Verify(options)
	if err != nil {
		return j.outOfBounds(q, options, untrusted)
	}
	var first certified
	const maxChains = 8
	for i, chain := range chains[:min(len(chains), maxChains)] {
		f := j.status(q, chain)
		if f.sub == "" {
			return f
		}
		if i == 0 {
			first = f
		}
	}
	return first
}

// outOfBounds tells a chain that is good at another time from none at all.
func (j *judgement) outOfBounds(q certifying, options x509.VerifyOptions, untrusted certified) certified {
	for _, t := range []time.Time{q.leaf.NotAfter, q.leaf.NotBefore, q.statusAt} {
		options.CurrentTime = t
		chains, err := q.leaf.Verify(options)
		if err != nil {
			continue
		}
		if q.proven && q.at.Before(q.leaf.NotBefore) {
			return certified{TotalFailed, NotYetValid, "The signature was made before the " + q.whose + " certificate was issued.", chains[0]}
		}
		return certified{Indeterminate, OutOfBounds, "The " + q.whose + " certificate or one above it has run out, and nothing proves that it was used before.", chains[0]}
	}
	return untrusted
}

func (j *judgement) status(q certifying, chain []*x509.Certificate) certified {
	good := certified{indication: TotalPassed, chain: chain}
	if slices.ContainsFunc(chain[:len(chain)-1], weakKey) {
		return certified{Indeterminate, CryptoConstraints, "The " + q.whose + " certificate or one above it has a key that is too short.", chain}
	}
	for i := range len(chain) - 1 {
		a := j.evidence.register.Status(revocation.Question{Certificate: chain[i], Issuer: chain[i+1], At: q.statusAt, Now: j.trust.Now})
		switch a.Status {
		case revocation.Good:
		case revocation.Revoked:
			if q.outlives(a) {
				continue
			}
			sub := Revoked
			if i > 0 {
				sub = RevokedCA
			}
			return certified{Indeterminate, sub, "The " + q.whose + " certificate or one above it was revoked, and nothing proves that it was used before.", chain}
		default:
			if needsProof(chain[i]) {
				return certified{Indeterminate, TryLater, "The status of the " + q.whose + " certificate at the time is not known. " + a.Why, chain}
			}
		}
	}
	return good
}

// outlives: what was signed existed before the revocation. A token that may be
// younger than it still counts when the authority was closed in good order.
func (q certifying) outlives(a revocation.Answer) bool {
	return a.RevokedAt.After(q.at) || q.stamper && closedAfter(q.statusAt, a)
}

// closedAfter reports a timestamp authority that was closed or replaced in good
// order after a time, which leaves its earlier timestamps as they are (RFC 3161 4.1;
// reasons of RFC 5280 5.3.1).
func closedAfter(at time.Time, a revocation.Answer) bool {
	const affiliationChanged, superseded, cessationOfOperation = 3, 4, 5
	inOrder := a.Reason == affiliationChanged || a.Reason == superseded || a.Reason == cessationOfOperation
	return inOrder && a.RevokedAt.After(at)
}

// weakKey: less than 112 bits of strength (SOG-IS crypto catalogue 4.1).
func weakKey(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() < 2048
	case *ecdsa.PublicKey:
		return k.Params().BitSize < 256
	}
	return false
}

func needsProof(c *x509.Certificate) bool { return revocation.Named(c) && !revocation.ShortLived(c) }
