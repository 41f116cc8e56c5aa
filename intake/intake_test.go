package intake_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/intake"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
)

// TestMain is also the child that gives second opinions.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pdfcpu-child" {
		os.Exit(pdfcpuchild.Main(os.Stdin, os.Stdout, os.Args[2:])) // the child's exit code
	}
	m.Run()
}

// document writes a small PDF with a classic cross-reference table; extra goes
// into the catalog, and trailer into the trailer.
func document(extra, trailer string, more ...string) []byte {
	objects := append([]string{
		"<< /Type /Catalog /Pages 2 0 R " + extra + " >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> /Contents 4 0 R >>",
		"<< /Length 0 >>\nstream\n\nendstream",
	}, more...)
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, table)
	return b.Bytes()
}

// shelf is a store that can fail before or after it has stored.
type shelf struct {
	uploads map[signing.DocumentID]storage.Upload
	bytes   map[signing.DocumentID][]byte
	claims  map[string]string
	before  error
	after   error
	puts    int
}

func newShelf() *shelf {
	return &shelf{uploads: map[signing.DocumentID]storage.Upload{}, bytes: map[signing.DocumentID][]byte{}, claims: map[string]string{}}
}

func (s *shelf) PutUpload(_ context.Context, _ signing.TenantID, u storage.Upload, body io.ReadSeeker) error {
	if s.before != nil {
		return s.before
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if known, ok := s.bytes[u.ID]; ok && !bytes.Equal(known, b) {
		return fault.New(fault.Corrupt, "stored_differs", "Something else is stored where this belongs.")
	}
	s.puts++
	s.uploads[u.ID], s.bytes[u.ID] = u, b
	return s.after
}

func (s *shelf) GetUpload(_ context.Context, _ signing.TenantID, id signing.DocumentID) (storage.Upload, error) {
	u, ok := s.uploads[id]
	if !ok {
		return u, fault.New(fault.NotFound, "document_not_found", "There is no such document.")
	}
	return u, nil
}

func (s *shelf) Claim(_ context.Context, tenant signing.TenantID, key string, request signing.Digest, resource string) (string, error) {
	at := string(tenant) + "/" + key
	known, ok := s.claims[at]
	if !ok {
		s.claims[at] = request.String() + " " + resource
		return resource, nil
	}
	digest, first, _ := strings.Cut(known, " ")
	if digest != request.String() {
		return "", fault.New(fault.Invalid, "idempotency_key_reused", "The idempotency key was used for another request.")
	}
	return first, nil
}

// reader is a second reader of one opinion.
type reader struct {
	opinion pdfcpuchild.Opinion
	err     error
	saw     os.FileMode
	asked   int
}

func (r *reader) SecondOpinion(_ context.Context, path string) (pdfcpuchild.Opinion, error) {
	r.asked++
	if info, err := os.Stat(path); err == nil {
		r.saw = info.Mode().Perm()
	}
	return r.opinion, r.err
}

func receiver(t *testing.T, s *shelf, second intake.SecondReader, most int64) (*intake.Receiver, string) {
	t.Helper()
	directory := t.TempDir()
	r, err := intake.New(intake.Config{
		Store: s, Claims: s, SecondReader: second, Directory: directory, MaxBytes: most,
		Clock:   func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
		Entropy: rand.Reader,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		left, err := filepath.Glob(filepath.Join(directory, "*"))
		require.NoError(t, err)
		require.Empty(t, left, "a temporary file was left behind")
	})
	return r, directory
}

func TestReceiveStoresWhatCame(t *testing.T) {
	s, second := newShelf(), &reader{opinion: pdfcpuchild.Opinion{Verdict: pdfcpuchild.OK, Pages: 1}}
	r, _ := receiver(t, s, second, 0)
	want := document("", "")
	d, err := r.Receive(t.Context(), intake.Request{Tenant: "acme", Body: bytes.NewReader(want)})
	require.NoError(t, err)
	require.Equal(t, intake.Document{
		ID: d.ID, Length: int64(len(want)), Digest: signing.DigestOf(want), Pages: 1, PDFVersion: "1.7",
		SecondOpinion: "agreed", UploadedAt: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	}, d)
	require.True(t, signing.ValidID(signing.DocumentPrefix, string(d.ID)))
	require.Equal(t, want, s.bytes[d.ID])
	require.Equal(t, os.FileMode(0o600), second.saw, "others could read the upload")
	var state pdf.HashState
	require.NoError(t, state.UnmarshalBinary(s.uploads[d.ID].HashState))
	require.Equal(t, signing.DigestOf(want), signing.Digest(state.Sum()))
	require.Equal(t, int64(len(want)), state.Len())
	require.True(t, json.Valid(s.uploads[d.ID].Report))
	require.Equal(t, d, intake.Describe(s.uploads[d.ID]))
}

func TestReceiveRefusesPrecisely(t *testing.T) {
	good := document("", "")
	for name, row := range map[string]struct {
		body io.Reader
		kind fault.Kind
		code string
	}{
		"empty":        {strings.NewReader(""), fault.Invalid, "pdf_not_pdf"},
		"a word":       {strings.NewReader("hello"), fault.Invalid, "pdf_not_pdf"},
		"a picture":    {strings.NewReader("\x89PNG\r\n\x1a\n" + strings.Repeat("x", 2000)), fault.Invalid, "pdf_not_pdf"},
		"truncated":    {bytes.NewReader(good[:len(good)-200]), fault.Invalid, "pdf_truncated"},
		"encrypted":    {bytes.NewReader(document("", "/Encrypt << /Filter /Standard /V 1 >>")), fault.Invalid, "pdf_encrypted"},
		"JavaScript":   {bytes.NewReader(document("/OpenAction << /S /JavaScript /JS (x) >>", "")), fault.Invalid, "pdf_javascript"},
		"launch":       {bytes.NewReader(document("/AA << /WC << /S /Launch /F (x) >> >>", "")), fault.Invalid, "pdf_launch"},
		"other data":   {bytes.NewReader(append(bytes.Clone(good), "PK\x03\x04 and more"...)), fault.Invalid, "pdf_trailing_data"},
		"over limit":   {bytes.NewReader(make([]byte, 5001)), fault.TooLarge, "body_too_large"},
		"ends early":   {io.MultiReader(bytes.NewReader(good), broken{}), fault.Invalid, "body_incomplete"},
		"never begins": {broken{}, fault.Invalid, "body_incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			r, _ := receiver(t, s, nil, 5000)
			_, err := r.Receive(t.Context(), intake.Request{Tenant: "acme", Key: "k", Body: row.body})
			require.Equal(t, row.code, fault.CodeOf(err), "%v", err)
			require.Equal(t, row.kind, fault.KindOf(err))
			require.Empty(t, s.uploads)
			require.Empty(t, s.claims, "a refused upload used up its key")
		})
	}
}

