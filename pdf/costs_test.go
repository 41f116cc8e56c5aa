package pdf_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf/internal/attack"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// Whoever has no key can add revisions that change nothing, as many as the limits
// allow. Each must cost what it adds, and not the document once more.
func TestManyRevisionsCostLittle(t *testing.T) {
	large := func() map[int]string { // unpacks to 6 MB, and holds the catalog
		var b strings.Builder
		for i := 0; b.Len() < 6<<20; i++ {
			fmt.Fprint(&b, i*i)
		}
		return map[int]string{30: "(" + b.String() + ")"}
	}
	fields := func() map[int]string {
		var list strings.Builder
		objects := map[int]string{attack.Catalog: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /AcroForm 99 0 R>>"}
		for i := range 9_000 { // more than are kept at hand
			objects[100+i] = fmt.Sprintf("<</FT /Tx /T (f%d) /V (x)>>", i)
			fmt.Fprintf(&list, "%d 0 R ", 100+i)
		}
		objects[99] = "<</Fields [" + list.String() + "]>>"
		return objects
	}
	for name, row := range map[string]struct {
		form    string
		objects map[int]string
	}{
		"a large object stream": {"stream", large()}, "many fields": {"table", fields()},
	} {
		t.Run(name, func(t *testing.T) {
			k := attack.New(t, row.form, row.objects)
			few := k.Sealed()
			many := few
			for range 200 {
				many = attack.Update{Info: "4 0 R"}.On(many)
			}
			require.Less(t, allocated(t, k, many), 3*allocated(t, k, few)+32<<20)
		})
	}
}

// Signatures that show themselves are looked for among the pages once.
func TestManySignaturesCostLittle(t *testing.T) {
	k := attack.New(t, "table", nil)
	k.Doc = pdftest.Pages(9_000)
	few := k.Sign(k.Base(), attack.Signing{})
	many := few
	for i := range 40 {
		many = k.Sign(many, attack.Signing{Rect: fmt.Sprintf("[%d 0 %d 5]", i*9, i*9+5)})
	}
	require.Less(t, allocated(t, k, many), 4*allocated(t, k, few)+32<<20)
}

// allocated is what a verification takes, given back or not.
func allocated(t *testing.T, k *attack.Kit, b []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, reason := verdict(k, b)
	runtime.ReadMemStats(&after)
	require.NotContains(t, got, "TOTAL-FAILED", reason)
	require.NotContains(t, got, "pdf_", reason)
	t.Logf("%d MB for %d", (after.TotalAlloc-before.TotalAlloc)>>20, len(b)>>20)
	return after.TotalAlloc - before.TotalAlloc
}
