package pdf_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// What an upload was accepted for, holds to the end: either it is refused at
// once, or it takes the evidence and a seal of the highest level, and passes.
func TestAcceptedUploadsCanBeSealed(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	for entry, refused := range map[string]bool{
		"/AF 3 0 R": true, "/AF null": false, "/AF []": false, "/AF 77 0 R": false,
		"/Names 3": true, "/Names <</EmbeddedFiles 3>>": true, "/Names <</EmbeddedFiles <</Kids 3>>>>": true,
		"/Names <</EmbeddedFiles <</Kids []>>>>": false, "/Names <</EmbeddedFiles <</Kids [null]>>>>": false, "/Names <</EmbeddedFiles <</Names [(a)]>>>>": false,
		"/AcroForm null": false, "/AcroForm <</Fields 77 0 R>>": false, "/AcroForm <</SigFlags 2>>": false, "/AcroForm <</SigFlags 7>>": true,
		"/DSS null": false, "/DSS <<>>": false, "/DSS 77 0 R": false, "/DSS <</Certs 77 0 R>>": false, "/DSS 3": true, "/DSS <</CRLs 5>>": true,
		"/Extensions null": false, "/Extensions 77 0 R": false, "/Extensions <</ESIC null>>": false, "/Extensions 5": true,
		"/Version /2.0": false, "/Version /1.3": false,
	} {
		t.Run(entry, func(t *testing.T) {
			d := pdftest.Pages(2)
			d.Objects[1] = "<</Type /Catalog /Pages 2 0 R " + entry + ">>"
			d.Objects[80] = "null" // 77 is not the next number
			canBeSealed(t, w, d.Table(), refused)
		})
	}
}

func TestUploadsThatLeaveNoNumbers(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	in := pdftest.Pages(2).Table()
	at := bytes.LastIndex(in, []byte("/Size ")) + len("/Size ")
	end := at + bytes.IndexAny(in[at:], "/> \n")
	for size, refused := range map[string]bool{"8388608": false, "2147483646": true, "2147483648": true, "4294967296": true, "99999999999": true} {
		t.Run(size, func(t *testing.T) {
			canBeSealed(t, w, append(append(bytes.Clone(in[:at]), size...), in[end:]...), refused)
		})
	}
}

func canBeSealed(t *testing.T, w *pdftest.World, in []byte, refused bool) {
	_, err := pdf.Inspect(bytes.NewReader(in), int64(len(in)), pdf.Limits{})
	if refused {
		require.Equal(t, "pdf_damaged", fault.CodeOf(err), "%v", err)
		return
	}
	require.NoError(t, err)
	tail, err := pdf.Append(revision(in), additions(w))
	require.NoError(t, err)
	out := append(bytes.Clone(in), tail...)
	tail, err = pdf.Seal(context.Background(), revision(out), lasting(t, w, pdf.LevelLTA))
	require.NoError(t, err)
	out = append(out, tail...)
	require.NoError(t, checkAppended(out, len(in)))
	passes(t, w, out, pdf.LevelLTA)
}
