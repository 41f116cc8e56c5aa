package evidence_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/signing"
)

// TestMain lets the test binary be the child that makes pages.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pdfcpu-child" {
		os.Exit(pdfcpuchild.Main(os.Stdin, os.Stdout, os.Args[2:]))
	}
	os.Exit(m.Run())
}

// names are of people whom a page must be able to name.
var names = []string{
	"Åsa Öhrström-Łukasiewicz", "Nguyễn Thị Hồng Phượng", "Αλέξανδρος Παπαδόπουλος", "Владимир Щербаков", "Ġużè Ħaddiem",
	"Þórður Æsisson", "Bjørnstjerne Ærøskøbing", "Žydrūnas Šiaučiūnas", "გიორგი მამულაშვილი", "İbrahim Çağlayangil Ğ",
	"Maria Fernanda Isabella Alexandra Wilhelmina von und zu Hohenlohe-Waldenburg-Schillingsfürst af Klintberg de la Gardie",
}

func facts(locale signing.Locale, people, documents int) evidence.Facts {
	f := evidence.Facts{
		Spec: signing.Spec{
			ID: "col_01JD8Q4Z7M3N5P6R8S9TABCDEF", Locale: locale,
			TimeZone: map[signing.Locale]string{"sv": "Europe/Stockholm", "nb": "Europe/Oslo", "en": "Europe/London"}[locale],
		},
		Audit:    signing.AuditTrail{Seq: 1417, Head: signing.Digest{7, 1}},
		Verifier: "https://sign.example.com/verify/col_01JD8Q4Z7M3N5P6R8S9TABCDEF",
	}
	for i := range documents {
		title := "Hyresavtal för lägenhet 1203, Storgatan 12 i Jönköping"
		if i%3 == 2 {
			title = "Bilaga ✓ → „ÅÄÖ“ – " + strings.Repeat("en mycket lång titel ", 4)
		}
		f.Spec.Documents = append(f.Spec.Documents, signing.Document{
			ID: signing.DocumentID(fmt.Sprintf("doc_%02d", i)), Title: signing.Private(title), Length: 93412 * int64(1+i*i*i), Digest: signing.Digest{byte(i), 0xab},
		})
	}
	f.Document = f.Spec.Documents[0]
	for i := range people {
		p := evidence.Proof{SignerName: signing.Private(names[i%len(names)]), MaskedNumber: "19800101-xxxx"}
		p.Assurance, p.Environment = signing.AssuranceVerified, "live"
		p.SignedAt = time.Date(2026, 11, 22, 12, i, 7, 0, time.UTC)
		f.Proofs = append(f.Proofs, p)
	}
	return f
}

// mixed has somebody of every kind, and a revision that a signature made.
func mixed(locale signing.Locale) evidence.Facts {
	f := facts(locale, 5, 2)
	made := signing.Current{Document: f.Document.ID, Revision: 1, Length: 163021, Digest: signing.Digest{0xcc}}
	nbid, attested, consent, process := &f.Proofs[1], &f.Proofs[2], &f.Proofs[3], &f.Proofs[4]
	nbid.Method, nbid.Provider, nbid.MaskedNumber = signing.MethodNBIDPKI, "signicat", "178580-xxxxx"
	nbid.Revisions = []signing.Current{made}
	attested.Method, attested.Provider, attested.Assurance = signing.MethodBankIDSE, "idkollen", signing.AssuranceAttested
	attested.Organisation = "559000-0948"
	f.Spec.ID, f.Spec.Documents[0].ID = "col_0000000000000000000000000a", "doc_0000000000000000000000000a"
	f.Spec.Documents[1].ID = "doc_0000000000000000000000000b"
	f.Document.ID = f.Spec.Documents[0].ID
	made.Document, nbid.Revisions[0].Document = f.Document.ID, f.Document.ID
	spec := f.Spec.At([]signing.Current{made})
	spec.Participants = []signing.Participant{{ID: "par_0000000000000000000000000a"}}
	attested.Manifest, _ = spec.Manifest("par_0000000000000000000000000a").Encode() // never fails
	consent.Method, consent.Provider, consent.Assurance = signing.MethodBankIDSEIdentify, "qrona", signing.AssuranceIdentified
	consent.Signature.Consent = &signing.Consent{At: consent.SignedAt.Add(3 * time.Minute)}
	process.Method, process.Provider, process.Assurance = signing.MethodBankIDSEProcess, "sbab", signing.AssuranceAttestedProcess
	f.Separate = &evidence.Separate{Length: 204857, Digest: signing.Digest{9, 9}, Sealed: true}
	return f
}

