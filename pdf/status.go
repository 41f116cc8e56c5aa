package pdf

import (
	"context"
	"crypto/x509"
	"io"
	"time"

	"github.com/handslag/handslag/pdf/cms"
	"github.com/handslag/handslag/pdf/revocation"
)

// StatusOptions say with whose help the status of certificates is learnt.
type StatusOptions struct {
	Revocation RevocationSource
	// Known completes chains; see [SealOptions].
	Known []*x509.Certificate
	// After leaves out the signatures of the first bytes.
	After int64
	// Now is when the certificates of a signature without timestamp are to be good.
	Now    time.Time
	Limits Limits
}

// Status gets the proofs of status of the certificates behind the signatures of a
// document, which those of level B-B and B-T do not carry, for [Trust.Proofs].
// It is for documents of one's own: certificates are believed to be what the
// signatures say, though none is asked about that Known does not vouch for. A
// certificate that names no source of its status is left out.
func Status(ctx context.Context, ra io.ReaderAt, size int64, o StatusOptions) (revocation.Proofs, error) {
	f, err := Open(ra, size, o.Limits)
	if err != nil {
		return revocation.Proofs{}, err
	}
	fields, err := f.signatureFields()
	if err != nil {
		return revocation.Proofs{}, err
	}
	c := newCustody(o.Revocation, o.Known...)
	c.lenient = true
	for _, s := range fields {
		if s.value == nil || s.value.name("SubFilter") == "ETSI.RFC3161" {
			continue
		}
		if err := f.ask(c, s, o); err != nil {
			return revocation.Proofs{}, err
		}
	}
	err = c.gather(ctx)
	return c.proofs, err
}

// ask puts the signer of a signature and its timestamp's authority among those
// whose status is wanted.
func (f *File) ask(c *custody, s signatureField, o StatusOptions) error {
	r, err := f.byteRange(s)
	if err != nil || r.end <= o.After {
		return err
	}
	signed, err := cms.Parse(r.contents)
	if err != nil {
		return err
	}
	signer, err := signed.Signer()
	if err != nil {
		return err
	}
	c.carry(parsed(signed.Certificates)...)
	wanted := link{certificate: signer, at: o.Now}
	for _, der := range signed.Timestamps() {
		t, err := cms.VerifyToken(der, signed.Signature())
		if err != nil {
			return err
		}
		wanted.at, wanted.proven = t.Time, true
		c.carry(parsed(t.Certificates())...)
		c.prove(t.Signer, t.Time)
	}
	c.links = append(c.links, wanted)
	return nil
}
