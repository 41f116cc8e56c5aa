package pdf_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// unsaid are the parts of a signature, and of the timestamp in it, that are in no
// signature and say nothing: the versions of SignedData and SignerInfo, and the
// list of digest algorithms, which RFC 5652 5.1 has for readers of one pass. They
// are written as the places on the way down, from ContentInfo on.
var unsaid = func() (all []string) {
	const signedData = "/0/1/0"
	for _, at := range []string{signedData, signedData + "/4/0/6/0/1/0/1/0"} { // the token is an unsigned attribute
		all = append(all, at+"/0", at+"/1", at+"/4/0/0")
	}
	return all
}()

// hole is where the hexadecimal digits of the signature are.
func hole(b []byte) (from, to int) {
	from = bytes.Index(b, []byte("/Contents <")) + len("/Contents <")
	return from, from + bytes.IndexByte(b[from:], '>')
}

// Any single changed byte of a sealed document is noticed, or the file is no PDF
// any more. In the hole a digit may become the same one in other letters.
func TestNoByteOfASealedDocumentCanChange(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	sealed := seal(t, w, pdftest.Pages(1).Table())
	from, to := hole(sealed)
	rapid.Check(t, func(rt *rapid.T) {
		b := bytes.Clone(sealed)
		at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
		b[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		if !unchanged(b, w) {
			return
		}
		require.True(rt, at >= from && at < to, "a change at byte %d of %d passed", at, len(b))
		before, after := decoded(rt, sealed), decoded(rt, b)
		for i := range before {
			require.True(rt, before[i] == after[i] || saysNothing(before, i), "a change of %s passed", place(before, i))
		}
	})
}

// Each byte of the signature itself is tried.
func TestNoByteOfASignatureCanChange(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	sealed := seal(t, w, pdftest.Pages(1).Table())
	from, to := hole(sealed)
	der := decoded(t, sealed)
	passed := map[string]bool{}
	for i := range bytes.TrimRight(der, "\x00") {
		b, changed := bytes.Clone(sealed), bytes.Clone(der)
		changed[i] ^= 1
		hex.Encode(b[from:to], changed)
		if unchanged(b, w) {
			require.True(t, saysNothing(der, i), "a change of %s passed", place(der, i))
			passed[place(der, i)] = true
		}
	}
	require.NotEmpty(t, passed)
}

// unchanged: the document passes as it did.
func unchanged(b []byte, w *pdftest.World) bool {
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), trust(w))
	if err != nil || v.Indication != pdf.TotalPassed {
		return false
	}
	s := v.Signatures[0]
	return s.Level == pdf.LevelT && s.Timestamp.Equal(w.Now) && s.Signer.Equal(w.Seal.Cert) && s.TimestampSigner.Equal(w.Stamp.Cert)
}

func decoded(t require.TestingT, b []byte) []byte {
	from, to := hole(b)
	der, err := hex.DecodeString(string(b[from:to]))
	require.NoError(t, err)
	return der
}

func saysNothing(der []byte, at int) bool {
	for _, p := range unsaid {
		if where := place(der, at) + "/"; strings.HasPrefix(where, p+"/") {
			return true
		}
	}
	return false
}

// place is the way down to the element that a byte is in.
func place(der []byte, at int) string {
	way, in := "", cryptobyte.String(der)
	for n := 0; !in.Empty(); n++ {
		var element, content cryptobyte.String
		var tag, again cbasn1.Tag
		before := len(in)
		if !in.ReadAnyASN1Element(&element, &tag) {
			return way
		}
		if at >= before-len(in) {
			at -= before - len(in)
			continue
		}
		way += fmt.Sprintf("/%d", n)
		whole := element
		if tag&0x20 == 0 || !element.ReadAnyASN1(&content, &again) || at < len(whole)-len(content) {
			return way
		}
		at -= len(whole) - len(content)
		in, n = content, -1
	}
	return way
}