func TestPage(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	child := pdfcpuchild.New(self, "pdfcpu-child")
	child.Timeout = time.Minute // the race detector makes it slow on a busy machine
	separate := func(f evidence.Facts, sealed bool) evidence.Facts {
		f.Separate = &evidence.Separate{Length: 104857600, Digest: signing.Digest{9, 9}, Sealed: sealed}
		return f
	}
	test := facts("sv", 1, 1)
	test.Proofs[0].Environment = "simulator"
	consented := mixed("sv")
	consented.Proofs, consented.Separate = consented.Proofs[3:4], nil
	plain := facts("en", 1, 1)
	plain.Verifier = ""
	for name, tt := range map[string]struct {
		facts evidence.Facts
		says  []string
	}{
		"sv":       {facts("sv", 2, 2), []string{"Underskrifter", "Kontrollerad betyder", "Detta dokument", "2026-11-22 12:00:07 UTC (2026-11-22 13:00:07 +01:00 Europe/Stockholm)", "93\u00a0412 byte"}},
		"nb":       {facts("nb", 2, 1), []string{"Signaturer", "Kontrollert betyr", "Europe/Oslo", "Kontroller"}},
		"en":       {facts("en", 2, 1), []string{"Signatures", "Verified means", "93,412 bytes", "https://sign.example.com/verify"}},
		"many":     {facts("sv", 50, 20), []string{"Sida 8 av 8", "2026-11-22 12:49:07 UTC"}},
		"test":     {test, []string{"TEST – gjort i en testmiljö"}},
		"plain":    {plain, []string{"Signatures"}},
		"separate": {separate(facts("sv", 3, 2), true), []string{"Bevis om underskrifter", "Det färdiga dokumentet", "vår elektroniska stämpel", "104\u00a0857\u00a0600 byte"}},
		"mixed": {mixed("sv"), []string{
			"Bevis om underskrifter och godkännanden", "Underskrift med norskt BankID, i dokumentet självt", "178580-xxxxx",
			"enligt IDkollen", "För organisation559000-0948", "Godkännanden, inte underskrifter", "via Qrona, därefter godkännande",
			"Godkänt2026-11-22 12:06:07 UTC", "Hos leverantören, inte av dokumenten", "Process hos SBAB", "räknas inte som en",
			"Version 1, efter underskrift av " + names[1], "163\u00a0021 byte",
		}},
		"mixed nb":  {mixed("nb"), []string{"Bevis for signaturer og godkjenninger", "Fødselsnummer178580-xxxxx", "ifølge IDkollen", "godkjenningen er ingen signatur", "regnes ikke som en"}},
		"mixed en":  {mixed("en"), []string{"Evidence of signatures and approvals", "as IDkollen states", "the approval is not a signature", "Approvals, not signatures", "does not count as one"}},
		"consented": {consented, []string{"Godkännanden", "godkännandet är ingen underskrift"}},
		"locked":    {separate(facts("nb", 1, 1), false), []string{"Bevis for signaturer", "forbyr også vårt segl"}},
		"locked en": {separate(facts("en", 1, 1), false), []string{"Evidence of signatures", "forbids even our seal"}},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := evidence.Page(tt.facts)
			require.NoError(t, err)
			out, err := child.EvidencePage(t.Context(), page)
			require.NoError(t, err)
			if name == "many" {
				again, err := child.EvidencePage(t.Context(), page)
				require.NoError(t, err)
				require.True(t, bytes.Equal(out, again), "the same page gives the same bytes")
			}
			_, err = pdf.Check(bytes.NewReader(out), int64(len(out)), pdf.Limits{})
			require.NoError(t, err)
			if dir := os.Getenv("HANDSLAG_KEEP_PAGES"); dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".pdf"), out, 0o600))
			}
			text := extracted(t, out)
			for _, s := range append(tt.says, tt.facts.Document.Digest.String(), tt.facts.Audit.Head.String()) {
				require.Contains(t, text, flat(s))
			}
			if name == "consented" {
				require.NotContains(t, text, "Underskrifter", "nobody signed")
			}
			for _, p := range tt.facts.Proofs {
				require.Contains(t, text, flat(p.SignerName.Reveal()))
			}
		})
	}
}

// extracted is the text of the page as poppler finds it, without white space,
// which lines are broken at.
func extracted(t *testing.T, b []byte) string {
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext is not installed")
	}
	cmd := exec.Command("pdftotext", "-raw", "-", "-")
	cmd.Stdin = bytes.NewReader(b)
	out, err := cmd.Output()
	require.NoError(t, err)
	return flat(string(out))
}

func flat(s string) string { return strings.Join(strings.Fields(s), "") }
