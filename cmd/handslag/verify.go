package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
)

type verifyCommand struct {
	File         string `arg:"" help:"The signed PDF." placeholder:"FILE"`
	Trust        string `required:"" help:"Directory of trust anchors: <bankid-se|seal|tsa>.<live|test|simulator>.pem." placeholder:"DIR"`
	Organisation string `help:"The organisation whose seal it must be, as its certificate names it; empty for any that the anchors vouch for." placeholder:"NAME"`
	JSON         bool   `name:"json" help:"Print the report as JSON."`
}

// Run verifies the file and prints who signed what, when.
func (c *verifyCommand) Run(ctx context.Context, stdout io.Writer, code *int) error {
	*code = exitIndeterminate
	trust, err := evidence.LoadTrust(c.Trust)
	if err != nil {
		return err
	}
	trust.Organisation = c.Organisation
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("open the document: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the document: %w", err)
	}
	report, err := evidence.VerifyDocument(ctx, evidence.File{Content: f, Size: info.Size()}, nil, trust, time.Now())
	if err != nil {
		return err
	}
	switch report.Indication {
	case pdf.TotalPassed:
		*code = exitPassed
	case pdf.TotalFailed:
		*code = exitFailed
	case pdf.Indeterminate:
	}
	if c.JSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(report); err != nil {
			return fmt.Errorf("print the report: %w", err)
		}
		return nil
	}
	printReport(stdout, c.File, report)
	return nil
}

func printReport(w io.Writer, file string, r *evidence.Report) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", file, verdict(r.Indication, r.SubIndication, r.Reason))
	if r.Test {
		b.WriteString("\n  TEST: it rests on test or simulator trust anchors and proves nothing about anybody.")
	}
	b.WriteByte('\n')
	for _, s := range r.Signers {
		fmt.Fprintf(&b, "\n  Signer   %s  %s\n", orUnknown(s.Name.Reveal()), s.PersonalNumber)
		if s.Title != "" {
			fmt.Fprintf(&b, "    signed   %q for %s\n", s.Title.Reveal(), orUnknown(s.RelyingParty.Reveal()))
		}
		if !s.SignedAt.IsZero() {
			fmt.Fprintf(&b, "    at       %s (stated by %s)\n", s.SignedAt.UTC().Format(time.RFC3339), timeSource(s.TimeSource))
		}
		fmt.Fprintf(&b, "    method   %s, %s\n", s.Method, s.Assurance)
		fmt.Fprintf(&b, "    verdict  %s\n", verdict(s.Indication, s.SubIndication, s.Reason))
	}
	for _, s := range r.Seals {
		fmt.Fprintf(&b, "\n  Seal     %s\n", orUnknown(s.Organisation))
		if !s.Time.IsZero() {
			fmt.Fprintf(&b, "    at       %s (timestamp of %s)\n", s.Time.UTC().Format(time.RFC3339), orUnknown(s.Authority))
		}
		if s.Level != "" {
			fmt.Fprintf(&b, "    level    PAdES %s\n", s.Level)
		}
		fmt.Fprintf(&b, "    verdict  %s\n", verdict(s.Indication, s.SubIndication, s.Reason))
	}
	if r.Upload != nil {
		fmt.Fprintf(&b, "\n  Upload   first %d bytes, SHA-256 %s\n", r.Upload.Length, r.Upload.Digest)
		fmt.Fprintf(&b, "  Case     %s, document %s\n", r.Collection, r.Document)
	}
	_, _ = io.WriteString(w, strings.Map(harmless, b.String()))
}

// harmless keeps a hostile document from writing to the terminal: what does not
// print as itself becomes a question mark.
func harmless(r rune) rune {
	if r == '\n' || unicode.IsPrint(r) {
		return r
	}
	return '?'
}

func verdict(i pdf.Indication, sub, reason string) string {
	s := string(i)
	if sub != "" {
		s += " (" + sub + ")"
	}
	if reason != "" {
		s += ": " + reason
	}
	return s
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func timeSource(s string) string {
	if s == "ocsp" {
		return "BankID's OCSP responder"
	}
	return "nobody but us"
}
