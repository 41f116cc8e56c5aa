package pdf_test

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func check(b []byte) (*pdf.Report, error) {
	return pdf.Check(bytes.NewReader(b), int64(len(b)), pdf.Limits{})
}

// with returns a document with some objects replaced or added.
func with(objects map[int]string) pdftest.Doc {
	d := pdftest.Pages(1)
	maps.Copy(d.Objects, objects)
	return d
}

func TestCheckReports(t *testing.T) {
	for form, b := range pdftest.Pages(3).Forms() {
		t.Run(form, func(t *testing.T) {
			r, err := check(b)
			require.NoError(t, err)
			require.Equal(t, 3, r.Pages)
			require.Equal(t, "1.7", r.Version)
			require.False(t, r.Locked)
			require.False(t, r.FragmentedXRef)
			require.Zero(t, r.Signatures)
			require.Zero(t, r.Dangling)
			want := pdf.XRefForm(form)
			if form == "linearized" {
				want = pdf.XRefTable
			}
			require.Equal(t, want, r.XRef)
		})
	}
}

func TestCheckReportsWhatCallersDecide(t *testing.T) {
	xmp := `<rdf:Description><pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>`
	d := with(map[int]string{
		1:  "<</Type /Catalog /Pages 2 0 R /Metadata 20 0 R /OCProperties <<>> /AcroForm <</Fields [21 0 R]>> /Lost 19 0 R>>",
		20: pdftest.Stream("/Type /Metadata", xmp), 21: "<</FT /Tx /T (a)>>",
	})
	r, err := check(d.Table())
	require.NoError(t, err)
	require.Equal(t, "3B", r.PDFA)
	require.True(t, r.OptionalContent)
	require.Equal(t, 1, r.FormFields)
	require.Equal(t, 1, r.Dangling)
	require.True(t, r.FragmentedXRef)

	w := pdftest.NewWorld(t, pdftest.P256(t))
	r, err = check(seal(t, w, pdftest.Pages(1).Table()))
	require.NoError(t, err)
	require.Equal(t, 1, r.Signatures)
}

func TestCheckRefuses(t *testing.T) {
	good := pdftest.Pages(2).Table()
	catalog := func(more string) []byte {
		return with(map[int]string{1: "<</Type /Catalog /Pages 2 0 R " + more + ">>"}).Table()
	}
	object := func(body string) []byte { return with(map[int]string{30: body}).ObjStm() }
	deep := strings.Repeat("[", 500) + strings.Repeat("]", 500)
	for _, tt := range []struct {
		name string
		file []byte
		code string
	}{
		{"empty", nil, pdf.CodeNotPDF},
		{"text", []byte("hello, this is a letter"), pdf.CodeNotPDF},
		{"truncated", good[:len(good)-60], pdf.CodeTruncated},
		{"half", good[:len(good)/2], pdf.CodeTruncated},
		{"junk before", append([]byte("GIF89a"), good...), pdf.CodeLeading},
		{"junk after", append(bytes.Clone(good), "<html>"...), pdf.CodeTrailing},
		{"encrypted", bytes.Replace(good, []byte("/Root"), []byte("/Encrypt 3 0 R /Root"), 1), pdf.CodeEncrypted},
		{"prev loop", prevLoop(good), pdf.CodeLoop},
		{"page tree loop", with(map[int]string{2: "<</Type /Pages /Kids [2 0 R] /Count 1>>"}).Table(), pdf.CodeLoop},
		{"page twice", with(map[int]string{2: "<</Type /Pages /Kids [5 0 R 5 0 R] /Count 2>>"}).Table(), pdf.CodeLoop},
		{"length loop", with(map[int]string{30: "<</Length 30 0 R>>\nstream\nx\nendstream"}).Table(), pdf.CodeLoop},
		{"references in a circle", with(map[int]string{2: "<</Type /Pages /Kids 30 0 R /Count 1>>", 30: "31 0 R", 31: "30 0 R"}).Table(), pdf.CodeLoop},
		{"field loop", with(map[int]string{
			1: "<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields [30 0 R]>>>>", 30: "<</T (a) /Kids [30 0 R]>>",
		}).Table(), pdf.CodeLoop},
		{"deep", object(deep), pdf.CodeTooComplex},
		{"duplicate key", object("<</A 1 /A 2>>"), pdf.CodeAmbiguous},
		{"wrong number", bytes.Replace(good, []byte("5 0 obj"), []byte("7 0 obj"), 1), pdf.CodeAmbiguous},
		{"length lie", bytes.Replace(good, []byte("/Length 5"), []byte("/Length 3"), 1), pdf.CodeDamaged},
		{"no catalog", bytes.Replace(good, []byte("/Root 1"), []byte("/Toor 1"), 1), pdf.CodeDamaged},
		{"javascript", object("<</S /JavaScript /JS (app.alert)>>"), string(pdf.RuleJavaScript)},
		{"javascript names", catalog("/Names <</JavaScript <</Names []>>>>"), string(pdf.RuleJavaScript)},
		{"launch", object("<</Type /Action /S /Launch /F (calc.exe)>>"), string(pdf.RuleLaunch)},
		{"embedded goto", object("<</S /GoToE /T <<>>>>"), string(pdf.RuleEmbeddedGoTo)},
		{"open action", catalog("/OpenAction <</S /URI /URI (http://example.com)>>"), string(pdf.RuleOpenAction)},
		{"page trigger", object("<</AA <</O <</S /URI /URI (http://example.com)>>>>>>"), string(pdf.RuleOpenAction)},
		{"xfa", catalog("/AcroForm <</XFA (x) /Fields []>>"), string(pdf.RuleXFA)},
		{"external stream", with(map[int]string{30: pdftest.Stream("/F (other.pdf)", "x")}).Table(), string(pdf.RuleExternalStream)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := check(tt.file)
			require.Less(t, time.Since(start), 5*time.Second)
			require.Equal(t, tt.code, fault.CodeOf(err), "%v", err)
			f, _ := fault.As(err)
			require.Equal(t, fault.Invalid, f.Kind)
			require.True(t, strings.HasSuffix(f.Message, "."), f.Message)
		})
	}
}

