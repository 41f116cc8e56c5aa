package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/simulator/pki"
)

// Why some judges need not see what was done to a file.
const (
	noRules        = "it has no rules on what may follow a signature"
	noCertificates = "it is run without certificates"
	noSignatures   = "it does not look at signatures"
)

// control is a file that judges must reject.
type control struct {
	name, done string
	blind      map[string]string // beside qpdf, unless it is for qpdf too
	structure  bool              // so wrong that qpdf sees it
	make       func(context.Context, *signer) ([]byte, error)
}

var controls = []control{
	{"byte", "a byte of the first page was changed", nil, false, func(ctx context.Context, s *signer) ([]byte, error) {
		b, err := s.one(ctx, "B-T")
		return bytes.Replace(b, []byte("5000 kronor"), []byte("9000 kronor"), 1), err
	}},
	{"value", "the signature value was changed", nil, false, func(ctx context.Context, s *signer) ([]byte, error) {
		b, err := s.one(ctx, "B-B")
		if err != nil {
			return nil, err
		}
		return spoilValue(b)
	}},
	{"cut", "the end of the file was cut off", nil, true, func(ctx context.Context, s *signer) ([]byte, error) {
		b, err := s.one(ctx, "B-T")
		return b[:max(0, len(b)-400)], err
	}},
	{
		"text", "a later revision shows another text",
		map[string]string{"pdfsig": noRules},
		false,
		later(map[int]string{6: stream("", "BT /F1 18 Tf 72 700 Td (Contract, page 1 of 2: the rent is 9000 kronor.) Tj ET")}),
	},
	{"page", "a later revision has a page more", map[string]string{"pdfsig": noRules}, false, later(map[int]string{
		3:  "<</Type /Pages /Kids [5 0 R 7 0 R 90 0 R] /Count 3 /MediaBox [0 0 595 842] /Resources <</Font <</F1 4 0 R>>>>>>",
		90: "<</Type /Page /Parent 3 0 R /Contents 6 0 R>>",
	})},
	{"stranger", "a stranger signed", map[string]string{"pdfsig": noCertificates}, false, func(ctx context.Context, s *signer) ([]byte, error) {
		return s.by(ctx, "B-T", s.world.stranger.Seal())
	}},
	{"revoked", "the certificate was revoked before the signature", map[string]string{"pdfsig": noCertificates}, false, func(ctx context.Context, s *signer) ([]byte, error) {
		return s.by(ctx, "B-T", s.world.stolen)
	}},
}

func (s *signer) one(ctx context.Context, level string) ([]byte, error) {
	return s.by(ctx, level, s.world.seals["p256"])
}

func (s *signer) by(ctx context.Context, level string, id pki.Identity) ([]byte, error) {
	b := bytes.Clone(s.uploads["table"])
	tail, err := pdf.Seal(ctx, revision(b), s.options(level, "p256", id))
	return append(b, tail...), err
}

func (s *signer) spoilt(ctx context.Context) ([]*sample, error) {
	var all []*sample
	for _, c := range controls {
		b, err := c.make(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("spoilt %s: %w", c.name, err)
		}
		made := &sample{name: "spoilt-" + c.name, level: "B-T", form: "table", spoilt: c.done, blind: map[string]string{}}
		maps.Copy(made.blind, c.blind)
		if !c.structure {
			made.blind["qpdf"] = noSignatures
		}
		made.path = filepath.Join(s.dir, made.name+".pdf")
		if err := os.WriteFile(made.path, b, 0o600); err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}

var hole = regexp.MustCompile(`/Contents <([0-9a-f]+)>`)

// spoilValue changes the last byte of the signature, which is a CMS's last one
// as long as no timestamp follows it.
func spoilValue(b []byte) ([]byte, error) {
	at := hole.FindSubmatchIndex(b)
	if at == nil {
		return nil, errors.New("no signature is found")
	}
	der, err := hex.DecodeString(string(b[at[2]:at[3]]))
	if err != nil {
		return nil, err
	}
	last := len(bytes.TrimRight(der, "\x00")) - 1
	der[last] ^= 1
	hex.Encode(b[at[2]:], der)
	return b, nil
}

var startxref = regexp.MustCompile(`startxref\s+(\d+)`)

// later has an update follow the signature, as somebody else's program writes it.
func later(changed map[int]string) func(context.Context, *signer) ([]byte, error) {
	return func(ctx context.Context, s *signer) ([]byte, error) {
		b, err := s.one(ctx, "B-T")
		if err != nil {
			return nil, err
		}
		all := startxref.FindAllSubmatch(b, -1)
		before, err := strconv.Atoi(string(all[len(all)-1][1]))
		if err != nil {
			return nil, err
		}
		w := &writer{Buffer: *bytes.NewBuffer(b), at: map[int]int{}}
		for n, body := range changed {
			w.object(n, body)
		}
		at := w.Len()
		w.WriteString("xref\n")
		for n, offset := range w.at {
			fmt.Fprintf(w, "%d 1\n%010d 00000 n \n", n, offset)
		}
		fmt.Fprintf(w, "trailer\n<</Size 100 /Root 1 0 R /Info 2 0 R %s /Prev %d>>\nstartxref\n%d\n%%%%EOF\n", identifier, before, at)
		return w.Bytes(), nil
	}
}
