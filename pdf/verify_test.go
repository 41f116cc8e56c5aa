package pdf_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// extend adds one update with a table, as an attacker would.
func extend(b []byte, objects map[int]string, trailer string) []byte {
	var out bytes.Buffer
	out.Write(b)
	at := map[int]int{}
	for n, body := range objects {
		at[n] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", n, body)
	}
	xref := out.Len()
	out.WriteString("xref\n")
	for n := range objects {
		fmt.Fprintf(&out, "%d 1\n%010d 00000 n \n", n, at[n])
	}
	if trailer == "" {
		trailer = "/Root 1 0 R /Info 4 0 R"
	}
	fmt.Fprintf(&out, "trailer\n<</Size 90 %s /Prev %d>>\nstartxref\n%d\n%%%%EOF\n", trailer, startxref(b), xref)
	return out.Bytes()
}

func startxref(b []byte) int {
	n, err := strconv.Atoi(string(bytes.Fields(b[bytes.LastIndex(b, []byte("startxref"))+9:])[0]))
	if err != nil {
		panic(err)
	}
	return n
}

func TestVerifyNamesAttacks(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	sealed := seal(t, w, pdftest.Pages(2).Table())
	flip := func(old, to string) []byte {
		require.Contains(t, string(sealed), old)
		return bytes.Replace(sealed, []byte(old), []byte(to), 1)
	}
	hole := bytes.Index(sealed, []byte("/Contents <")) + len("/Contents <")
	_, after, _ := strings.Cut(string(sealed[bytes.LastIndex(sealed, []byte("\n1 0 obj")):]), "obj\n")
	catalog, _, _ := strings.Cut(after, "\nendobj")
	for _, tt := range []struct {
		name string
		file []byte
		sub  string
	}{
		{"changed text", flip("Page 1 of a contract", "Page 9 of a contract"), pdf.HashFailure},
		{"changed range", bytes.Replace(sealed, []byte("/ByteRange [0 "), []byte("/ByteRange [1 "), 1), pdf.FormatFailure},
		{"range missing", flip("/ByteRange", "/ByteRangx"), pdf.FormatFailure},
		{"contents emptied", append(append(bytes.Clone(sealed[:hole]), bytes.Repeat([]byte("0"), 64)...), sealed[hole+64:]...), pdf.FormatFailure},
		{"contents in other words", append(append(bytes.Clone(sealed[:hole]), ' ', ' '), sealed[hole+2:]...), pdf.FormatFailure},
		{"bytes after", append(bytes.Clone(sealed), "\n% harmless?\n"...), pdf.FormatFailure},
		{"page replaced", extend(sealed, map[int]string{6: pdftest.Stream("", "BT (other) Tj ET")}, ""), pdf.FormatFailure},
		{"page content added", extend(sealed, map[int]string{5: "<</Type /Page /Parent 2 0 R /Contents 88 0 R>>", 88: pdftest.Stream("", "")}, ""), pdf.FormatFailure},
		{"catalog changed", extend(sealed, map[int]string{1: strings.Replace(catalog, "(sv)", "(en)", 1)}, ""), pdf.FormatFailure},
		{"root swapped", extend(sealed, map[int]string{80: catalog}, "/Root 80 0 R"), pdf.FormatFailure},
		{"object added", extend(sealed, map[int]string{80: "(x)"}, ""), pdf.FormatFailure},
		{"font replaced", extend(sealed, map[int]string{3: "<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>"}, ""), pdf.FormatFailure},
		{"info replaced", extend(sealed, map[int]string{4: "<</Producer (x)>>"}, ""), pdf.FormatFailure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := pdf.Verify(context.Background(), bytes.NewReader(tt.file), int64(len(tt.file)), trust(w))
			require.NoError(t, err)
			require.NotEmpty(t, v.Signatures)
			require.Equal(t, pdf.TotalFailed, v.Indication, "%+v", v.Signatures[0].Reason)
			require.Equal(t, tt.sub, v.SubIndication, v.Signatures[0].Reason)
			require.NotEmpty(t, v.Signatures[0].Reason)
		})
	}
}

