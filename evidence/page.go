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
// the evidence files, and none of it is read by a verifier. Signatures, consents
// and related processes stand apart, and each group says what it is worth.
func Page(f Facts) (pdfcpuchild.Page, error) {
	zone, err := time.LoadLocation(f.Spec.TimeZone)
	if err != nil {
		return pdfcpuchild.Page{}, fmt.Errorf("load time zone of the collection: %w", err)
	}
	w := pageWordsIn(f.Spec.Locale)
	signed := slices.Concat(f.ofKind(KindSignature), f.ofKind(KindStatement))
	consents, processes := f.ofKind(KindConsent), f.ofKind(KindProcess)
	about := w.about(len(signed) > 0, len(consents) > 0)
	page := pdfcpuchild.Page{
		Language: string(f.Spec.Locale), Title: capitalised(about), Lead: w.lead,
		Footer: fmt.Sprintf("%s %s", w.collection, f.Spec.ID), PageOf: w.pageOf,
	}
	add := func(heading string, proofs []Proof) {
		if len(proofs) > 0 {
			page.Sections = append(page.Sections, pdfcpuchild.Section{Heading: heading, Text: w.meanings(proofs), Items: w.people(f, proofs, zone)})
		}
	}
	add(w.signers, signed)
	add(w.consents, consents)
	page.Sections = append(page.Sections, pdfcpuchild.Section{Heading: w.documents, Items: w.files(f)})
	where := w.where
	if f.Separate != nil {
		page.Title, page.Lead, where = fmt.Sprintf(w.titleAlone, about), w.leadAlone, w.whereAlone
		page.Sections = append(page.Sections, w.result(f.Document, *f.Separate))
	}
	add(w.processes, processes)
	page.Sections = append(page.Sections, pdfcpuchild.Section{Heading: w.more, Text: where, Items: []pdfcpuchild.Item{w.trail(f)}})
	if isTest(f.Proofs) {
		page.Notice = w.test
	}
	if f.Verifier != "" {
		page.QR = &pdfcpuchild.QR{URL: f.Verifier, Caption: w.verify}
	}
	return page, nil
}

func capitalised(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func isTest(proofs []Proof) bool {
	return slices.ContainsFunc(proofs, func(p Proof) bool { return p.Environment != "live" })
}

func (w pageWords) people(f Facts, proofs []Proof, zone *time.Location) []pdfcpuchild.Item {
	var items []pdfcpuchild.Item
	for _, p := range proofs {
		number := w.number
		if p.Method.SignsDocuments() {
			number = w.norwegianNumber
		}
		item := pdfcpuchild.Item{
			Title: p.SignerName.Reveal(), Badge: w.worth(p).badge,
			Lines: []pdfcpuchild.Line{{Label: number, Text: p.MaskedNumber}},
		}
		if p.Organisation != "" {
			item.Lines = append(item.Lines, pdfcpuchild.Line{Label: w.behalf, Text: p.Organisation})
		}
		item.Lines = append(item.Lines, pdfcpuchild.Line{Label: w.method, Text: w.how(p)})
		item.Lines = append(item.Lines, w.times(p, zone)...)
		if n := p.revisionOf(f.Document.ID); n > f.Document.Revision {
			item.Lines = append(item.Lines, pdfcpuchild.Line{Label: w.version, Text: strconv.Itoa(n)})
		}
		items = append(items, item)
	}
	return items
}

// how says what the person did, and by whose word.
func (w pageWords) how(p Proof) string {
	provider := providerName(p.Provider)
	switch p.Assurance {
	case signing.AssuranceAttested:
		return fmt.Sprintf(w.bankIDStated, provider)
	case signing.AssuranceIdentified:
		via := ""
		if p.Provider != "bankid" {
			via = fmt.Sprintf(w.via, provider)
		}
		return fmt.Sprintf(w.bankIDIdentified, via)
	case signing.AssuranceAttestedProcess:
		return fmt.Sprintf(w.bankIDProcess, provider)
	case signing.AssuranceVerified:
	}
	if p.Method.SignsDocuments() {
		return w.nbid
	}
	return w.bankID
}

func (w pageWords) times(p Proof, zone *time.Location) []pdfcpuchild.Line {
	label := w.signedAt
	switch kindOf(p.Assurance) {
	case KindConsent:
		label = w.identifiedAt
	case KindProcess:
		label = w.endedAt
	case KindSignature, KindStatement:
	}
	lines := []pdfcpuchild.Line{{Label: label, Text: when(p.SignedAt, zone)}}
	if p.Signature.Consent != nil {
		lines = append(lines, pdfcpuchild.Line{Label: w.consentedAt, Text: when(p.Signature.Consent.At, zone)})
	}
	return lines
}

// revisionOf is the revision of a document that the person signed or approved,
// or that their signature made.
func (p Proof) revisionOf(d signing.DocumentID) int {
	if made, ok := p.made(d); ok {
		return made.Revision
	}
	m, err := signing.ParseManifest(p.Manifest)
	if err != nil {
		return 0
	}
	for _, each := range m.Documents {
		if each.ID == d {
			return each.Revision
		}
	}
	return 0
}

// meanings says once what each badge in a group means.
func (w pageWords) meanings(proofs []Proof) string {
	var said []string
	for _, p := range proofs {
		if a := w.worth(p); !slices.Contains(said, a.meaning) {
			said = append(said, a.meaning)
		}
	}
	return strings.Join(said, " ")
}

// files are the documents of the collection, and the versions of this one that
// signatures in it made.
func (w pageWords) files(f Facts) []pdfcpuchild.Item {
	var items []pdfcpuchild.Item
	for _, d := range f.Spec.Documents {
		item := pdfcpuchild.Item{Title: d.Title.Reveal(), Lines: w.file(d.Digest, d.Length)}
		if d.ID == f.Document.ID && len(f.Spec.Documents) > 1 {
			item.Badge = w.this
		}
		items = append(items, item)
		if d.ID == f.Document.ID {
			items = append(items, w.versions(f)...)
		}
	}
	return items
}

func (w pageWords) versions(f Facts) []pdfcpuchild.Item {
	var made []signing.Current
	by := map[int]string{}
	for _, p := range f.Proofs {
		if c, ok := p.made(f.Document.ID); ok {
			made = append(made, c)
			by[c.Revision] = p.SignerName.Reveal()
		}
	}
	slices.SortFunc(made, func(a, b signing.Current) int { return a.Revision - b.Revision })
	var items []pdfcpuchild.Item
	for _, c := range made {
		items = append(items, pdfcpuchild.Item{
			Title: fmt.Sprintf(w.versionBy, c.Revision, by[c.Revision]), Lines: w.file(c.Digest, c.Length),
		})
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
