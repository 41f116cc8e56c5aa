package pdf_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/revocation"
)

// What pyHanko did to documents that it had signed is told apart: what may follow
// a signature, and what that signature forbade. See testdata/README.md.
func TestLaterRevisionsByPyHanko(t *testing.T) {
	for name, want := range map[string]struct {
		indications []pdf.Indication // of the signatures and timestamps, in order
		levels      []pdf.Level
		reason      string // of the first
		changes     []pdf.ChangeKind
	}{
		"renewed": {
			passed(5),
			[]pdf.Level{pdf.LevelLTA, pdf.LevelLTA, pdf.LevelLTA, "", ""},
			"",
			[]pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature, pdf.ChangeTimestamp, pdf.ChangeValidation},
		},
		"signed-after-archive": {
			passed(5),
			[]pdf.Level{pdf.LevelLTA, pdf.LevelLTA, pdf.LevelLTA, "", pdf.LevelB},
			"",
			[]pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature, pdf.ChangeTimestamp, pdf.ChangeValidation},
		},
		"certified-1-archived": {passed(2), []pdf.Level{pdf.LevelLTA, ""}, "", []pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeTimestamp, pdf.ChangeValidation}},
		"certified-2-signed": {
			passed(3),
			[]pdf.Level{pdf.LevelLTA, "", pdf.LevelB},
			"",
			[]pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature, pdf.ChangeTimestamp, pdf.ChangeValidation},
		},
		"certified-1-signed": {
			[]pdf.Indication{pdf.TotalFailed, pdf.TotalPassed},
			[]pdf.Level{pdf.LevelB, pdf.LevelB},
			"allows no further one",
			[]pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature},
		},
		"certified-second":    {[]pdf.Indication{pdf.TotalFailed, pdf.TotalFailed}, []pdf.Level{pdf.LevelB, pdf.LevelB}, "(/Perms)", nil},
		"locked-all-signed":   {[]pdf.Indication{pdf.TotalFailed, pdf.TotalPassed}, []pdf.Level{pdf.LevelB, pdf.LevelB}, "had locked", []pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature}},
		"locked-all-archived": {passed(2), []pdf.Level{pdf.LevelLTA, ""}, "", []pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeTimestamp, pdf.ChangeValidation}},
		"locked-other":        {passed(2), []pdf.Level{pdf.LevelB, pdf.LevelB}, "", []pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature}},
		"locked-but-this":     {passed(2), []pdf.Level{pdf.LevelB, pdf.LevelB}, "", []pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature}},
		"locked-but-other":    {[]pdf.Indication{pdf.TotalFailed, pdf.TotalPassed}, []pdf.Level{pdf.LevelB, pdf.LevelB}, "had locked", []pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature}},
		"prepared":            {passed(2), []pdf.Level{pdf.LevelB, pdf.LevelB}, "", []pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature}},
		"visible":             {[]pdf.Indication{pdf.Indeterminate, pdf.TotalPassed}, []pdf.Level{pdf.LevelB, pdf.LevelB}, "draws on page 1", []pdf.ChangeKind{pdf.ChangeMetadata, pdf.ChangeSignature}},
		"pkcs7":               {passed(1), []pdf.Level{pdf.LevelPKCS7T}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := later(t, name, func(*pdf.Trust) {})
			var indications []pdf.Indication
			var levels []pdf.Level
			for _, s := range v.Signatures {
				indications, levels = append(indications, s.Indication), append(levels, s.Level)
			}
			require.Equal(t, want.indications, indications, v.Signatures[0].Reason)
			require.Equal(t, want.levels, levels)
			require.Contains(t, v.Signatures[0].Reason, want.reason)
			var kinds []pdf.ChangeKind
			for _, c := range v.Signatures[0].Changes {
				kinds = append(kinds, c.Kind)
			}
			slices.Sort(kinds)
			require.Equal(t, want.changes, slices.Compact(kinds))
		})
	}
}

func passed(n int) []pdf.Indication { return slices.Repeat([]pdf.Indication{pdf.TotalPassed}, n) }

func later(t testing.TB, name string, change func(*pdf.Trust)) *pdf.Verification {
	dir := filepath.Join("testdata", "later")
	b, err := os.ReadFile(filepath.Join(dir, name+".pdf"))
	require.NoError(t, err)
	root, err := os.ReadFile(filepath.Join(dir, "root.pem"))
	require.NoError(t, err)
	list, err := os.ReadFile(filepath.Join(dir, "root.crl"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(root))
	trust := pdf.Trust{
		Seal: roots, Timestamp: roots, Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Proofs: revocation.Proofs{CRLs: [][]byte{list}},
	}
	change(&trust)
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), trust)
	require.NoError(t, err)
	return v
}

func TestSignaturesMayShowThemselvesWhenTrusted(t *testing.T) {
	v := later(t, "visible", func(trust *pdf.Trust) { trust.VisibleSignatures = true })
	require.Equal(t, pdf.TotalPassed, v.Indication, v.Signatures[0].Reason)
	require.Equal(t, 1, v.Signatures[0].Changes[0].Page)
}

// Without the list that the verifier brings along, what has none in the document
// is not known to be good, and what has one is.
func TestStatusIsLearntFromTheDocument(t *testing.T) {
	alone := func(trust *pdf.Trust) { trust.Proofs = revocation.Proofs{} }
	require.Equal(t, pdf.TryLater, later(t, "prepared", alone).SubIndication)
	v := later(t, "renewed", alone)
	require.Equal(t, pdf.TotalPassed, v.Indication, v.Signatures[0].Reason)
	require.Equal(t, pdf.LevelLTA, v.Signatures[0].Level)
}
