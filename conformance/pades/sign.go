package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/simulator/pki"
)

// sample is one file that the judges look at.
type sample struct {
	name       string
	path       string
	level      string
	form       string
	by         string // the judge that signed it; "" is us
	signatures int    // beside document timestamps, of which B-LTA has as many
	// keys are the kinds of key by the name of the field, where we signed.
	keys map[string]string
	// spoilt names what was done to it; "" is a sound one.
	spoilt string
	// blind are judges that need not see what was done, and why.
	blind map[string]string
}

// signer makes the files of the matrix.
type signer struct {
	world   *world
	uploads map[string][]byte
	dir     string
}

func (s *signer) make(ctx context.Context, c combination) (*sample, error) {
	out := &sample{
		name: c.name(), path: filepath.Join(s.dir, c.name()+".pdf"),
		level: c.level, form: c.form, signatures: c.signers, keys: map[string]string{},
	}
	b, err := s.signed(ctx, c, out.keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name(), err)
	}
	return out, os.WriteFile(out.path, b, 0o600)
}

// fieldName is the name of the field that a seal adds first: the signature's.
var fieldName = regexp.MustCompile(`/T ?\((\w+)\)`)

func (s *signer) signed(ctx context.Context, c combination, keys map[string]string) ([]byte, error) {
	b := bytes.Clone(s.uploads[c.form])
	if c.appendix {
		tail, err := pdf.Append(revision(b), appendix())
		if err != nil {
			return nil, fmt.Errorf("append: %w", err)
		}
		b = append(b, tail...)
	}
	for i := range c.signers {
		key := c.keyOf(i)
		tail, err := pdf.Seal(ctx, revision(b), s.options(c.level, key, s.world.seals[key]))
		if err != nil {
			return nil, fmt.Errorf("signature %d with %s: %w", i+1, key, err)
		}
		field := fieldName.FindSubmatch(tail)
		if field == nil {
			return nil, fmt.Errorf("signature %d with %s has no field", i+1, key)
		}
		keys[string(field[1])] = key
		b = append(b, tail...)
	}
	return b, nil
}

func (s *signer) options(level, key string, id pki.Identity) pdf.SealOptions {
	o := pdf.SealOptions{
		Key: id.Key, Chain: chain(id), PSS: key == "rsa-pss-3072", Time: now(), Name: "Bolaget Åäö AB", Reason: "Avtal",
		Level: pdf.Level(level), Known: s.world.roots,
	}
	if level != "B-B" {
		o.Timestamper, o.Revocation = s.world.stamps, s.world.status
	}
	return o
}

func revision(b []byte) pdf.Revision {
	h := &pdf.HashState{}
	_, _ = h.Write(b) // never fails
	return pdf.Revision{Source: bytes.NewReader(b), Size: int64(len(b)), Hash: h}
}

func appendix() pdf.Additions {
	return pdf.Additions{
		Pages: table(objects(1, "Evidence")), Time: now(),
		Files: []pdf.Attachment{
			{Name: "signatur-Å.xml", Description: "BankID signature", MIMEType: "application/xml", Relationship: "Data", Data: []byte("<x/>")},
			{Name: "manifest.json", MIMEType: "application/json", Relationship: "Data", Data: []byte("{}")},
		},
	}
}