// The policy decides, by rule, what is refused; what passes is reported.
func TestPolicyDecides(t *testing.T) {
	layers := document("/OCProperties << /OCGs [] /D << >> >>", "")
	media := document("", "", "<< /Type /Annot /Subtype /Sound /Rect [0 0 1 1] >>")
	for name, row := range map[string]struct {
		policy   pdf.Policy
		body     []byte
		findings []string
		code     string
	}{
		"reported by default":        {nil, layers, []string{"pdf_optional_content"}, ""},
		"refused on demand":          {pdf.Policy{pdf.RuleOptionalContent: pdf.ActionRefuse}, layers, nil, "pdf_optional_content"},
		"refused by default":         {nil, media, nil, "pdf_multimedia"},
		"let through on demand":      {pdf.Policy{pdf.RuleMultimedia: pdf.ActionReport}, media, []string{"pdf_multimedia", "pdf_unreferenced_objects"}, ""},
		"another rule, same default": {pdf.Policy{pdf.RuleHybrid: pdf.ActionRefuse}, layers, []string{"pdf_optional_content"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			r, err := intake.New(intake.Config{Store: s, Claims: s, Directory: t.TempDir(), Clock: time.Now, Entropy: rand.Reader, Policy: row.policy})
			require.NoError(t, err)
			d, err := r.Receive(t.Context(), intake.Request{Tenant: "acme", Body: bytes.NewReader(row.body)})
			if row.code != "" {
				require.Equal(t, row.code, fault.CodeOf(err))
				require.Empty(t, s.uploads)
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.findings, d.Findings)
			require.Equal(t, row.findings, intake.Describe(s.uploads[d.ID]).Findings)
		})
	}
}

