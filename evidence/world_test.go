package evidence_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	simulated "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
)

// certificates is one PKI for all tests: making it costs seconds, and no test
// changes it.
var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
})

// world is a simulated BankID, Norwegian BankID and timestamp authority, and a
// collection of one document whose participants a test chooses.
type world struct {
	t      *testing.T
	pki    *pki.PKI
	app    *person.App
	bankid *bankid.Client
	stamps *tsa.Client
	trust  evidence.Trust
	spec   signing.Spec
	upload []byte
	// document is what Norwegian signatures have made of the upload.
	document []byte
	current  []signing.Current // empty while it is the upload
	proofs   []evidence.Proof
}

func newWorld(t *testing.T, methods ...signing.Method) *world {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	s, err := simulator.New(simulator.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	rp := httptest.NewUnstartedServer(s.RPAPI())
	rp.Listener = tls.NewListener(rp.Listener, s.RPTLS())
	rp.Start()
	control, stamps := httptest.NewServer(s.Control()), httptest.NewServer(s.Timestamp())
	t.Cleanup(func() { rp.Close(); control.Close(); stamps.Close() })

	w := &world{
		t: t, pki: p, app: person.New(control.URL, control.Client()), stamps: &tsa.Client{URLs: []string{stamps.URL}, HTTP: &http.Client{}},
		upload: onePage(), document: onePage(),
		trust: evidence.Trust{
			Seal: anchors(p, pki.Sealing), Timestamp: anchors(p, pki.Timestamp), NBID: anchors(p, pki.Norwegian),
		},
	}
	for _, root := range p.Anchors(pki.BankID) {
		w.trust.BankID = append(w.trust.BankID, bankidsig.Anchor{Environment: bankidsig.Simulator, Certificate: root})
	}
	w.bankid, err = bankid.New(bankid.Config{
		BaseURL: "https://" + rp.Listener.Addr().String() + "/rp/v6.0", Credentials: p.RP().TLS(),
		ServerRoots: p.ServerRoots(), Environment: bankidsig.Simulator, Anchors: w.trust.BankID, Clock: time.Now,
	})
	require.NoError(t, err)
	t.Cleanup(w.bankid.Close)
	w.specify(methods)
	return w
}

func anchors(p *pki.PKI, purpose pki.Purpose) map[bankidsig.Environment]*x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range p.Anchors(purpose) {
		pool.AddCert(c)
	}
	return map[bankidsig.Environment]*x509.CertPool{bankidsig.Simulator: pool}
}

// specify makes the collection: one document, and one participant of each method.
func (w *world) specify(methods []signing.Method) {
	w.spec = signing.Spec{
		ID: "col_0000000000000000000000000a", Tenant: "acme", Locale: signing.LocaleSV, TimeZone: "Europe/Stockholm",
		Documents: []signing.Document{{
			ID: "doc_0000000000000000000000000a", Title: "Avtal", Length: int64(len(w.upload)), Digest: signing.DigestOf(w.upload),
		}},
	}
	for i, m := range methods {
		parse, digits := signing.ParsePersonalNumber, []string{"191212121212", "200211242383", "199001022384"}[i%3]
		if m.SignsDocuments() {
			parse, digits = signing.ParseNIN, pki.SyntheticNIN(time.Date(1990+i, 3, 1, 0, 0, 0, 0, time.UTC), i)
		}
		n, err := parse(digits)
		require.NoError(w.t, err)
		w.spec.Participants = append(w.spec.Participants, signing.Participant{
			ID: signing.ParticipantID(fmt.Sprintf("par_0000000000000000000000000%d", i)), Name: signing.Private(fmt.Sprintf("Person %d", i)),
			PersonalNumber: n, Method: m, Step: 1, Locale: signing.LocaleSV,
		})
	}
}

// proof is what every kind has.
func (w *world) proof(i int, provider string, a signing.Assurance) evidence.Proof {
	p := w.spec.Participants[i]
	proof := evidence.Proof{
		SignerName: p.Name, MaskedNumber: p.PersonalNumber.Masked(), TextVersion: signing.TextVersion, Locale: p.Locale,
		Text: w.now().VisibleText(p.Locale), Manifest: w.manifest(i),
	}
	proof.Signature = signing.Signature{
		Participant: p.ID, Attempt: signing.AttemptID(fmt.Sprintf("att_0000000000000000000000000%d", i)), Method: p.Method, Provider: provider,
		Assurance: a, SignedAt: time.Now().UTC().Truncate(time.Second), Environment: "simulator",
		Manifest: signing.DigestOf(proof.Manifest), Evidence: signing.DigestOf([]byte("answer")),
	}
	return proof
}

