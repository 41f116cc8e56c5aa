package pdf_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func checkAppended(b []byte, upload int) error {
	return pdf.CheckAppended(bytes.NewReader(b), int64(len(b)), int64(upload), pdf.Limits{})
}

// rich is an upload with something of everything that could be changed.
func rich() pdftest.Doc {
	d := pdftest.Pages(3)
	maps.Copy(d.Objects, map[int]string{
		1:  "<</Type /Catalog /Pages 2 0 R /Lang (sv) /Names <</Dests 20 0 R>> /AcroForm 21 0 R /Outlines 22 0 R>>",
		7:  "<</Type /Page /Parent 2 0 R /Contents 8 0 R /Annots [24 0 R] /Lost 26 0 R>>",
		20: "<</Names [(a) [5 0 R /Fit]]>>", 21: "<</Fields [23 0 R] /DA (/F1 9 Tf)>>", 22: "<</Type /Outlines>>",
		23: "<</FT /Tx /T (name) /V (Anna)>>", 24: "<</Type /Annot /Subtype /Link /Rect [0 0 9 9]>>", 27: "(not used)",
	})
	return d
}

// shapes are uploads whose containers are written in every way there is.
func shapes() map[string]pdftest.Doc {
	spec, file := "<</Type /Filespec /F (x) /EF <</F 33 0 R>>>>", pdftest.Stream("/Type /EmbeddedFile", "mine")
	inherits := " /MediaBox [0 0 595 842] /Resources <</Font <</F1 3 0 R>>>> /Rotate 90"
	nested := pdftest.Pages(3)
	maps.Copy(nested.Objects, map[int]string{
		2: "<</Type /Pages /Kids [20 0 R 9 0 R] /Count 3" + inherits + ">>", 20: "<</Type /Pages /Parent 2 0 R /Kids [21 0 R] /Count 2 /CropBox [0 0 9 9]>>",
		21: "<</Type /Pages /Parent 20 0 R /Kids [5 0 R 7 0 R] /Count 2>>",
	})
	return map[string]pdftest.Doc{
		"plain": pdftest.Pages(2), "rich": rich(), "nested": nested, "tagged": pdftest.Tagged(3),
		"all direct": with(map[int]string{
			1: "<</Type /Catalog /Pages 2 0 R /AF [35 0 R] /AcroForm <</Fields [] /SigFlags 1>> /Names <</EmbeddedFiles <</Names [(a) 35 0 R (z) 35 0 R]>>>>>>",
			5: "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Annots []>>", 33: file, 35: spec,
		}),
		"all indirect": with(map[int]string{
			1: "<</Type /Catalog /Pages 2 0 R /AF 34 0 R /AcroForm 36 0 R /Names 38 0 R>>", 2: "<</Type /Pages /Kids 40 0 R /Count 41 0 R" + inherits + ">>",
			5: "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Annots 39 0 R>>", 30: "<</Kids [31 0 R 32 0 R]>>",
			31: "<</Limits [(a) (manifest.json)] /Names [(a) 35 0 R (manifest.json) 35 0 R]>>", 32: "<</Limits [(x) (z)] /Names [(x) 35 0 R (z) 35 0 R]>>",
			33: file, 34: "[35 0 R]", 35: spec, 36: "<</Fields 37 0 R>>", 37: "[]", 38: "<</EmbeddedFiles 30 0 R /Dests <<>>>>", 39: "[]", 40: "[5 0 R]", 41: "1",
		}),
		// and references that lead to nothing
		"direct kids": with(map[int]string{
			1:  "<</Type /Catalog /Pages 2 0 R /AF 29 0 R /AcroForm 29 0 R /Names <</EmbeddedFiles <</Kids [<</Limits [(k) (m)] /Names [(k) 35 0 R (m) 35 0 R]>>]>>>>>>",
			33: file, 35: spec, 40: "null",
		}),
	}
}

