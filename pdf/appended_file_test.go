package pdf_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

const sameTrailer = "/Root 1 0 R /Info 4 0 R /ID [<00112233445566778899AABBCCDDEEFF> <FF>]"

// freeing adds a table that frees an object.
func freeing(b []byte, num int) []byte {
	at := len(b)
	return fmt.Appendf(bytes.Clone(b), "xref\n%d 1\n0000000000 00001 f \ntrailer\n<</Size 90 %s /Prev %d>>\nstartxref\n%d\n%%%%EOF\n", num, sameTrailer, startxref(b), at)
}

// packing adds an object stream whose only object takes the number given.
func packing(b []byte, num int) []byte {
	var out bytes.Buffer
	out.Write(b)
	body := "<</Type /Page /Parent 2 0 R /MediaBox [0 0 1 1]>>"
	at := [2]int{out.Len()}
	fmt.Fprintf(&out, "70 0 obj\n%s\nendobj\n", pdftest.Flate("/Type /ObjStm /N 1 /First 6", fmt.Sprintf("%-4d 0%s", num, body)))
	at[1] = out.Len()
	rows := []byte{2, 0, 0, 70, 0}
	for _, n := range at {
		rows = append(rows, 1, byte(n>>16), byte(n>>8), byte(n), 0)
	}
	fmt.Fprintf(&out, "71 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n", pdftest.Stream(
		fmt.Sprintf("/Type /XRef /W [1 3 1] /Index [%d 1 70 2] /Size 90 %s /Prev %d", num, sameTrailer, startxref(b)), string(rows)), at[1])
	return out.Bytes()
}