// A clock that runs fast ends the check.
func TestCheckHasATimeLimit(t *testing.T) {
	objects := make([]string, 2000)
	for i := range objects {
		objects[i] = "<< >>"
	}
	now := time.Now()
	s := newShelf()
	r, err := intake.New(intake.Config{
		Store: s, Claims: s, Directory: t.TempDir(), Entropy: rand.Reader,
		Clock: func() time.Time { now = now.Add(20 * time.Second); return now },
	})
	require.NoError(t, err)
	_, err = r.Receive(t.Context(), intake.Request{Tenant: "acme", Body: bytes.NewReader(document("", "", objects...))})
	require.Equal(t, pdf.CodeTooComplex, fault.CodeOf(err))
}

// metadata is an object with a claim of PDF/A.
func metadata(part string) string {
	xmp := `<rdf:Description pdfaid:part="` + part + `" pdfaid:conformance="B"/>`
	return fmt.Sprintf("<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%s\nendstream", len(xmp), xmp)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestWhatMayBeAddedIsRemembered: an upload that may only receive signatures is
// taken, and its record says why.
func TestWhatMayBeAddedIsRemembered(t *testing.T) {
	const signature = "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 0 0 0] /Contents <00> >>"
	form := func(value string) []byte {
		return document("/AcroForm << /Fields [5 0 R] /SigFlags 3 >>", "",
			"<< /FT /Sig /T (S) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /V 6 0 R >>", value)
	}
	locked := strings.TrimSuffix(signature, ">>") +
		"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /P 1 >> >>] >>"
	for name, row := range map[string]struct {
		body []byte
		want signing.Nature
	}{
		"plain":   {document("", ""), signing.Nature{}},
		"PDF/A-1": {document("/Metadata 5 0 R", "", metadata("1")), signing.Nature{PDFA: "1B"}},
		"PDF/A-2": {document("/Metadata 5 0 R", "", metadata("2")), signing.Nature{PDFA: "2B"}},
		"PDF/A-3": {document("/Metadata 5 0 R", "", metadata("3")), signing.Nature{PDFA: "3B"}},
		"signed":  {form(signature), signing.Nature{Signatures: 1}},
		"locked":  {form(locked), signing.Nature{Signatures: 1, Locked: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			r, _ := receiver(t, s, nil, 5000)
			d, err := r.Receive(t.Context(), intake.Request{Tenant: "acme", Body: bytes.NewReader(row.body)})
			require.NoError(t, err)
			require.Equal(t, row.want, d.Nature)
			require.Equal(t, d, intake.Describe(s.uploads[d.ID]))
		})
	}
}

func TestSecondOpinionDecides(t *testing.T) {
	for name, row := range map[string]struct {
		opinion pdfcpuchild.Opinion
		err     error
		want    string
		code    string
	}{
		"agrees":           {pdfcpuchild.Opinion{Verdict: pdfcpuchild.OK, Pages: 1}, nil, "agreed", ""},
		"other page count": {pdfcpuchild.Opinion{Verdict: pdfcpuchild.OK, Pages: 2}, nil, "", "pdf_second_opinion"},
		"disagrees":        {pdfcpuchild.Opinion{Verdict: pdfcpuchild.Disagrees, Reason: "read"}, nil, "", "pdf_second_opinion"},
		"crashed":          {pdfcpuchild.Opinion{Verdict: pdfcpuchild.Unavailable, Reason: "crash"}, nil, "unavailable", ""},
		"cannot start":     {pdfcpuchild.Opinion{}, errors.New("no such file"), "unavailable", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			r, _ := receiver(t, s, &reader{opinion: row.opinion, err: row.err}, 0)
			d, err := r.Receive(t.Context(), intake.Request{Tenant: "acme", Body: bytes.NewReader(document("", ""))})
			if row.code != "" {
				require.Equal(t, row.code, fault.CodeOf(err))
				require.Empty(t, s.uploads)
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.want, d.SecondOpinion)
		})
	}
}