// now is the collection with its document as it is now.
func (w *world) now() signing.Spec { return w.spec.At(w.current) }

func (w *world) manifest(i int) []byte {
	b, err := w.now().Manifest(w.spec.Participants[i].ID).Encode()
	require.NoError(w.t, err)
	return b
}

// sign has a participant sign with the simulated BankID.
func (w *world) sign(i int) {
	w.t.Helper()
	proof := w.proof(i, "bankid", signing.AssuranceVerified)
	w.withBankID(i, &proof, w.spec.Participants[i].Method, proof.Text, providers.ProofXML)
	w.proofs = append(w.proofs, proof)
}

// withBankID has a participant complete an order, and takes over what BankID
// hands out.
func (w *world) withBankID(i int, proof *evidence.Proof, m signing.Method, text signing.Private, name string) {
	w.t.Helper()
	p, ctx := w.spec.Participants[i], w.t.Context()
	require.NoError(w.t, w.app.Register(ctx, simulated.Person{PersonalNumber: p.PersonalNumber.Reveal(), GivenName: "Person", Surname: fmt.Sprint(i)}))
	order, err := w.bankid.Start(ctx, providers.StartRequest{
		Collection: w.spec.ID, Attempt: proof.Attempt, Method: m, Channel: signing.ChannelSameDevice, Signer: p.PersonalNumber,
		Locale: p.Locale, VisibleText: text, Manifest: proof.Manifest, EndUser: providers.EndUser{IP: netip.MustParseAddr("192.0.2.7")},
		ReturnURL: "https://sign.example.com/back",
	})
	require.NoError(w.t, err)
	opened, err := w.app.Open(ctx, p.PersonalNumber.Reveal(), order.AutoStartToken.Reveal())
	require.NoError(w.t, err)
	_, err = w.app.Sign(ctx, p.PersonalNumber.Reveal(), opened.OrderRef)
	require.NoError(w.t, err)
	answer, err := w.bankid.Collect(ctx, order.Ref)
	require.NoError(w.t, err)
	result, err := w.bankid.Interpret(answer.Raw, providers.Expectation{
		Order: order.Ref, Method: m, Signer: p.PersonalNumber, VisibleText: text, Manifest: proof.Manifest, StartedAt: order.StartedAt, CollectedAt: time.Now(),
	})
	require.NoError(w.t, err)
	require.Equal(w.t, signing.OutcomeSigned, result.Outcome, result.ProviderCode)
	proof.SignerName, proof.SignedAt, proof.Evidence = result.SignerName, result.SignedAt, signing.DigestOf(answer.Raw)
	proof.XML, proof.OCSP = result.Proofs[name], result.Proofs[providers.ProofOCSP]
	require.NotEmpty(w.t, proof.XML)
}

// attest has a provider say that a participant signed.
func (w *world) attest(i int) {
	w.proofs = append(w.proofs, w.proof(i, "idkollen", signing.AssuranceAttested))
}

// consent has a participant consent, after an identification that BankID itself
// hands out, or that the provider only states.
func (w *world) consent(i int, provider string) {
	w.t.Helper()
	proof := w.proof(i, provider, signing.AssuranceIdentified)
	if provider == "bankid" {
		w.withBankID(i, &proof, signing.MethodBankIDSEIdentify, w.now().IdentificationText(proof.Locale), providers.ProofIdentification)
	}
	b, err := signing.ConsentRecord{
		Version: signing.ConsentVersion, Collection: w.spec.ID, Participant: proof.Participant, Attempt: proof.Attempt,
		Locale: signing.LocaleEN, Text: w.now().ConsentText(signing.LocaleEN), Manifest: proof.Signature.Manifest,
		Identification: signing.Identification{Provider: provider, At: proof.SignedAt, Answer: proof.Evidence}, At: time.Now().Truncate(time.Second),
	}.Encode()
	require.NoError(w.t, err)
	proof.Consent, proof.Signature.Consent = b, &signing.Consent{At: time.Now(), Evidence: signing.DigestOf(b)}
	w.proofs = append(w.proofs, proof)
}

// process has a participant go through a process of SBAB's own.
func (w *world) process(i int) {
	proof := w.proof(i, "sbab", signing.AssuranceAttestedProcess)
	proof.ProviderParticipant = "8a7f-42"
	w.proofs = append(w.proofs, proof)
}

// norwegian has a participant sign the document itself.
func (w *world) norwegian(i int) {
	w.t.Helper()
	w.document = append(bytes.Clone(w.document), w.nbidTail(i, w.document)...)
	w.revised(i)
}

