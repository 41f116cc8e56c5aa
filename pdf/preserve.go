package pdf

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"
)

// PreserveOptions say with whose help signatures are preserved, and which; see
// [SealOptions].
type PreserveOptions struct {
	Timestamper Timestamper
	Revocation  RevocationSource
	Known       []*x509.Certificate
	// After leaves out the signatures of the first bytes.
	After int64
	// Now is when the certificates of a signature without timestamp are to be good.
	Now    time.Time
	Limits Limits
}

// Preserve returns the tail that makes the signatures of others last as a seal of
// level B-LTA does: the proofs of status of their certificates, then a document
// timestamp over everything. It is to be made soon: a certificate that a person
// signs with may be good for minutes only, and is no longer on any list then.
// Certificates are believed to be what the signatures say, as by [Status].
//
// Faults: pdf_locked, and those of [Seal].
func Preserve(ctx context.Context, rev Revision, o PreserveOptions) ([]byte, error) {
	g, err := startGrowth(rev, o.Limits)
	if err != nil {
		return nil, err
	}
	if err := g.file.avoid(); err != nil {
		return nil, fmt.Errorf("read what the document refers to: %w", err)
	}
	fields, err := g.file.signatureFields()
	if err != nil {
		return nil, err
	}
	stored, err := g.file.storedCertificates()
	if err != nil {
		return nil, fmt.Errorf("read the document's certificates: %w", err)
	}
	c := newCustody(o.Revocation, o.Known...)
	c.lenient = true
	c.carry(stored...)
	for _, s := range fields {
		if s.value == nil || kindOf(s.value) == KindTimestamp {
			continue
		}
		if err := g.file.ask(c, s, StatusOptions{After: o.After, Now: o.Now}); err != nil {
			return nil, fmt.Errorf("read a signature: %w", err)
		}
	}
	if err := g.archive(ctx, c, o.Timestamper); err != nil {
		return nil, err
	}
	return g.tail, nil
}