func TestVerifyAppendAfterSeal(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	sealed := seal(t, w, pdftest.Pages(1).ObjStm())
	_, err := pdf.Append(revision(sealed), additions(w))
	require.Equal(t, "pdf_signed", fault.CodeOf(err))
}

func TestVerifyTrust(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	stranger := pdftest.NewWorld(t, pdftest.P256(t))
	sealed := seal(t, w, pdftest.Pages(1).Table())
	o := options(w)
	o.Timestamper = nil
	tail, err := pdf.Seal(context.Background(), revision(pdftest.Pages(1).Table()), o)
	require.NoError(t, err)
	basic := append(pdftest.Pages(1).Table(), tail...)
	o.Timestamper = stampedBy{w, w.Seal}
	tail, err = pdf.Seal(context.Background(), revision(pdftest.Pages(1).Table()), o)
	require.NoError(t, err)
	wrongStamp := append(pdftest.Pages(1).Table(), tail...)

	for _, tt := range []struct {
		name  string
		file  []byte
		trust pdf.Trust
		want  pdf.Indication
		sub   string
	}{
		{"known", sealed, trust(w), pdf.TotalPassed, ""},
		{"later, and nothing proves that the timestamp is older than its certificate's end", sealed, pdf.Trust{Seal: w.Pool(), Timestamp: w.Pool(), Now: w.Now.AddDate(30, 0, 0)}, pdf.Indeterminate, pdf.NoProofOfTime},
		{"basic", basic, trust(w), pdf.TotalPassed, ""},
		{"basic, certificate run out", basic, pdf.Trust{Seal: w.Pool(), Now: w.Now.AddDate(30, 0, 0)}, pdf.Indeterminate, pdf.OutOfBounds},
		{"nobody trusted", sealed, pdf.Trust{Timestamp: w.Pool(), Now: w.Now}, pdf.Indeterminate, pdf.NoCertificateChain},
		{"another root", sealed, pdf.Trust{Seal: stranger.Pool(), Timestamp: w.Pool(), Now: w.Now}, pdf.Indeterminate, pdf.NoCertificateChain},
		{"timestamp not trusted", sealed, pdf.Trust{Seal: w.Pool(), Timestamp: stranger.Pool(), Now: w.Now}, pdf.Indeterminate, pdf.NoProofOfTime},
		{"timestamp by a seal certificate", wrongStamp, trust(w), pdf.Indeterminate, pdf.NoProofOfTime},
		{"not signed", pdftest.Pages(1).Table(), trust(w), pdf.Indeterminate, pdf.NoSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := pdf.Verify(context.Background(), bytes.NewReader(tt.file), int64(len(tt.file)), tt.trust)
			require.NoError(t, err)
			require.Equal(t, tt.want, v.Indication)
			require.Equal(t, tt.sub, v.SubIndication)
		})
	}
}

type stampedBy struct {
	world *pdftest.World
	by    *pdftest.Identity
}

func (s stampedBy) Timestamp(_ context.Context, digest []byte) ([]byte, error) {
	return s.world.Token(s.by, digest, nil)
}

type failing struct{}

var errStamp = fault.New(fault.Unavailable, "tsa_unavailable", "No timestamp authority answered.")

func (failing) Timestamp(context.Context, []byte) ([]byte, error) { return nil, errStamp }

func TestSealNeverGoesWithoutItsTimestamp(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	o := options(w)
	o.Timestamper = failing{}
	tail, err := pdf.Seal(context.Background(), revision(pdftest.Pages(1).Table()), o)
	require.ErrorIs(t, err, errStamp)
	require.Nil(t, tail)
}

// padded makes tokens larger than any estimate.
type padded struct{ w *pdftest.World }

func (p padded) Timestamp(_ context.Context, digest []byte) ([]byte, error) {
	by := *p.w.Stamp
	for range 40 {
		by.CA = append(by.CA, p.w.Root.Cert)
	}
	return p.w.Token(&by, digest, nil)
}