func TestAppendedFilesAreRefused(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	in, packed := rich().Table(), rich().ObjStm()
	whole := extended(t, w, extended(t, w, in, 'A'), 'S')
	both := func(b []byte) []byte { return extended(t, w, extended(t, w, b, 'A'), 'S') }
	replace := func(b []byte, old, to string) []byte {
		require.Contains(t, string(b), old)
		return bytes.Replace(b, []byte(old), []byte(to), 1)
	}
	_, holder, _ := strings.Cut(string(packed), "\n28 0 obj\n")
	holder, _, _ = strings.Cut(holder, "\nendobj\n")
	resized := replace(in, "/Size 28", "/Size 24")
	elsewhere := bytes.Clone(in)
	for at, seen := bytes.LastIndex(in, []byte("xref\n0")), 0; seen < 1; seen++ {
		line := at + len("xref\n0 9\n") + 6*20 + strings.Index(string(in[at+5:at+12]), "\n") - 3
		require.Equal(t, "00000 n", string(in[line+11:line+18]))
		copy(elsewhere[line:], fmt.Sprintf("%010d", len(in)))
	}
	gone := rich()
	gone.Objects[9] = "<</Type /Page /Parent 2 0 R /Contents 28 0 R>>"
	listed := rich()
	listed.Objects[9] = "<</Type /Page /Parent 2 0 R /Contents [28 0 R]>>"
	inTail := func(old, to string) []byte {
		return append(bytes.Clone(in), replace(tailOf(t, in, map[int]string{60: "(x)"}), old, to)...)
	}
	aliased := rich()
	aliased.Objects[5] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Annots 25 0 R>>"
	aliased.Objects[9] = "<</Type /Page /Parent 2 0 R /Contents 25 0 R>>"
	aliased.Objects[25] = "[10 0 R]"
	signed, twice := seal(t, w, in), append(bytes.Clone(in), tailOf(t, in, map[int]string{22: "<<>>"})...)
	afterSeal, err := pdf.Tail(revision(signed), map[int]string{22: "<<>>"})
	require.NoError(t, err)
	unlisted := "7 0 obj\n<</Type /Page>>\nendobj\n"
	for _, tt := range []struct {
		name   string
		file   []byte
		upload int
		reason string
	}{
		{"nothing signed", whole, 0, "shorter than the upload"},
		{"upload longer than the file", whole, len(whole) + 1, "shorter than the upload"},
		{"upload without its end", whole, len(in) - 7, "not a complete PDF"},
		{"half of the upload", whole, len(in) / 2, "not a complete PDF"},
		{"some of the evidence", whole, len(in) + 20, "not a complete PDF"},
		{"junk signed too", both(in), len(in) + 1, "not a complete PDF"},
		{"first revision of the upload", both(extend(in, map[int]string{22: "<<>>"}, sameTrailer)), len(in), "not laid out"},
		{"first revision, laid out as ours", both(twice), len(in), "An object of the document was replaced."},
		{"another generation", both(replace(replace(twice, "\n22 0 obj\n<<>>", "\n22 1 obj\n<<>>"), "22 1\n"+entry(len(in), 0), "22 1\n"+entry(len(in), 1))), len(in), "An object was replaced by one of another generation."},
		{"freed", both(freeing(in, 9)), len(in), "An object of the document was freed."},
		{"another catalog", both(extend(in, map[int]string{80: catalogStart + ">>"}, strings.Replace(sameTrailer, "1 0 R", "80 0 R", 1))), len(in), "The document's catalog was exchanged for another one."},
		{"other information", both(extend(in, map[int]string{80: "<<>>"}, strings.Replace(sameTrailer, "4 0 R", "80 0 R", 1))), len(in), "The document's information was exchanged."},
		{"another identifier", both(extend(in, map[int]string{80: "<<>>"}, strings.Replace(sameTrailer, "<00", "<01", 1))), len(in), "trailer is not ours"},
		{"more in the trailer", both(extend(in, map[int]string{80: "<<>>"}, sameTrailer+" /Other 1")), len(in), "trailer is not ours"},
		{"size shrinks", both(replace(extend(in, map[int]string{22: "<<>>"}, sameTrailer), "/Size 90", "/Size 23")), len(in), "trailer is not ours"},
		{"packed", both(packing(packed, 7)), len(packed), "Objects were added or replaced inside an object stream."},
		{"object stream replaced", both(append(bytes.Clone(packed), tailOf(t, packed, map[int]string{28: holder})...)), len(packed), "An object stream of the document was replaced."},
		{"stream after a table", both(packing(in, 7)), len(in), "A revision of another form was added."},
		{"hybrid", both(hybrid(in)), len(in), "A revision of another form was added."},
		{"listed nowhere, first", both(shifted(t, in, unlisted, true)), len(in), "not laid out"},
		{"listed nowhere, last", both(shifted(t, in, unlisted, false)), len(in), "not laid out"},
		{"remark", both(shifted(t, in, "% 5 0 obj\n", false)), len(in), "not laid out"},
		{"listed in other words", both(replace(append(bytes.Clone(in), tailOf(t, in, map[int]string{60: "(x)"})...), " 00000 n \ntrailer\n<</ID", " 00000 n%\ntrailer\n<</ID")), len(in), "not laid out"},
		{"revision of the upload undone", both(replace(append(bytes.Clone(twice), tailOf(t, twice, map[int]string{60: "(x)"})...), fmt.Sprintf("/Prev %d\n/Root", startxref(twice)), fmt.Sprintf("/Prev %d\n/Root", startxref(in)))), len(twice), "not what the rest of the document builds on"},
		{"closed in other words", both(inTail("\nstartxref", " startxref")), len(in), "not laid out"},
		{"begun in other words", both(inTail("60 0 obj\n", "60 0 obj ")), len(in), "not laid out"},
		{"number past the size", both(inTail("/Size 61", "/Size 30")), len(in), "trailer is not ours"},
		{"identifier of no text", both(inTail("/ID [<", "/ID [5 <")), len(in), "trailer is not ours"},
		{"reference in a list to what is added", both(listed.Table()), len(listed.Table()), "does not have was defined after it"},
		{"bytes after the end", append(bytes.Clone(whole), "\n"...), len(in), "other data in the file after its last revision"},
		{"changed after a signature", append(bytes.Clone(signed), afterSeal...), len(in), "Something other than a signature was added after a signature."},
		{"objects hidden by the size", both(resized), len(resized), "which some readers hide"},
		{"object in what is added", both(elsewhere), len(elsewhere), "cannot be read"},
		{"reference to what is added", both(gone.Table()), len(gone.Table()), "does not have was defined after it"},
		{"list with two uses", both(aliased.Table()), len(aliased.Table()), "has another use"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := checkAppended(tt.file, tt.upload)
			require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err), "%v", err)
			e, _ := fault.As(err)
			require.Contains(t, e.Message, tt.reason)
			require.Equal(t, fault.Invalid, e.Kind)
		})
	}
	require.NoError(t, checkAppended(whole, len(in)))
	few := pdf.Limits{MaxSignatures: 1}
	require.Error(t, pdf.CheckAppended(bytes.NewReader(whole), int64(len(whole)), int64(len(in)), few), "one revision more")
	for name, b := range map[string][]byte{"size": resized, "reference": gone.Table()} {
		_, err := check(b)
		require.Equal(t, pdf.CodeAmbiguous, fault.CodeOf(err), name)
	}
}

