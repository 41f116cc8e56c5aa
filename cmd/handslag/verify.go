package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

type verifyCommand struct {
	Files        []string `arg:"" help:"The signed PDFs. Evidence PDFs among them are used for the documents that they speak of." placeholder:"FILE"`
	Evidence     []string `help:"Evidence PDFs of documents that do not carry their evidence themselves." placeholder:"FILE"`
	Trust        string   `required:"" help:"Directory of trust anchors: <bankid-se|nbid|seal|tsa>.<live|test|simulator>.pem." placeholder:"DIR"`
	Revocation   string   `help:"Directory of OCSP responses and certificate revocation lists, for certificates whose status the documents do not prove." placeholder:"DIR"`
	Signatures   bool     `help:"Judge the PAdES signatures alone, whoever made them: for documents that do not come from Handslag."`
	Accept       []string `help:"What is enough beside signatures that can be verified here: attested (the provider states that they signed), identified (they proved who they are and consented)." placeholder:"KIND" enum:"verified,attested,identified"`
	Organisation string   `help:"The organisation whose seal it must be, as its certificate names it; empty for any that the anchors vouch for." placeholder:"NAME"`
	JSON         bool     `name:"json" help:"Print the report of each document as JSON."`
}

// report is what is said of one document.
type report struct {
	File         string `json:"file"`
	EvidenceFile string `json:"evidenceFile,omitempty"`
	*evidence.Report
}

// Run verifies the documents and prints who signed what, when. The exit code is
// that of the worst.
func (c *verifyCommand) Run(ctx context.Context, stdout io.Writer, code *int) error {
	*code = exitIndeterminate
	trust, err := evidence.LoadTrust(c.Trust)
	if err != nil {
		return err
	}
	trust.Organisation = c.Organisation
	for _, a := range c.Accept {
		trust.Accept = append(trust.Accept, signing.Assurance(a))
	}
	if c.Revocation != "" {
		if trust.Proofs, err = evidence.LoadProofs(c.Revocation); err != nil {
			return err
		}
	}
	files, err := openPDFs(append(slices.Clone(c.Files), c.Evidence...))
	if err != nil {
		return err
	}
	defer files.close()
	reports, err := c.verify(ctx, files, trust)
	if err != nil {
		return err
	}
	*code = exitPassed
	for i, r := range reports {
		*code = worseExit(*code, exitOf(r.Indication))
		if c.JSON {
			enc := json.NewEncoder(stdout)
			enc.SetIndent("", "  ")
			if err := enc.Encode(r); err != nil {
				return fmt.Errorf("print the report: %w", err)
			}
			continue
		}
		if i > 0 {
			_, _ = io.WriteString(stdout, "\n")
		}
		printReport(stdout, r)
	}
	return nil
}

// verify judges each file that was named as a document, unless it turns out to
// be the evidence of another.
func (c *verifyCommand) verify(ctx context.Context, files openFiles, trust evidence.Trust) ([]report, error) {
	var reports []report
	used := map[string]bool{}
	for i, name := range c.Files {
		others, names := files.but(i)
		var r *evidence.Report
		var err error
		if c.Signatures {
			r, err = evidence.VerifySignatures(ctx, files.pdfs[i], trust, time.Now())
		} else {
			r, err = evidence.VerifyDocument(ctx, files.pdfs[i], others, trust, time.Now())
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		found := report{File: name, Report: r}
		if r.Evidence != nil && r.Evidence.Given >= 0 {
			found.EvidenceFile = names[r.Evidence.Given]
			used[found.EvidenceFile] = true
		}
		reports = append(reports, found)
	}
	return slices.DeleteFunc(reports, func(r report) bool { return used[r.File] }), nil
}

// openFiles are the files that were named, in order.
type openFiles struct {
	names []string
	files []*os.File
	pdfs  []evidence.File
}

func openPDFs(names []string) (openFiles, error) {
	open := openFiles{names: names}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			open.close()
			return open, fmt.Errorf("open the document: %w", err)
		}
		open.files = append(open.files, f)
		info, err := f.Stat()
		if err != nil {
			open.close()
			return open, fmt.Errorf("open the document: %w", err)
		}
		open.pdfs = append(open.pdfs, evidence.File{Content: f, Size: info.Size()})
	}
	return open, nil
}