func TestWhatWeAppendPasses(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	for shape, d := range shapes() {
		for form, in := range d.Forms() {
			for _, steps := range []string{"A", "S", "AS", "AAS", "ASS", "AASSS", ""} {
				for i, end := range []string{"\n", "", "\r\n", " \n"} {
					if i > 0 && (shape != "plain" || steps != "AS") {
						continue
					}
					t.Run(strings.Join([]string{shape, form, steps, fmt.Sprintf("%q", end)}, "/"), func(t *testing.T) {
						b := append(bytes.TrimRight(in, "\n"), end...)
						upload := len(b)
						for _, step := range steps {
							b = extended(t, w, b, step)
						}
						require.NoError(t, checkAppended(b, upload))
						showsTheSame(t, b, upload)
						if strings.HasSuffix(steps, "S") {
							require.Equal(t, pdf.TotalPassed, verify(t, w, b).Indication)
						}
					})
				}
			}
		}
	}
}

func extended(t testing.TB, w *pdftest.World, b []byte, step rune) []byte {
	if step == 'S' {
		return seal(t, w, b)
	}
	tail, err := pdf.Append(revision(b), additions(w))
	require.NoError(t, err)
	return append(bytes.Clone(b), tail...)
}

// changed appends an update in our layout, then the evidence, then the seal.
func changed(t testing.TB, w *pdftest.World, in []byte, objects map[int]string) []byte {
	tail, err := pdf.Tail(revision(in), objects)
	require.NoError(t, err)
	b := append(bytes.Clone(in), tail...)
	if tail, err := pdf.Append(revision(b), additions(w)); err == nil {
		b = append(b, tail...)
	} else {
		require.Equal(t, "pdf_signed", fault.CodeOf(err))
	}
	return extended(t, w, b, 'S')
}

const catalogStart = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /Names <</Dests 20 0 R>> /AcroForm 21 0 R /Outlines 22 0 R"

