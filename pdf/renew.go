package pdf

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"time"

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
	stored, err := g.file.storedCertificates()
	if err != nil {
		return nil, fmt.Errorf("read the document's certificates: %w", err)
	}
	c := newCustody(o.Revocation, o.Known...)
	c.carry(last.carried...)
	c.carry(stored...)
	c.prove(last.signer, last.time)
	if err := g.keep(ctx, c); err != nil {
		return nil, fmt.Errorf("collect proofs of status: %w", err)
	}
	if err := g.stamp(ctx, o.Timestamper); err != nil {
		return nil, fmt.Errorf("timestamp document: %w", err)
	}
	return g.tail, nil
}

// stamp is what a timestamp says, and the certificates that came with it.
type stamp struct {
	time    time.Time
	signer  *x509.Certificate
	carried []*x509.Certificate
}

func readStamp(token, digest []byte) (*stamp, error) {
	t, err := cms.VerifyTokenDigest(token, digest)
	if err != nil {
		return nil, err
	}
	s, err := cms.Parse(token)
	if err != nil {
		return nil, err
	}
	return &stamp{t.Time, t.Signer, parsed(s.Certificates)}, nil
}

// parsed leaves out what does not parse: it can be no issuer.
func parsed(ders [][]byte) (all []*x509.Certificate) {
	for _, der := range ders {
		if c, err := x509.ParseCertificate(der); err == nil {
			all = append(all, c)
		}
	}
	return all
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
	h, buf := sha256.New(), make([]byte, 256<<10)
	if err := feed(ctx, h, f.src, 0, covers.gapStart, buf); err != nil {
		return nil, err
	}
	if err := feed(ctx, h, f.src, covers.gapEnd, covers.end, buf); err != nil {
		return nil, err
	}
	s, err := readStamp(covers.contents, h.Sum(nil))
	if err != nil {
		return nil, none.Because(err)
	}
	return s, nil
}