func tailOf(t testing.TB, in []byte, objects map[int]string) []byte {
	tail, err := pdf.Tail(revision(in), objects)
	require.NoError(t, err)
	return tail
}

// shifted is a tail of ours with an object that no table lists, before its first
// object or after its last one.
func shifted(t testing.TB, in []byte, unlisted string, first bool) []byte {
	tail := string(tailOf(t, in, map[int]string{60: "(x)"}))
	at := strings.Index(tail, "xref\n")
	start := fmt.Sprintf("startxref\n%d\n", len(in)+at)
	require.Contains(t, tail, start)
	moved := strings.Replace(tail, start, fmt.Sprintf("startxref\n%d\n", len(in)+at+len(unlisted)), 1)
	if !first {
		return []byte(string(in) + moved[:at] + unlisted + moved[at:])
	}
	require.Contains(t, moved, entry(len(in), 0))
	return []byte(string(in) + unlisted + strings.Replace(moved, entry(len(in), 0), entry(len(in)+len(unlisted), 0), 1))
}

func entry(offset, generation int) string { return fmt.Sprintf("%010d %05d n", offset, generation) }

func hybrid(in []byte) []byte {
	var out bytes.Buffer
	out.Write(in)
	at := out.Len()
	stream := pdftest.Stream("/Type /XRef /W [1 2 1] /Index [80 1] /Size 90 /Root 1 0 R", "\x00\x00\x00\x00")
	fmt.Fprintf(&out, "79 0 obj\n%s\nendobj\n", stream)
	table := out.Len()
	fmt.Fprintf(&out, "xref\n79 1\n%010d 00000 n \ntrailer\n<</Size 90 %s /Prev %d /XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n", at, sameTrailer, startxref(in), at, table)
	return out.Bytes()
}

// An upload of several revisions, with freed numbers and a catalog that moved,
// is an upload like any other.
func TestUploadsWithAHistoryPass(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	moved := extend(pdftest.Pages(2).Table(), map[int]string{80: "<</Type /Catalog /Pages 2 0 R>>"}, "/Root 80 0 R")
	for name, in := range map[string][]byte{"freed": freeing(rich().Table(), 24), "moved": moved, "packed": packing(rich().ObjStm(), 22)} {
		t.Run(name, func(t *testing.T) {
			b := extended(t, w, extended(t, w, in, 'A'), 'S')
			require.NoError(t, checkAppended(b, len(in)))
		})
	}
}

func TestCheckAppendedCostDoesNotGrowWithTheDocument(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	in := large(32 << 20)
	b := extended(t, w, extended(t, w, in, 'A'), 'S')
	source := &counting{ReaderAt: bytes.NewReader(b)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.NoError(t, pdf.CheckAppended(source, int64(len(b)), int64(len(in)), pdf.Limits{}))
	runtime.ReadMemStats(&after)
	require.Less(t, source.bytes, int64(1<<20))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
}

func FuzzCheckAppended(f *testing.F) {
	w := pdftest.NewWorld(f, pdftest.P256(f))
	for _, d := range shapes() {
		for _, in := range d.Forms() {
			f.Add(extended(f, w, extended(f, w, in, 'A'), 'S'), len(in))
			f.Add(append(bytes.Clone(in), tailOf(f, in, map[int]string{6: pdftest.Stream("", "x")})...), len(in))
		}
	}
	small := pdf.Limits{MaxObjects: 10_000, MaxDecodedBytes: 4 << 20, MaxStreamBytes: 4 << 20}
	f.Fuzz(func(t *testing.T, b []byte, upload int) {
		err := pdf.CheckAppended(bytes.NewReader(b), int64(len(b)), int64(upload), small)
		if err != nil {
			if _, ok := fault.As(err); !ok {
				t.Fatalf("an error that is no fault: %v", err)
			}
			return
		}
		showsTheSame(t, b, upload)
	})
}

func showsTheSame(t require.TestingT, b []byte, upload int) {
	before, err := pdf.Open(bytes.NewReader(b[:upload]), int64(upload), pdf.Limits{})
	require.NoError(t, err)
	after, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Limits{})
	require.NoError(t, err)
	require.True(t, pdf.ShowsTheSame(before, after), "what was added passed and shows another document")
}