func TestSealGrowsItsHole(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	o := options(w)
	o.Timestamper = padded{w}
	in := pdftest.Pages(1).Table()
	tail, err := pdf.Seal(context.Background(), revision(in), o)
	require.NoError(t, err)
	require.Equal(t, pdf.TotalPassed, verify(t, w, append(in, tail...)).Indication)
}

func TestSealRefuses(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	in := pdftest.Pages(1).Table()
	weak := pdftest.RSA(t, 1024)
	foreign := options(w)
	foreign.Key = pdftest.P256(t)
	small := options(w)
	small.Key, small.Chain = weak, w.Issue(t, weak, "Weak", nil).Chain()
	empty := options(w)
	empty.Chain = []*x509.Certificate{}
	stale := revision(in)
	stale.Hash.Write([]byte("more"))
	locked := with(map[int]string{
		1:  "<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields [20 0 R] /SigFlags 3>>>>",
		20: "<</FT /Sig /T (a) /V 21 0 R /Lock <</Type /SigFieldLock /Action /All>>>>", 21: "<</Type /Sig /ByteRange [0 1 2 3] /Contents <00>>>",
	}).Table()
	for _, tt := range []struct {
		name string
		rev  pdf.Revision
		o    pdf.SealOptions
		code string
	}{
		{"key of another", revision(in), foreign, "seal_key_mismatch"},
		{"weak key", revision(in), small, "seal_key_unsupported"},
		{"no certificate", revision(in), empty, "seal_key_missing"},
		{"state of another revision", stale, options(w), "pdf_hash_state"},
		{"locked", revision(locked), options(w), "pdf_locked"},
		{"trailing bytes", revision(append(bytes.Clone(in), "junk"...)), options(w), pdf.CodeTrailing},
		{"no PDF", revision([]byte("letter")), options(w), pdf.CodeNotPDF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pdf.Seal(context.Background(), tt.rev, tt.o)
			require.Equal(t, tt.code, fault.CodeOf(err), "%v", err)
		})
	}
}

// A signed byte is never rewritten: whatever is done, the output starts with the
// input and every earlier signature still passes.
func TestEarlierSignaturesSurvive(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	rapid.Check(t, func(rt *rapid.T) {
		forms := pdftest.Pages(rapid.IntRange(1, 4).Draw(rt, "pages")).Forms()
		b := forms[rapid.SampledFrom([]string{"table", "stream", "hybrid", "linearized"}).Draw(rt, "form")]
		if rapid.Bool().Draw(rt, "no final line end") {
			b = bytes.TrimRight(b, "\n")
		}
		signatures := 0
		for range rapid.IntRange(1, 5).Draw(rt, "steps") {
			var tail []byte
			var err error
			if signatures == 0 && rapid.Bool().Draw(rt, "append") {
				tail, err = pdf.Append(revision(b), additions(w))
			} else {
				tail, err = pdf.Seal(context.Background(), revision(b), options(w))
				signatures++
			}
			require.NoError(rt, err)
			b = append(bytes.Clone(b), tail...)
			v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), trust(w))
			require.NoError(rt, err)
			require.Len(rt, v.Signatures, signatures)
			if signatures > 0 {
				require.Equal(rt, pdf.TotalPassed, v.Indication, "%+v", v.Signatures)
			}
		}
	})
}

func FuzzVerify(f *testing.F) {
	w := pdftest.NewWorld(f, pdftest.P256(f))
	for _, b := range pdftest.Pages(1).Forms() {
		f.Add(seal(f, w, b))
	}
	later, err := filepath.Glob("testdata/later/*.pdf")
	require.NoError(f, err)
	for _, name := range later {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o := trust(w)
		o.Limits = pdf.Limits{MaxObjects: 10_000, MaxDecodedBytes: 4 << 20, MaxStreamBytes: 4 << 20}
		_, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), o)
		if err != nil {
			if _, ok := fault.As(err); !ok {
				t.Fatalf("an error that is no fault: %v", err)
			}
		}
	})
}