func TestBombsEndEarly(t *testing.T) {
	bomb := hidden(pdftest.Flate("/Type /ObjStm /N 1 /First 5", "40 0 "+strings.Repeat(" ", 8<<20)+"null"))
	for name, limits := range map[string]pdf.Limits{"one stream": {MaxStreamBytes: 1 << 20}, "all streams": {MaxDecodedBytes: 1 << 20}} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := pdf.Check(bytes.NewReader(bomb), int64(len(bomb)), limits)
			runtime.ReadMemStats(&after)
			require.Equal(t, pdf.CodeBomb, fault.CodeOf(err))
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
		})
	}
	_, err := check(bomb)
	require.Equal(t, pdf.CodeBomb, fault.CodeOf(err), "honest structure is never packed to a two-hundredth")
	_, err = pdf.Check(bytes.NewReader(bomb), int64(len(bomb)), pdf.Limits{MaxRatio: 2000})
	require.NoError(t, err, "within the limits it is only a wasteful file")
}

// prevLoop makes the only section its own predecessor.
func prevLoop(b []byte) []byte {
	at := bytes.LastIndex(b, []byte("xref\n0"))
	return bytes.Replace(b, []byte("/Root"), []byte(fmt.Sprintf("/Prev %d /Root", at)), 1)
}

// hidden lists an object inside the object stream given, by hand.
func hidden(objstm string) []byte {
	d := with(map[int]string{30: objstm})
	var b bytes.Buffer
	b.Write(d.Table())
	at := b.Len()
	rows := []byte{2, 0, 30, 0} // object 40: in stream 30, index 0
	prev := bytes.LastIndex(b.Bytes(), []byte("xref\n0"))
	fmt.Fprintf(&b, "41 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n",
		pdftest.Stream(fmt.Sprintf("/Type /XRef /W [1 2 1] /Index [40 1] /Size 42 /Root 1 0 R /Prev %d", prev), string(rows)), at)
	return b.Bytes()
}

func TestStartAtLineEndAndPrevZero(t *testing.T) {
	b := pdftest.Pages(1).Table()
	at := bytes.LastIndex(b, []byte("xref\n0"))
	b = bytes.Replace(b, []byte(fmt.Sprintf("startxref\n%d", at)), []byte(fmt.Sprintf("startxref\n%d", at-1)), 1)
	b = bytes.Replace(b, []byte("/Root"), []byte("/Prev 0 /Root"), 1)
	_, err := check(b)
	require.NoError(t, err)
}

func FuzzCheck(f *testing.F) {
	for _, b := range pdftest.Pages(1).Forms() {
		f.Add(b)
	}
	f.Add(hidden(pdftest.Flate("/Type /ObjStm /N 1 /First 5", "40 0 null")))
	for _, b := range oddFiles() {
		f.Add(b)
	}
	for _, b := range dangerous() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		small := pdf.Limits{MaxObjects: 10_000, MaxDecodedBytes: 4 << 20, MaxStreamBytes: 4 << 20}
		r, err := pdf.Inspect(bytes.NewReader(b), int64(len(b)), small)
		if err == nil {
			require.Positive(t, r.Pages)
			err = pdf.Policy(nil).Judge(r)
		}
		if err != nil {
			if _, ok := fault.As(err); !ok {
				t.Fatalf("an error that is no fault: %v", err)
			}
		}
	})
}

// FuzzXRef puts any cross-reference section behind sound objects, where a whole
// file's fuzzer rarely gets to.
func FuzzXRef(f *testing.F) {
	sound := plain().bytes()
	at := bytes.Index(sound, []byte("xref"))
	objects, table := sound[:at], sound[at:bytes.Index(sound, []byte("startxref"))]
	f.Add(table)
	f.Add([]byte("5 0 obj\n<</Type /XRef /W [1 2 1] /Size 6 /Root 1 0 R /Length 24>>\nstream\n" +
		"\x00\x00\x00\xff\x01\x00\x0f\x00\x01\x00\x3c\x00\x01\x00\x70\x00\x01\x00\xd0\x00\x01\x01\x10\x00\nendstream\nendobj\n"))
	f.Add(bytes.Replace(table, []byte("/Root"), []byte("/XRefStm 15 /Prev 0 /Root"), 1))
	f.Fuzz(func(t *testing.T, section []byte) {
		b := fmt.Appendf(append(bytes.Clone(objects), section...), "startxref\n%d\n%%%%EOF\n", len(objects))
		small := pdf.Limits{MaxObjects: 10_000, MaxDecodedBytes: 4 << 20}
		if _, err := pdf.Inspect(bytes.NewReader(b), int64(len(b)), small); err != nil {
			if _, ok := fault.As(err); !ok {
				t.Fatalf("an error that is no fault: %v", err)
			}
		}
	})
}
