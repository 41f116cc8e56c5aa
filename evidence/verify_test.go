package evidence_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
)

// sealed is a document of the first release's demo, with the anchors of its
// simulated world. What was handed out once must verify for ever.
func sealed(t testing.TB) ([]byte, evidence.Trust) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "sealed", "hyresavtal-signed.pdf"))
	require.NoError(t, err)
	trust, err := evidence.LoadTrust(filepath.Join("testdata", "sealed", "trust"))
	require.NoError(t, err)
	return b, trust
}

func verify(b []byte, trust evidence.Trust) (*evidence.Report, error) {
	return evidence.VerifyDocument(context.Background(), evidence.File{Content: bytes.NewReader(b), Size: int64(len(b))}, nil, trust, time.Now())
}

func TestFirstReleaseVerifies(t *testing.T) {
	b, trust := sealed(t)
	r, err := verify(b, trust)
	require.NoError(t, err)
	require.True(t, r.Passed(), "%s %s", r.SubIndication, r.Reason)
	require.True(t, r.Test)
	require.Len(t, r.Signers, 2)
	require.Equal(t, "Anna Provberg", r.Signers[0].Name.Reveal())
	require.Equal(t, "Åke Testström", r.Signers[1].Name.Reveal())
	require.Equal(t, "match", r.Signers[0].Checks["nonce_binding"])
	require.True(t, r.Seals[0].WholeFile)
}

// TestNoChangedByteIsProven changes one byte at a time, all over the document.
func TestNoChangedByteIsProven(t *testing.T) {
	b, trust := sealed(t)
	for at := 0; at < len(b); at += 769 {
		b[at] ^= 1
		r, err := verify(b, trust)
		require.False(t, err == nil && r.Passed(), "byte %d", at)
		b[at] ^= 1
	}
}

// TestNothingAfterTheSeal: what is added or cut off is noticed.
func TestNothingAfterTheSeal(t *testing.T) {
	b, trust := sealed(t)
	for name, changed := range map[string][]byte{
		"added":   append(bytes.Clone(b), "\n% more"...),
		"cut off": b[:len(b)-1000],
		"twice":   append(bytes.Clone(b), b...),
	} {
		r, err := verify(changed, trust)
		require.False(t, err == nil && r.Passed(), name)
	}
}

func TestWhoTrustsWhom(t *testing.T) {
	b, trust := sealed(t)
	for name, tc := range map[string]struct {
		change func(*evidence.Trust)
		want   pdf.Indication
	}{
		"nobody":          {func(x *evidence.Trust) { *x = evidence.Trust{} }, pdf.Indeterminate},
		"no BankID root":  {func(x *evidence.Trust) { x.BankID = nil }, pdf.Indeterminate},
		"no seal root":    {func(x *evidence.Trust) { x.Seal = nil }, pdf.Indeterminate},
		"no TSA root":     {func(x *evidence.Trust) { x.Timestamp = nil }, pdf.Indeterminate},
		"another's seal":  {func(x *evidence.Trust) { x.Organisation = "Somebody Else" }, pdf.TotalFailed},
		"the seal wanted": {func(x *evidence.Trust) { x.Organisation = "Simulated Organisation AB" }, pdf.TotalPassed},
	} {
		x := trust
		tc.change(&x)
		r, err := verify(b, x)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, r.Indication, name)
	}
}

func TestLoadTrustRefuses(t *testing.T) {
	root, err := os.ReadFile(filepath.Join("testdata", "sealed", "trust", "seal.simulator.pem"))
	require.NoError(t, err)
	for name, content := range map[string][]byte{
		"root.pem":             root,
		"seal.production.pem":  root,
		"stamp.live.pem":       root,
		"seal.live.pem":        []byte("no certificate"),
		"bankid-se.live.pem":   []byte("no certificate"),
		"seal.simulator.pem.x": root,
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		_, err := evidence.LoadTrust(dir)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", name, err)
	}
}

// FuzzVerifyDocument: whatever is done to the bytes that the seal covers, the
// document does not pass. The seal itself, between them, has parts that no
// signature covers, such as certificates that nobody needs (RFC 5652 5.1).
func FuzzVerifyDocument(f *testing.F) {
	b, trust := sealed(f)
	covered := regexp.MustCompile(`/ByteRange \[0 (\d+) (\d+) \d+\s*\]`).FindSubmatch(b)
	holeStart, err := strconv.Atoi(string(covered[1]))
	require.NoError(f, err)
	holeEnd, err := strconv.Atoi(string(covered[2]))
	require.NoError(f, err)
	f.Add(0, []byte("%PDF-2.0"))
	f.Add(len(b)-30, []byte("startxref\n0\n%%EOF"))
	f.Add(bytes.Index(b, []byte("/ByteRange")), []byte("/ByteRange [0 1 2 3]"))
	f.Add(len(b), []byte("\n1 0 obj\n<<>>\nendobj\n"))
	f.Fuzz(func(t *testing.T, at int, patch []byte) {
		if at < 0 || at > len(b) {
			return
		}
		changed := append(bytes.Clone(b[:at]), patch...)
		if rest := at + len(patch); rest < len(b) {
			changed = append(changed, b[rest:]...)
		}
		r, err := verify(changed, trust)
		if err != nil || !r.Passed() {
			return
		}
		require.Equal(t, b[:holeStart], changed[:holeStart], "a changed document passes")
		require.Equal(t, bytes.TrimRight(b[holeEnd:], "\r\n"), bytes.TrimRight(changed[holeEnd:], "\r\n"), "a changed document passes")
	})
}
