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
)

// crowd is a document of n objects, with a table, that are next to nothing.
func crowd(n int, body func(i int) string) []byte {
	var b, table bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	fmt.Fprintf(&table, "xref\n0 %d\n0000000000 65535 f \n", n+1)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&table, "%010d 00000 n \n", b.Len())
		switch i {
		case 1:
			b.WriteString("1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n")
		case 2:
			b.WriteString("2 0 obj\n<</Type /Pages /Kids [3 0 R] /Count 1>>\nendobj\n")
		case 3:
			b.WriteString("3 0 obj\n<</Type /Page /Parent 2 0 R>>\nendobj\n")
		default:
			fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i, body(i))
		}
	}
	at := b.Len()
	b.Write(table.Bytes())
	fmt.Fprintf(&b, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", n+1, at)
	return b.Bytes()
}

// A million objects are the most that the limits allow. All that checking them
// allocates, given back or not, is a fraction of what is allowed to be held.
func TestMillionObjectsFitInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	const n = 999_999
	file := crowd(n, func(i int) string { return fmt.Sprintf("<</A %d 0 R /B %d 0 R>>", i, n-i+1) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := check(file)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Equal(t, n, r.Objects)
	spent := (after.TotalAlloc - before.TotalAlloc) >> 20
	t.Logf("%d MB", spent)
	require.Less(t, spent, uint64(300))
}

func TestWorkIsBounded(t *testing.T) {
	large := "[" + strings.Repeat("0 ", 5000) + "]"
	triggers := crowd(40, func(i int) string {
		if i == 40 {
			return "<</A " + large + ">>"
		}
		return "<</AA <</O 40 0 R>>>>"
	})
	lists := crowd(20_000, func(int) string { return "<<>>" })
	for name, row := range map[string]struct {
		file   []byte
		limits pdf.Limits
	}{
		"bytes":     {triggers, pdf.Limits{MaxParsedBytes: 20_000}},
		"objects":   {lists, pdf.Limits{MaxObjects: 19_999}},
		"table":     {lists, pdf.Limits{MaxParsedBytes: 100_000}},
		"time":      {lists, pdf.Limits{Expired: func() bool { return true }}},
		"revisions": {newer(map[int]string{6: "<<>>"}), pdf.Limits{MaxRevisions: 1}},
		"pages":     {many(200), pdf.Limits{MaxPages: 99}},
		"depth":     {with(map[int]string{30: strings.Repeat("[", 12) + strings.Repeat("]", 12)}).ObjStm(), pdf.Limits{MaxDepth: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pdf.Check(bytes.NewReader(row.file), int64(len(row.file)), row.limits)
			require.Equal(t, pdf.CodeTooComplex, fault.CodeOf(err), "%v", err)
			_, err = check(row.file)
			require.NoError(t, err)
		})
	}
}

// A hostile chain of revisions and of lookups ends in reasonable time.
func TestTimeIsAskedWhileWorkGoesOn(t *testing.T) {
	asked := 0
	file := crowd(10_000, func(int) string { return "<<>>" })
	_, err := pdf.Check(bytes.NewReader(file), int64(len(file)), pdf.Limits{Expired: func() bool { asked++; return false }})
	require.NoError(t, err)
	require.Greater(t, asked, 50)
}
