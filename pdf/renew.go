package pdf

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
)

// RenewOptions say with whose help a document is kept; see [SealOptions].
type RenewOptions struct {
	Timestamper Timestamper
	Revocation  RevocationSource
	Known       []*x509.Certificate
	Limits      Limits
}

// Renew returns the tail that carries a B-LTA document over the end of its last
// timestamp's certificate: the proofs of status for the authority of that
// timestamp, then a new timestamp over everything (EN 319 142-1 6.1, B-LTA). It
// is to be made while the old one is good, and can be made any number of times.
// The document may be anybody's.
//
// Faults: pdf_not_archived when the newest signature of the document is no
// document timestamp that holds, and those of [Seal].
func Renew(ctx context.Context, rev Revision, o RenewOptions) ([]byte, error) {
	if o.Timestamper == nil || o.Revocation == nil {
		return nil, fault.New(fault.Internal, "seal_level", "Renewing needs a timestamp authority and something that gets proofs of status.")
	}
	g, err := startGrowth(rev, o.Limits)
	if err != nil {
		return nil, err
	}
	last, err := g.file.lastTimestamp(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the document's timestamp: %w", err)
	}
	if err := g.file.avoid(); err != nil {
		return nil, fmt.Errorf("read what the document refers to: %w", err)
	}
	stored, err := g.file.storedCertificates()
	if err != nil {
		return nil, fmt.Errorf("read the document's certificates: %w", err)
	}
	c := newCustody(o.Revocation, o.Known...)
	c.carry(last.carried...)
	c.carry(stored...)
	c.proveElder(last)
	if err := g.archive(ctx, c, o.Timestamper); err != nil {
		return nil, err
	}
	return g.tail, nil
}

// lastTimestamp reads the newest signature, which has to be a timestamp over the
// document up to its own revision. The document is read once to see that: a
// timestamp that does not hold is not worth another one.
func (f *File) lastTimestamp(ctx context.Context) (*stamp, error) {
	none := fault.New(fault.Conflict, "pdf_not_archived", "The document does not end with a document timestamp that could be renewed.")
	form, err := f.form()
	if err != nil {
		return nil, err
	}
	var newest signatureField
	var covers signedRange
	for _, s := range form.signatures {
		if s.value == nil {
			continue
		}
		r, err := f.byteRange(s)
		if _, ok := fault.As(err); ok {
			return nil, none.Because(err)
		}
		if err != nil {
			return nil, err
		}
		if r.end > covers.end {
			newest, covers = s, r
		}
	}
	if newest.value.name("SubFilter") != "ETSI.RFC3161" {
		return nil, none
	}
	token, err := cms.Parse(covers.contents)
	if err != nil {
		return nil, none.Because(err)
	}
	algorithm, err := token.Imprint()
	if err != nil {
		return nil, none.Because(err)
	}
	h, buf := algorithm.New(), make([]byte, 256<<10)
	if err := feed(ctx, h, f.src, 0, covers.gapStart, buf); err != nil {
		return nil, err
	}
	if err := feed(ctx, h, f.src, covers.gapEnd, covers.end, buf); err != nil {
		return nil, err
	}
	t, err := token.VerifyTokenImprint(h.Sum(nil), nil)
	if err != nil {
		return nil, none.Because(err)
	}
	return newStamp(t), nil
}