func (w *world) nbidTail(i int, document []byte) []byte {
	w.t.Helper()
	identity, err := w.pki.NorwegianPerson(pki.NorwegianLeaf{
		NIN: w.spec.Participants[i].PersonalNumber.Reveal(), GivenName: "Person", Surname: fmt.Sprint(i),
	})
	require.NoError(w.t, err)
	return w.tail(document, identity)
}

// revised records that the document is a revision which a participant made.
func (w *world) revised(i int) {
	proof := w.proof(i, "signicat", signing.AssuranceVerified)
	made := signing.Current{
		Document: w.spec.Documents[0].ID, Revision: w.now().Documents[0].Revision + 1, Length: int64(len(w.document)), Digest: signing.DigestOf(w.document),
	}
	proof.Revisions = []signing.Current{made}
	w.current = []signing.Current{made}
	w.proofs = append(w.proofs, proof)
}

func revisionOf(b []byte) pdf.Revision {
	var h pdf.HashState
	_, _ = h.Write(b) // never fails
	return pdf.Revision{Source: bytes.NewReader(b), Size: int64(len(b)), Hash: &h}
}

// tail signs a document as somebody.
func (w *world) tail(document []byte, by pki.Identity) []byte {
	w.t.Helper()
	tail, err := pdf.Seal(w.t.Context(), revisionOf(document), pdf.SealOptions{
		Key: by.Key, Chain: append([]*x509.Certificate{by.Certificate}, by.Chain...), Time: time.Now(), Timestamper: w.stamps,
	})
	require.NoError(w.t, err)
	return tail
}

func (w *world) seal(document []byte) []byte {
	return append(bytes.Clone(document), w.tail(document, w.pki.Seal())...)
}

func (w *world) facts() evidence.Facts {
	return evidence.Facts{Spec: w.spec, Document: w.spec.Documents[0], Proofs: w.proofs, Audit: signing.AuditTrail{Seq: 7}}
}

// page is a made evidence page; one will do for all tests.
var page = sync.OnceValues(func() ([]byte, error) {
	return pdfcpuchild.New(os.Args[0], "pdfcpu-child").EvidencePage(context.Background(), pdfcpuchild.Page{
		Language: "sv", Title: "Underskrifter", PageOf: "Sida %d av %d", Sections: []pdfcpuchild.Section{{Heading: "Bevis"}},
	})
})

// appended is the result of a document that carries its evidence.
func (w *world) appended(change ...func(*evidence.Facts, []pdf.Attachment) []pdf.Attachment) []byte {
	w.t.Helper()
	f := w.facts()
	content, err := page()
	require.NoError(w.t, err)
	tail, err := pdf.Append(revisionOf(w.upload), pdf.Additions{Pages: content, Files: w.files(f, change), Time: time.Now()})
	require.NoError(w.t, err)
	return w.seal(append(bytes.Clone(w.upload), tail...))
}

// separated is a result, and the evidence PDF that speaks of it.
func (w *world) separated(change ...func(*evidence.Facts, []pdf.Attachment) []pdf.Attachment) (result, proof []byte) {
	w.t.Helper()
	result = w.seal(w.document)
	f := w.facts()
	f.Separate = &evidence.Separate{Length: int64(len(result)), Digest: signing.DigestOf(result), Sealed: true}
	tail, err := pdf.Append(revisionOf(w.upload), pdf.Additions{Files: w.files(f, change), Time: time.Now()})
	require.NoError(w.t, err)
	return result, w.seal(append(onePage(), tail...))
}

// files are the evidence files, after the changes of whoever holds the seal: nil
// files are asked for a change of the facts.
func (w *world) files(f evidence.Facts, changes []func(*evidence.Facts, []pdf.Attachment) []pdf.Attachment) []pdf.Attachment {
	w.t.Helper()
	for _, c := range changes {
		c(&f, nil)
	}
	files, err := evidence.Files(f)
	require.NoError(w.t, err)
	for _, c := range changes {
		if changed := c(nil, files); changed != nil {
			files = changed
		}
	}
	return files
}

// verify judges a result, alone or with its evidence PDF.
func (w *world) verify(result []byte, proof ...[]byte) *evidence.Report {
	w.t.Helper()
	var files []evidence.File
	for _, p := range proof {
		files = append(files, fileOf(p))
	}
	r, err := evidence.VerifyDocument(w.t.Context(), fileOf(result), files, w.trust, time.Now())
	require.NoError(w.t, err)
	return r
}

// onePage is the smallest sound PDF with a page.
func onePage() []byte {
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}