// TestRealSecondReader asks pdfcpu, in a child process.
func TestRealSecondReader(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	r, _ := receiver(t, newShelf(), pdfcpuchild.New(self, "pdfcpu-child"), 0)
	d, err := r.Receive(t.Context(), intake.Request{Tenant: "acme", Body: bytes.NewReader(document("", ""))})
	require.NoError(t, err)
	require.Equal(t, "agreed", d.SecondOpinion)
}

func TestSenderWhoGivesUpIsNoOpinion(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s := newShelf()
	r, _ := receiver(t, s, &reader{err: context.Canceled}, 0)
	_, err := r.Receive(ctx, intake.Request{Tenant: "acme", Body: bytes.NewReader(document("", ""))})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, s.uploads)
}

func TestRepeatedUploadIsOneDocument(t *testing.T) {
	unavailable := fault.New(fault.Unavailable, "storage_unavailable", "The document store cannot be reached just now.")
	for name, row := range map[string]struct {
		before, after error
		puts          int
	}{
		"succeeded":                {nil, nil, 1},
		"failed and not persisted": {unavailable, nil, 1},
		"failed but persisted":     {nil, unavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			r, _ := receiver(t, s, nil, 0)
			send := func(key string, body []byte) (intake.Document, error) {
				return r.Receive(t.Context(), intake.Request{Tenant: "acme", Key: key, Body: bytes.NewReader(body)})
			}
			s.before, s.after = row.before, row.after
			first, err := send("k", document("", ""))
			require.Equal(t, row.before != nil || row.after != nil, err != nil)
			s.before, s.after = nil, nil
			again, err := send("k", document("", ""))
			require.NoError(t, err)
			require.Len(t, s.uploads, 1)
			require.Equal(t, row.puts, s.puts)
			if row.before == nil && row.after == nil {
				require.Equal(t, first, again)
			}
			_, err = send("k", document("/Lang (sv)", ""))
			require.Equal(t, "idempotency_key_reused", fault.CodeOf(err))
			other, err := send("", document("", ""))
			require.NoError(t, err)
			require.NotEqual(t, again.ID, other.ID)
		})
	}
}

func TestConfigIsRefused(t *testing.T) {
	_, err := intake.New(intake.Config{})
	require.ErrorContains(t, err, "required")
	_, err = intake.New(intake.Config{Store: newShelf(), Claims: newShelf(), Clock: time.Now, Entropy: rand.Reader, MaxBytes: -1})
	require.ErrorContains(t, err, "MaxBytes")
	_, err = intake.New(intake.Config{Store: newShelf(), Claims: newShelf(), Clock: time.Now, Entropy: rand.Reader, Policy: pdf.Policy{"pdf_xfaa": pdf.ActionReport}})
	require.ErrorContains(t, err, "pdf_xfaa")
	_, err = intake.New(intake.Config{Store: newShelf(), Claims: newShelf(), Clock: time.Now, Entropy: rand.Reader, Policy: pdf.Policy{pdf.RuleXFA: "allow"}})
	require.ErrorContains(t, err, "allow")
}
