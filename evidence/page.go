package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/signing"
)

// Page returns the content of a document's evidence page, in the language of
// the collection. It is for a person to look at: everything on it follows from
// the evidence files, and none of it is read by a verifier.
func Page(f Facts) (pdfcpuchild.Page, error) {
	zone, err := time.LoadLocation(f.Spec.TimeZone)
	if err != nil {
		return pdfcpuchild.Page{}, fmt.Errorf("load time zone of the collection: %w", err)
	}
	w := pageWordsIn(f.Spec.Locale)
	page := pdfcpuchild.Page{
		Language: string(f.Spec.Locale), Title: w.title, Lead: w.lead,
		Footer: fmt.Sprintf("%s %s", w.collection, f.Spec.ID), PageOf: w.pageOf,
		Sections: []pdfcpuchild.Section{
			{Heading: w.signers, Text: w.meanings(f.Proofs), Items: w.people(f.Proofs, zone)},
			{Heading: w.documents, Items: w.files(f.Spec, f.Document)},
		},
	}
	where := w.where
	if f.Separate != nil {
		page.Title, page.Lead, where = w.titleAlone, w.leadAlone, w.whereAlone
		page.Sections = append(page.Sections, w.result(f.Document, *f.Separate))
	}
	page.Sections = append(page.Sections, pdfcpuchild.Section{Heading: w.more, Text: where, Items: []pdfcpuchild.Item{w.trail(f)}})
	if isTest(f.Proofs) {
		page.Notice = w.test
	}
	if f.Verifier != "" {
		page.QR = &pdfcpuchild.QR{URL: f.Verifier, Caption: w.verify}
	}
	return page, nil
}

func isTest(proofs []Proof) bool {
	return slices.ContainsFunc(proofs, func(p Proof) bool { return p.Environment != "live" })
}

func (w pageWords) people(proofs []Proof, zone *time.Location) []pdfcpuchild.Item {
	var items []pdfcpuchild.Item
	for _, p := range proofs {
		items = append(items, pdfcpuchild.Item{
			Title: p.SignerName.Reveal(), Badge: w.assurance(p.Assurance).badge,
			Lines: []pdfcpuchild.Line{
				{Label: w.number, Text: p.MaskedNumber},
				{Label: w.method, Text: w.bankID},
				{Label: w.signedAt, Text: when(p.SignedAt, zone)},
			},
		})
	}
	return items
}

// meanings says once what each badge on the page means.
func (w pageWords) meanings(proofs []Proof) string {
	var said []string
	for _, p := range proofs {
		if a := w.assurance(p.Assurance); !slices.Contains(said, a.meaning) {
			said = append(said, a.meaning)
		}
	}
	return strings.Join(said, " ")
}

func (w pageWords) files(spec signing.Spec, this signing.Document) []pdfcpuchild.Item {
	var items []pdfcpuchild.Item
	for _, d := range spec.Documents {
		item := pdfcpuchild.Item{Title: d.Title.Reveal(), Lines: w.file(d.Digest, d.Length)}
		if d.ID == this.ID && len(spec.Documents) > 1 {
			item.Badge = w.this
		}
		items = append(items, item)
	}
	return items
}

func (w pageWords) file(digest signing.Digest, length int64) []pdfcpuchild.Line {
	return []pdfcpuchild.Line{
		{Label: "SHA-256", Text: digest.String(), Mono: true},
		{Label: w.length, Text: grouped(length, w.thousands) + " " + w.bytes},
	}
}

// result is what became of the document that the page is not a part of.
func (w pageWords) result(d signing.Document, s Separate) pdfcpuchild.Section {
	section := pdfcpuchild.Section{Heading: w.finished, Text: w.sealed, Items: []pdfcpuchild.Item{
		{Title: d.Title.Reveal(), Lines: w.file(s.Digest, s.Length)},
	}}
	if !s.Sealed {
		section.Text = w.unsealed
	}
	return section
}

func (w pageWords) trail(f Facts) pdfcpuchild.Item {
	item := pdfcpuchild.Item{Title: w.audit, Lines: []pdfcpuchild.Line{
		{Label: w.collection, Text: string(f.Spec.ID), Mono: true},
		{Label: w.entries, Text: grouped(int64(f.Audit.Seq), w.thousands)},
		{Label: w.head, Text: f.Audit.Head.String(), Mono: true},
	}}
	if f.Verifier != "" {
		item.Lines = append(item.Lines, pdfcpuchild.Line{Label: w.verify, Text: f.Verifier})
	}
	return item
}

// when states a time in UTC and in the collection's own zone.
func when(t time.Time, zone *time.Location) string {
	local := t.In(zone)
	return fmt.Sprintf("%s UTC (%s %s)", t.UTC().Format("2006-01-02 15:04:05"), local.Format("2006-01-02 15:04:05 -07:00"), zone)
}

// grouped writes a number with a mark between the thousands.
func grouped(n int64, mark string) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + mark + s[i:]
	}
	return s
}