func TestAppendedChangesAreRefused(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	pages := func(kids string, count int, more string) string {
		return fmt.Sprintf("<</Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 595 842] /Resources <</Font <</F1 3 0 R>>>>%s>>", kids, count, more)
	}
	const page = "<</Type /Page /Parent 2 0 R /Contents 6 0 R"
	const another = "<</Type /Page /Parent 2 0 R /Contents 61 0 R /MediaBox [0 0 9 9]>>"
	contract := pdftest.Stream("", "BT (another contract) Tj ET")
	widget := func(page int, rect string) string {
		return fmt.Sprintf("<</Type /Annot /Subtype /Widget /FT /Sig /T (s) /V 61 0 R /P %d 0 R /F 132 /Rect [%s]>>", page, rect)
	}
	sig := "<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <00>>>"
	form := "<</Fields [23 0 R 60 0 R] /DA (/F1 9 Tf) /SigFlags 3>>"
	spec := func(file string) string {
		return "<</Type /Filespec /F (x) /UF (x) /EF <</F " + file + " /UF " + file + ">>>>"
	}
	embedded := pdftest.Stream("/Type /EmbeddedFile", "x")
	for _, tt := range []struct {
		name    string
		objects map[int]string
		reason  string
	}{
		{"page rewritten", map[int]string{5: "<</Type /Page /Parent 2 0 R /Contents 60 0 R>>", 60: contract}, "A page of the document was replaced."},
		{"page rewritten as it was", map[int]string{5: page + ">>"}, "A page of the document was replaced."},
		{"content stream rewritten", map[int]string{6: contract}, "A stream (text, picture or font) of the document was replaced."},
		{"font replaced", map[int]string{3: "<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>"}, "A font of the document was replaced."},
		{"size changed", map[int]string{5: page + " /MediaBox [0 0 1 1]>>"}, "A page of the document was replaced."},
		{"page turned", map[int]string{5: page + " /Rotate 180>>"}, "A page of the document was replaced."},
		{"inherited size changed", map[int]string{2: strings.Replace(pages("5 0 R 7 0 R 9 0 R", 3, ""), "595", "5", 1)}, "The root of the page tree was changed (/MediaBox)."},
		{"inherited resources changed", map[int]string{2: strings.Replace(pages("5 0 R 7 0 R 9 0 R", 3, ""), "3 0 R", "60 0 R", 1), 60: "<<>>"}, "The root of the page tree was changed (/Resources)."},
		{"inherited turn added", map[int]string{2: pages("5 0 R 7 0 R 9 0 R", 3, " /Rotate 180")}, "The root of the page tree was changed (/Rotate)."},
		{"page first", map[int]string{2: pages("60 0 R 5 0 R 7 0 R 9 0 R", 4, ""), 60: another, 61: contract}, "Pages were removed, replaced or put before the end."},
		{"page in the middle", map[int]string{2: pages("5 0 R 60 0 R 7 0 R 9 0 R", 4, ""), 60: another, 61: contract}, "Pages were removed, replaced or put before the end."},
		{"page removed", map[int]string{2: pages("5 0 R 9 0 R", 2, "")}, "Pages were removed, replaced or put before the end."},
		{"pages swapped", map[int]string{2: pages("9 0 R 7 0 R 5 0 R", 3, "")}, "Pages were removed, replaced or put before the end."},
		{"page replaced", map[int]string{2: pages("60 0 R 7 0 R 9 0 R", 3, ""), 60: another, 61: contract}, "Pages were removed, replaced or put before the end."},
		{"pages not counted", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 60 0 R", 3, ""), 60: another, 61: contract}, "The page tree does not count the pages that were added."},
		{"old page again", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 5 0 R", 4, "")}, "A page was added that is not one of ours."},
		{"added twice", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 60 0 R 60 0 R", 5, ""), 60: another, 61: contract}, "A page was added that is not one of ours."},
		{"page with an action", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 60 0 R", 4, ""), 60: strings.Replace(another, ">>", " /AA <<>>>>", 1), 61: contract}, "A page was added that is not one of ours."},
		{"page with annotations", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 60 0 R", 4, ""), 60: strings.Replace(another, ">>", " /Annots [24 0 R]>>", 1), 61: contract}, "A page was added that is not one of ours."},
		{"page of old content", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 60 0 R", 4, ""), 60: strings.Replace(another, "61", "6", 1)}, "A page was added that is not one of ours."},
		{"page of content to come", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 60 0 R", 4, ""), 60: strings.Replace(another, "61", "75", 1)}, "A page was added that is not one of ours."},
		{"tree of pages added", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 60 0 R", 4, ""), 60: "<</Type /Pages /Parent 2 0 R /Kids [61 0 R] /Count 1>>", 61: another}, "A page was added that is not one of ours."},
		{"annotation on an old page", map[int]string{9: "<</Type /Page /Parent 2 0 R /Contents 10 0 R /Annots [60 0 R]>>", 60: "<</Type /Annot /Subtype /FreeText /Rect [0 0 99 99]>>"}, "A page of the document was replaced."},
		{"annotation rewritten", map[int]string{24: "<</Type /Annot /Subtype /FreeText /Rect [0 0 99 99]>>"}, "An annotation of the document was replaced."},
		{"visible widget", map[int]string{5: page + " /Annots [60 0 R]>>", 21: form, 60: widget(5, "0 0 99 99"), 61: sig}, "A signature was added that is not one of ours."},
		{"widget that draws", map[int]string{5: page + " /Annots [60 0 R]>>", 21: form, 60: strings.Replace(widget(5, "0 0 0 0"), ">>", " /AP <<>>>>", 1), 61: sig}, "A signature was added that is not one of ours."},
		{"signature of less", map[int]string{5: page + " /Annots [60 0 R]>>", 21: form, 60: widget(5, "0 0 0 0"), 61: sig}, "A signature was added that does not cover all of the document before it."},
		{"signature on another page", map[int]string{9: strings.NewReplacer("6 0 R", "10 0 R").Replace(page) + " /Annots [60 0 R]>>", 21: form, 60: widget(9, "0 0 0 0"), 61: sig}, "A signature was added to another page than the first."},
		{"signature and a new look", map[int]string{5: page + " /Rotate 90 /Annots [60 0 R]>>", 21: form, 60: widget(5, "0 0 0 0"), 61: sig}, "A page was changed (/Rotate)."},
		{"signature and another note", map[int]string{5: page + " /Annots [60 0 R 24 0 R]>>", 21: form, 60: widget(5, "0 0 0 0"), 61: sig}, "A page was given other annotations."},
		{"signature and another page", map[int]string{2: pages("5 0 R 7 0 R 9 0 R 62 0 R", 4, ""), 62: another, 5: page + " /Annots [60 0 R]>>", 21: form, 60: widget(5, "0 0 0 0"), 61: sig}, "A node of the page tree of the document was replaced."},
		{"two signatures at once", map[int]string{5: page + " /Annots [60 0 R 62 0 R]>>", 21: strings.Replace(form, "60 0 R", "60 0 R 62 0 R", 1), 60: widget(5, "0 0 0 0"), 61: sig, 62: strings.NewReplacer("(s)", "(t)", "61", "63").Replace(widget(5, "0 0 0 0")), 63: sig}, "The document's form was changed."},
		{"signature without its flags", map[int]string{5: page + " /Annots [60 0 R]>>", 21: strings.Replace(form, "/SigFlags 3", "", 1), 60: widget(5, "0 0 0 0"), 61: sig}, "The document's form was changed."},
		{"signature elsewhere", map[int]string{5: page + " /Annots [60 0 R]>>", 21: form, 60: widget(5, "7 7 7 7"), 61: sig}, "A signature was added that is not one of ours."},
		{"signature with a transform", map[int]string{5: page + " /Annots [60 0 R]>>", 21: form, 60: widget(5, "0 0 0 0"), 61: strings.Replace(sig, "/Type", "/Reference [] /Type", 1)}, "A signature was added that is not one of ours."},
		{"text field added", map[int]string{21: strings.Replace(form, "/SigFlags 3", "", 1), 60: "<</FT /Tx /T (b)>>"}, "replaced"},
		{"field value changed", map[int]string{23: "<</FT /Tx /T (name) /V (Eva)>>"}, "An object of the document was replaced."},
		{"form changed", map[int]string{21: "<</Fields [23 0 R] /DA (/F1 1 Tf)>>"}, "An object of the document was replaced."},
		{"form asks to be drawn", map[int]string{5: page + " /Annots [60 0 R]>>", 21: strings.Replace(form, "/Sig", "/NeedAppearances true /Sig", 1), 60: widget(5, "0 0 0 0"), 61: sig}, "The document's form was changed."},
		{"open action", map[int]string{1: catalogStart + " /OpenAction [9 0 R /Fit]>>"}, "The document's catalog was changed (/OpenAction)."},
		{"optional content", map[int]string{1: catalogStart + " /OCProperties <<>>>>"}, "The document's catalog was changed (/OCProperties)."},
		{"outlines", map[int]string{1: strings.Replace(catalogStart, "22", "60", 1) + ">>", 60: "<<>>"}, "The document's catalog was changed (/Outlines)."},
		{"outlines inside", map[int]string{22: "<</Type /Outlines /Count 0>>"}, "An object of the document was replaced."},
		{"another page tree", map[int]string{1: strings.Replace(catalogStart, "2 0 R", "60 0 R", 1) + ">>", 60: pages("5 0 R", 1, "")}, "The document's catalog was changed (/Pages)."},
		{"language", map[int]string{1: strings.Replace(catalogStart, "sv", "en", 1) + ">>"}, "The document's catalog was changed."},
		{"version", map[int]string{1: catalogStart + " /Version /2.0>>"}, "The document's catalog was changed (/Version)."},
		{"extensions", map[int]string{1: catalogStart + " /Extensions <<>>>>"}, "The document's catalog was changed (/Extensions)."},
		{"form gone", map[int]string{1: strings.Replace(catalogStart, "/AcroForm 21 0 R", "", 1) + ">>"}, "The document's catalog was changed (/AcroForm)."},
		{"destinations exchanged", map[int]string{1: strings.Replace(catalogStart, "20", "60", 1) + ">>", 60: "<<>>"}, "The names of the document were changed (/Names)."},
		{"destinations inside", map[int]string{20: "<</Names [(a) [9 0 R /Fit]]>>"}, "An object of the document was replaced."},
		{"names moved", map[int]string{1: strings.Replace(catalogStart, "<</Dests 20 0 R>>", "60 0 R", 1) + ">>", 60: "<</Dests 20 0 R>>"}, "The names of the document were changed (/Names)."},
		{"names of scripts", map[int]string{1: strings.Replace(catalogStart, "/Dests", "/JavaScript <<>> /Dests", 1) + ">>"}, "The names of the document were changed (/Names)."},
		{"file without a name", map[int]string{1: catalogStart + " /AF [60 0 R]>>", 60: spec("61 0 R"), 61: embedded}, "The names of embedded files are not those of the files that were added."},
		{"name of another file", map[int]string{1: strings.Replace(catalogStart, "/Dests", "/EmbeddedFiles <</Names [(a) 61 0 R]>> /Dests", 1) + " /AF [60 0 R]>>", 60: spec("61 0 R"), 61: embedded}, "The names of embedded files are not those of the files that were added."},
		{"file of old bytes", map[int]string{1: catalogStart + " /AF [60 0 R]>>", 60: spec("6 0 R")}, "A file was added that is not one of ours."},
		{"file from elsewhere", map[int]string{1: catalogStart + " /AF [60 0 R]>>", 60: spec("61 0 R"), 61: pdftest.Stream("/Type /EmbeddedFile /F (x)", "x")}, "A file was added that is not one of ours."},
		{"information", map[int]string{4: "<</Producer (x)>>"}, "An object of the document was replaced."},
		{"object that nobody needs", map[int]string{60: "(x)"}, "An object was added that belongs to no added page, file or signature."},
		{"dangling object defined", map[int]string{26: contract}, "An object was defined under a number that the document had set aside."},
		{"stream of borrowed length", map[int]string{60: "<</Length 61 0 R>>\nstream\nx\nendstream", 61: "1"}, "What follows the upload is not laid out as additions are."},
		{"two objects in one", map[int]string{60: "(x)\nendobj\n5 0 obj\n(y)"}, "What follows the upload is not laid out as additions are."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for form, in := range rich().Forms() {
				b := changed(t, w, in, tt.objects)
				err := checkAppended(b, len(in))
				require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err), "%s: %v", form, err)
				e, _ := fault.As(err)
				require.Contains(t, e.Message, tt.reason, form)
			}
		})
	}
}

// Whatever single object is put in the place of one of the upload's, as it was
// or otherwise, it is refused.
func TestNoObjectOfTheUploadCanBeReplaced(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	rapid.Check(t, func(rt *rapid.T) {
		all := shapes()
		d := all[rapid.SampledFrom(sortedKeys(all)).Draw(rt, "shape")]
		in := d.Forms()[rapid.SampledFrom([]string{"table", "stream", "hybrid", "linearized"}).Draw(rt, "form")]
		f, err := pdf.Open(bytes.NewReader(in), int64(len(in)), pdf.Limits{})
		require.NoError(rt, err)
		num := rapid.SampledFrom(f.Numbers()).Draw(rt, "number")
		bodies := []string{"null", "<<>>", "[]", "1", "2 0 R", pdftest.Stream("", "BT ET"), pdftest.Stream("/Type /ObjStm /N 0 /First 0", "")}
		if same, ok := f.Body(num); ok {
			bodies = append(bodies, same, strings.Replace(same, ">>", "/New 1>>", 1), strings.Replace(same, "0 R", "0 R 5 0 R", 1))
		}
		tail, err := pdf.Tail(revision(in), map[int]string{int(num): rapid.SampledFrom(bodies).Draw(rt, "body")})
		require.NoError(rt, err)
		b := append(bytes.Clone(in), tail...)
		if rapid.Bool().Draw(rt, "sealed") {
			if tail, err := pdf.Seal(t.Context(), revision(b), options(w)); err == nil {
				b = append(b, tail...)
			}
		}
		require.Error(rt, checkAppended(b, len(in)), "object %d", num)
	})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
