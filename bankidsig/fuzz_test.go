package bankidsig_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
)

// FuzzVerify feeds the parsers whatever it likes. Nobody signed any of it, so
// all of it is refused, for a reason.
func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	in := w.input(f, w.draft(), nil)
	for _, encoded := range []string{in.Signature, published()} {
		document, err := base64.StdEncoding.DecodeString(encoded)
		require.NoError(f, err)
		response, err := base64.StdEncoding.DecodeString(in.OCSP)
		require.NoError(f, err)
		f.Add(document, response)
	}
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-8"?><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"></Signature>`), []byte{0x30, 0})
	f.Add([]byte(`<a xmlns="x" b="c"><b c="d">e</b></a>`), []byte{})
	// The worlds of the workers differ, so that even the seeds are foreign to most.
	trust := bankidsig.Trust{{Environment: bankidsig.Simulator, Certificate: w.leaf.certificate}}
	f.Fuzz(func(t *testing.T, xml, der []byte) {
		_, err := bankidsig.Verify(bankidsig.Input{
			Signature: base64.StdEncoding.EncodeToString(xml), OCSP: base64.StdEncoding.EncodeToString(der),
		}, trust)
		require.NotEmpty(t, bankidsig.ReasonOf(err), "%v", err)
	})
}

// published returns the signature that BankID publishes, where it is at hand.
func published() string {
	b, err := os.ReadFile(filepath.Join(os.Getenv("HANDSLAG_BANKID_VECTORS"), "signature-sample.b64"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// FuzzSplice replaces a piece of a good signature or of its OCSP response by
// something else. Only what leaves all as it was is accepted.
func FuzzSplice(f *testing.F) {
	w := newWorld(f)
	in := w.input(f, w.draft(), nil)
	document, err := base64.StdEncoding.DecodeString(in.Signature)
	require.NoError(f, err)
	response, err := base64.StdEncoding.DecodeString(in.OCSP)
	require.NoError(f, err)
	f.Add(true, uint16(60), uint16(0), []byte(`<!-- -->`))
	f.Add(true, uint16(0), uint16(55), []byte{})
	f.Add(true, uint16(7000), uint16(4), []byte(`<Object></Object>`))
	f.Add(false, uint16(3), uint16(1), []byte{0x80})
	f.Fuzz(func(t *testing.T, inDocument bool, at, drop uint16, insert []byte) {
		changed := in
		if inDocument {
			spliced := splice(document, at, drop, insert)
			if bytes.Equal(spliced, document) {
				return
			}
			changed.Signature = base64.StdEncoding.EncodeToString(spliced)
		} else {
			spliced := splice(response, at, drop, insert)
			if bytes.Equal(spliced, response) {
				return
			}
			changed.OCSP = base64.StdEncoding.EncodeToString(spliced)
		}
		_, err := bankidsig.Verify(changed, w.trust())
		require.NotEmpty(t, bankidsig.ReasonOf(err), "%v", err)
	})
}

func splice(b []byte, at, drop uint16, insert []byte) []byte {
	from := int(at) % (len(b) + 1)
	to := min(from+int(drop), len(b))
	return slices.Concat(b[:from], insert, b[to:])
}

// Verifying takes a millisecond or two, most of it for the RSA-4096 of the chain.
func BenchmarkVerify(b *testing.B) {
	signature, trust := vectors(b)
	in := bankidsig.Input{Signature: signature, Time: time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC), Mode: identification}
	for b.Loop() {
		if _, err := bankidsig.Verify(in, trust); err != nil {
			b.Fatal(err)
		}
	}
}
