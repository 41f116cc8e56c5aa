package bankidsig_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
)

// vectors returns BankID's own published test signature and the root of its test
// environment.
func vectors(t testing.TB) (signature string, trust bankidsig.Trust) {
	t.Helper()
	dir := os.Getenv("HANDSLAG_BANKID_VECTORS")
	if dir == "" {
		t.Skip("HANDSLAG_BANKID_VECTORS is not set: the signature that BankID publishes is not checked")
	}
	encoded, err := os.ReadFile(filepath.Join(dir, "signature-sample.b64"))
	require.NoError(t, err)
	root, err := os.ReadFile(filepath.Join(dir, "test-root-ca.pem"))
	require.NoError(t, err)
	trust, err = bankidsig.ParseAnchors(bankidsig.Test, root)
	require.NoError(t, err)
	return string(bytes.TrimSpace(encoded)), trust
}

var identification = bankidsig.Mode{Identification: true, AllowMissingOCSP: true}

func TestPublishedSignature(t *testing.T) {
	signature, trust := vectors(t)
	in := bankidsig.Input{
		Signature: signature,
		Time:      time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC),
		Mode:      identification,
		Expect: bankidsig.Expectation{
			VisibleText:    []byte("signeringstext"),
			NonVisibleData: []byte("ej synlig"),
			Signer:         "191212121212",
			RelyingParty:   "CN=Finansiell ID-Teknik BID AB, 2.5.4.41=Test av BankID, SERIALNUMBER=5566304928, O=Testbank A AB (publ), C=SE",
		},
	}
	report, err := bankidsig.Verify(in, trust)
	require.NoError(t, err)
	require.Equal(t, bankidsig.FunctionIdentification, report.Function)
	require.Equal(t, bankidsig.Signer{
		PersonalNumber: "191212121212", Name: "Tolvan Tolvansson", GivenName: "Tolvan", Surname: "Tolvansson",
	}, report.Signer)
	require.Equal(t, "signeringstext", report.VisibleText.Reveal())
	require.Equal(t, "ej synlig", report.NonVisibleData.Reveal())
	require.Equal(t, "Test av BankID", report.DisplayName)
	require.Equal(t, bankidsig.Test, report.Environment)
	require.Equal(t, "c6faeaf8ccadcfd0738dc99140ca788c1a19a93f843c5a9ec1369872d50e45f2", report.AnchorSHA256)
	require.Equal(t, []string{"1.2.3.4.5"}, report.Policies)
	require.False(t, report.NonRepudiation)
	require.Equal(t, bankidsig.TimeGiven, report.TimeSource)
	require.Equal(t, map[string]string{
		"ocsp": "missing", "certificate_purpose": "match", "visible_text": "match", "visible_format": "match", "non_visible_data": "match",
		"signer": "match", "rp_name": "match", "order_time": "not_compared",
	}, report.Checks)
}

func TestPublishedSignatureIsRefused(t *testing.T) {
	signature, trust := vectors(t)
	when := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		change func(*bankidsig.Input)
		want   bankidsig.Reason
	}{
		"as a signature":    {func(in *bankidsig.Input) { in.Mode.Identification = false }, bankidsig.NotASignature},
		"without OCSP":      {func(in *bankidsig.Input) { in.Mode.AllowMissingOCSP = false }, bankidsig.OCSPMissing},
		"without a time":    {func(in *bankidsig.Input) { in.Time = time.Time{} }, bankidsig.OCSPMissing},
		"a day too late":    {func(in *bankidsig.Input) { in.Time = time.Date(2023, 9, 14, 0, 0, 0, 0, time.UTC) }, bankidsig.NotValidWhenSigned},
		"a year too early":  {func(in *bankidsig.Input) { in.Time = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC) }, bankidsig.NotValidWhenSigned},
		"with another text": {func(in *bankidsig.Input) { in.Expect.VisibleText = []byte("annan text") }, bankidsig.ContentMismatch},
		"with another format": {func(in *bankidsig.Input) {
			in.Expect.VisibleText, in.Expect.VisibleFormat = []byte("signeringstext"), "simpleMarkdownV1"
		}, bankidsig.ContentMismatch},
		"with no hidden data":   {func(in *bankidsig.Input) { in.Expect.NonVisibleData = []byte{} }, bankidsig.ContentMismatch},
		"for another person":    {func(in *bankidsig.Input) { in.Expect.Signer = "190001010101" }, bankidsig.WrongSigner},
		"for another RP":        {func(in *bankidsig.Input) { in.Expect.RelyingParty = "CN=Somebody,C=SE" }, bankidsig.WrongRP},
		"with a garbled RP":     {func(in *bankidsig.Input) { in.Expect.RelyingParty = "Somebody" }, bankidsig.WrongRP},
		"with a garbled OCSP":   {func(in *bankidsig.Input) { in.OCSP = "MAA=" }, bankidsig.OCSPMalformed},
		"with a line break":     {func(in *bankidsig.Input) { in.Signature = in.Signature[:76] + "\n" + in.Signature[76:] }, bankidsig.Malformed},
		"with bytes at the end": {func(in *bankidsig.Input) { in.Signature += "AAAA" }, bankidsig.UnexpectedStructure},
	} {
		t.Run(name, func(t *testing.T) {
			in := bankidsig.Input{Signature: signature, Time: when, Mode: identification}
			tc.change(&in)
			report, err := bankidsig.Verify(in, trust)
			require.Equal(t, tc.want, bankidsig.ReasonOf(err), "%v", err)
			require.Nil(t, report)
		})
	}
}

// Every byte of the document counts: those of the signed parts by digest or
// signature, the few around them by the one shape that is accepted.
func TestEveryChangedByteIsRefused(t *testing.T) {
	signature, trust := vectors(t)
	document, err := base64.StdEncoding.DecodeString(signature)
	require.NoError(t, err)
	when := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range document {
		changed := bytes.Clone(document)
		changed[i] ^= 1 << (i % 7)
		_, err := bankidsig.Verify(bankidsig.Input{
			Signature: base64.StdEncoding.EncodeToString(changed), Time: when, Mode: identification,
		}, trust)
		require.NotEmpty(t, bankidsig.ReasonOf(err), "byte %d (%q) was changed and the signature accepted: %v", i, document[i], err)
	}
}

func TestOtherRootIsNotTrusted(t *testing.T) {
	signature, _ := vectors(t)
	_, err := bankidsig.Verify(bankidsig.Input{
		Signature: signature, Time: time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC), Mode: identification,
	}, bankidsig.Trust{{Environment: bankidsig.Live, Certificate: newWorld(t).root.certificate}})
	require.Equal(t, bankidsig.UntrustedRoot, bankidsig.ReasonOf(err))
}

func TestTestRootIsNoLiveAnchor(t *testing.T) {
	_, trust := vectors(t)
	_, err := bankidsig.ParseAnchors(bankidsig.Live, certificatePEM(trust[0].Certificate))
	require.ErrorContains(t, err, "anchors_environment")
}
