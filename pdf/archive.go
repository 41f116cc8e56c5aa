package pdf

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/handslag/handslag/pdf/cms"
)

// maxUnits: some authorities answer with many machines, each of a key of its own.
const maxUnits = 8

// archive adds the proofs that were collected and a document timestamp over them.
//
// The timestamp's own authority is to be checked offline as well, and what proves
// its status has to be in the document before. Which authority answers is known
// only then: when it is one that nothing was collected for, both are made again
// with it.
func (g *growth) archive(ctx context.Context, c *custody, t Timestamper) error {
	for range maxUnits {
		next := *g
		if err := next.keep(ctx, c); err != nil {
			return err
		}
		made, err := next.stamp(ctx, t)
		if err != nil {
			return fmt.Errorf("timestamp document: %w", err)
		}
		if c.plays(made.signer) {
			*g = next
			return nil
		}
		c.carry(made.carried...)
		c.prove(made.signer, made.time)
	}
	return unproven()
}

// stamp adds a document timestamp (ISO 32000-2 12.8.5): a signature dictionary
// whose signature is a token over the document. It claims no time of its own and
// names no certificate: both are in the token.
func (g *growth) stamp(ctx context.Context, t Timestamper) (made *stamp, err error) {
	before, err := g.rev.hash()
	if err != nil {
		return nil, err
	}
	form, err := g.file.form()
	if err != nil {
		return nil, err
	}
	slot := slot{field: form.freeName("Timestamp"), head: "<</Type /DocTimeStamp\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.RFC3161"}
	err = g.fill(slot, tokenSize(t), func(p *prepared) ([]byte, error) {
		digest := p.digest(before, crypto.SHA256)
		token, err := t.Timestamp(ctx, digest)
		if err == nil {
			made, err = readStamp(token, digest)
		}
		return token, err
	})
	return made, err
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
	return newStamp(t), nil
}

func newStamp(t *cms.Token) *stamp { return &stamp{t.Time, t.Signer, parsed(t.Certificates())} }

// parsed leaves out what does not parse: it can be no issuer.
func parsed(ders [][]byte) (all []*x509.Certificate) {
	for _, der := range ders {
		if c, err := x509.ParseCertificate(der); err == nil {
			all = append(all, c)
		}
	}
	return all
}
