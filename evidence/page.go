package evidence

import (
	"fmt"
	"time"

	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/signing"
)

// Page returns the content of a document's evidence page, in the language of
// the collection. It is for a person to look at: everything on it follows from
// the evidence files, and none of it is read by a verifier.
func Page(f Facts) (pdfcpuchild.Page, error) {
	spec, d, proofs, audit, verifier := f.Spec, f.Document, f.Proofs, f.Audit, f.Verifier
	zone, err := time.LoadLocation(spec.TimeZone)
	if err != nil {
		return pdfcpuchild.Page{}, fmt.Errorf("load time zone of the collection: %w", err)
	}
	w := pageWordsIn(spec.Locale)
	page := pdfcpuchild.Page{
		Language: string(spec.Locale), Title: w.title, Lead: w.lead,
		Footer: fmt.Sprintf("%s %s", w.collection, spec.ID), PageOf: w.pageOf,
		Sections: []pdfcpuchild.Section{
			{Heading: w.signers, Items: w.people(proofs, zone)},
			{Heading: w.documents, Items: w.files(spec, d)},
			{Heading: w.more, Text: w.where, Items: []pdfcpuchild.Item{{Title: w.audit, Lines: []pdfcpuchild.Line{
				{Label: w.entries, Text: fmt.Sprint(audit.Seq)},
				{Label: w.head, Text: audit.Head.String(), Mono: true},
			}}}},
		},
	}
	if isTest(proofs) {
		page.Lead = w.test + " " + w.lead
	}
	if verifier != "" {
		page.QR = &pdfcpuchild.QR{URL: verifier, Caption: w.verify}
	}
	return page, nil
}

func isTest(proofs []Proof) bool {
	for _, p := range proofs {
		if p.Environment != "live" {
			return true
		}
	}
	return false
}

func (w pageWords) people(proofs []Proof, zone *time.Location) []pdfcpuchild.Item {
	var items []pdfcpuchild.Item
	for _, p := range proofs {
		items = append(items, pdfcpuchild.Item{
			Title: p.SignerName.Reveal(), Badge: w.badge(p.Assurance),
			Lines: []pdfcpuchild.Line{
				{Label: w.number, Text: p.MaskedNumber},
				{Label: w.method, Text: w.bankID},
				{Label: w.signedAt, Text: when(p.SignedAt, zone)},
			},
		})
	}
	return items
}

func (w pageWords) files(spec signing.Spec, this signing.Document) []pdfcpuchild.Item {
	var items []pdfcpuchild.Item
	for _, d := range spec.Documents {
		item := pdfcpuchild.Item{Title: d.Title.Reveal(), Lines: []pdfcpuchild.Line{
			{Label: "SHA-256", Text: d.Digest.String(), Mono: true},
			{Label: w.length, Text: fmt.Sprintf("%d %s", d.Length, w.bytes)},
		}}
		if d.ID == this.ID && len(spec.Documents) > 1 {
			item.Badge = w.this
		}
		items = append(items, item)
	}
	return items
}

// when states a time in UTC and in the collection's own zone.
func when(t time.Time, zone *time.Location) string {
	local := t.In(zone)
	return fmt.Sprintf("%s UTC (%s %s)", t.UTC().Format("2006-01-02 15:04:05"), local.Format("2006-01-02 15:04:05 -07:00"), zone)
}

func (w pageWords) badge(a signing.Assurance) string {
	switch a {
	case signing.AssuranceVerified:
		return w.verified
	case signing.AssuranceAttested, signing.AssuranceAttestedProcess, signing.AssuranceIdentified:
	}
	return string(a)
}

// pageWords are the words of a page in one language.
type pageWords struct {
	title, lead, test                string
	signers, number, method, bankID  string
	signedAt, verified               string
	documents, length, bytes, this   string
	more, where, audit, entries      string
	head, verify, collection, pageOf string
}

func pageWordsIn(locale signing.Locale) pageWords {
	switch locale {
	case signing.LocaleSV:
		return pageWords{
			title: "Underskrifter",
			lead: "Den här sidan har lagts till efter dokumentet. Dokumentet före den är oförändrat: " +
				"varje byte som undertecknarna skrev under finns kvar.",
			test:    "TEST – undertecknat i en testmiljö och bevisar ingenting.",
			signers: "Undertecknare", number: "Personnummer", method: "Metod", bankID: "Underskrift med svenskt BankID",
			signedAt: "Undertecknat", verified: "kontrollerad",
			documents: "Dokument som undertecknades", length: "Storlek", bytes: "byte", this: "detta dokument",
			more: "Bevis",
			where: "De fullständiga bevisen finns i den här filen som bilagor: varje underskrift med BankID:s svar om " +
				"certifikatets giltighet, och handslag-evidence.json som förtecknar dem. Allt skyddas av den elektroniska " +
				"stämpeln. Kontrollera filen med ”handslag verify” eller en PDF-läsare som kontrollerar PAdES.",
			audit: "Händelselogg", entries: "Antal poster", head: "Slutvärde", verify: "Kontrollera", collection: "Ärende", pageOf: "Sida %d av %d",
		}
	case signing.LocaleNB:
		return pageWords{
			title: "Signaturer",
			lead: "Denne siden er lagt til etter dokumentet. Dokumentet foran den er uendret: " +
				"hver byte som underskriverne signerte, er bevart.",
			test:    "TEST – signert i et testmiljø og beviser ingenting.",
			signers: "Underskrivere", number: "Personnummer", method: "Metode", bankID: "Signatur med svensk BankID",
			signedAt: "Signert", verified: "kontrollert",
			documents: "Dokumenter som ble signert", length: "Størrelse", bytes: "byte", this: "dette dokumentet",
			more: "Bevis",
			where: "De fullstendige bevisene ligger i denne filen som vedlegg: hver signatur med BankIDs svar om " +
				"sertifikatets gyldighet, og handslag-evidence.json som lister dem opp. Alt er beskyttet av det elektroniske " +
				"seglet. Kontroller filen med «handslag verify» eller en PDF-leser som kontrollerer PAdES.",
			audit: "Hendelseslogg", entries: "Antall poster", head: "Sluttverdi", verify: "Kontroller", collection: "Sak", pageOf: "Side %d av %d",
		}
	case signing.LocaleEN:
	}
	return pageWords{
		title: "Signatures",
		lead: "This page was added after the document. The document before it is unchanged: " +
			"every byte that the signers signed is still there.",
		test:    "TEST – signed in a test environment; this proves nothing.",
		signers: "Signers", number: "Personal number", method: "Method", bankID: "Signature with Swedish BankID",
		signedAt: "Signed", verified: "verified",
		documents: "Documents that were signed", length: "Size", bytes: "bytes", this: "this document",
		more: "Evidence",
		where: "The complete evidence is in this file as attachments: each signature with BankID's statement of the " +
			"certificate's validity, and handslag-evidence.json, which lists them. The electronic seal protects it all. " +
			"Check the file with \"handslag verify\" or with a PDF reader that checks PAdES.",
		audit: "Audit trail", entries: "Entries", head: "Head", verify: "Verify", collection: "Case", pageOf: "Page %d of %d",
	}
}
