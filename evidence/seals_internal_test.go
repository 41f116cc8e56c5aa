package evidence

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/pdf"
)

// TestNonsenseInTheUploadIsNoSealOfOurs: a signature that the upload came with is
// known by its place, whatever it says it covers.
func TestNonsenseInTheUploadIsNoSealOfOurs(t *testing.T) {
	const upload = 1000
	for _, covers := range []int64{0, 500, upload, 1 << 40} {
		s := sealingOf(&pdf.Verification{Signatures: []pdf.SignatureReport{
			{Kind: pdf.KindSignature, Indication: pdf.TotalFailed, SubIndication: pdf.FormatFailure, Offset: 400, CoversUpTo: covers},
			{Kind: pdf.KindSignature, Indication: pdf.TotalPassed, Offset: upload, CoversUpTo: 2000},
		}}, upload, bankidsig.Live)
		require.Equal(t, pdf.TotalPassed, s.indication)
		require.Len(t, s.seals, 1)
		require.Equal(t, 1, s.earlier)
	}
	s := sealingOf(&pdf.Verification{Signatures: []pdf.SignatureReport{
		{Kind: pdf.KindSignature, Indication: pdf.TotalPassed, Offset: 400, CoversUpTo: 500},
		{Kind: pdf.KindSignature, Indication: pdf.TotalFailed, Offset: upload, CoversUpTo: 500},
	}}, upload, bankidsig.Live)
	require.Equal(t, pdf.TotalFailed, s.indication, "one that was added counts, whatever it says it covers")
}

// TestNobodySignsAfterTheSeal: the times of BankID and of the seal's authority
// cannot contradict each other.
func TestNobodySignsAfterTheSeal(t *testing.T) {
	sealed := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]pdf.Indication{
		-time.Hour: pdf.TotalPassed, time.Minute: pdf.TotalPassed, time.Hour: pdf.Indeterminate,
	} {
		r := newReport()
		r.Signers = []Signer{{SignedAt: sealed.Add(after), TimeSource: TimeOCSP}}
		r.judgeOrder([]Seal{{}, {Time: sealed}})
		require.Equal(t, want, r.Indication)
	}
}