func (o openFiles) close() {
	for _, f := range o.files {
		_ = f.Close() // read only
	}
}

// but returns all files but the i-th.
func (o openFiles) but(i int) (pdfs []evidence.File, names []string) {
	return slices.Delete(slices.Clone(o.pdfs), i, i+1), slices.Delete(slices.Clone(o.names), i, i+1)
}

func exitOf(i pdf.Indication) int {
	switch i {
	case pdf.TotalPassed:
		return exitPassed
	case pdf.TotalFailed:
		return exitFailed
	case pdf.Indeterminate:
	}
	return exitIndeterminate
}

// worseExit: a failed document is worse than one of which nothing is known.
func worseExit(a, b int) int {
	for _, code := range []int{exitFailed, exitIndeterminate} {
		if a == code || b == code {
			return code
		}
	}
	return exitPassed
}

func printReport(w io.Writer, r report) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", r.File, verdict(r.Indication, r.SubIndication, r.Reason))
	if r.Test {
		b.WriteString("\n  TEST: it rests on test or simulator trust anchors and proves nothing about anybody.")
	}
	b.WriteByte('\n')
	printSigners(&b, r.Report)
	word := "Seal    "
	if r.Assembly == "" { // nothing says whose they are to be
		word = "Signed  "
	}
	printSeals(&b, word, r.Seals)
	printSeals(&b, "Time    ", r.Timestamps)
	if e := r.Evidence; e != nil {
		fmt.Fprintf(&b, "\n  Evidence %s\n", evidenceName(r))
		fmt.Fprintf(&b, "    speaks of the document's first %d bytes, SHA-256 %s\n", e.Result.Length, e.Result.Digest)
		if !e.Result.Sealed {
			b.WriteString("    says that a signature in the upload forbids a seal; the document is the upload itself\n")
		}
		fmt.Fprintf(&b, "    verdict  %s\n", verdict(e.Indication, e.SubIndication, e.Reason))
		printSeals(&b, "  Seal  ", e.Seals)
		printSeals(&b, "  Time  ", e.Timestamps)
	}
	printSeals(&b, "Earlier ", r.Earlier)
	if r.Upload != nil {
		fmt.Fprintf(&b, "\n  Upload   first %d bytes, SHA-256 %s\n", r.Upload.Length, r.Upload.Digest)
		fmt.Fprintf(&b, "  Case     %s, document %s\n", r.Collection, r.Document)
	}
	_, _ = io.WriteString(w, strings.Map(harmless, b.String()))
}

// evidenceName is empty for an evidence PDF that was given alone.
func evidenceName(r report) string {
	if r.EvidenceFile == "" {
		return "is this file"
	}
	return "in " + r.EvidenceFile
}

// printSeals prints PAdES signatures. The word says whose they are to be: ours,
// those of the evidence, or those that the upload came with.
func printSeals(b *strings.Builder, word string, seals []evidence.Seal) {
	for _, s := range seals {
		who := orUnknown(s.Organisation)
		if s.Kind == pdf.KindTimestamp {
			who = orUnknown(s.Authority)
		}
		fmt.Fprintf(b, "\n  %s %s\n", word, strings.TrimSpace(who+"  "+s.NationalID))
		if !s.Time.IsZero() {
			fmt.Fprintf(b, "    at       %s (timestamp of %s)\n", s.Time.UTC().Format(time.RFC3339), orUnknown(s.Authority))
		}
		if s.Level != "" {
			fmt.Fprintf(b, "    level    %s\n", levelName(s.Level))
		}
		fmt.Fprintf(b, "    verdict  %s\n", verdict(s.Indication, s.SubIndication, s.Reason))
		for _, c := range s.Changes {
			fmt.Fprintf(b, "    later    %s, in revision %d%s\n", c.Kind, c.Revision, onPage(c.Page))
		}
	}
}

func levelName(l pdf.Level) string {
	if l == pdf.LevelPKCS7 || l == pdf.LevelPKCS7T {
		return string(l)
	}
	return "PAdES " + string(l)
}

func onPage(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", drawn on page %d", n)
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
