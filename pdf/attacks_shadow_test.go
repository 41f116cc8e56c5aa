package pdf_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/attack"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// shadowed is a document whose author prepared what he would show once it is
// signed: hiddenText text, another catalog, objects that nothing uses yet.
const (
	cover      = 20 + iota // a form that covers the hidden text
	hiddenText             // text that nothing refers to
	catalog2               // another catalog
	pages2                 //
	page3                  // a page in them
	textField              // a form field that shows a value
	look                   // its appearance
	layer                  // optional content
	glyphs                 // a font that is not the one in use

	missing = 60 // referred to, and defined nowhere
)

func shadowed() map[int]string {
	box := "/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
	return map[int]string{
		attack.Catalog: fmt.Sprintf("<</Type /Catalog /Pages 2 0 R /Lang (sv) /AcroForm <</Fields [%d 0 R]>>>>", textField),
		attack.Page1: fmt.Sprintf("<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources <</Font <</F1 3 0 R>> /XObject <</C %d 0 R /M %d 0 R>>>> /Annots [%d 0 R]>>",
			cover, missing, textField),
		attack.Text1: attack.Stream("", "BT /F1 18 Tf 72 700 Td (Page 1 of a contract) Tj ET /C Do"),
		cover:        attack.Stream(box, "1 g 0 0 100 100 re f"),
		hiddenText:   attack.Stream("", "BT /F1 18 Tf 72 700 Td (Pay ten times as much) Tj ET"),
		catalog2:     fmt.Sprintf("<</Type /Catalog /Pages %d 0 R>>", pages2),
		pages2:       fmt.Sprintf("<</Type /Pages /Kids [%d 0 R] /Count 1>>", page3),
		page3:        fmt.Sprintf("<</Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources <</Font <</F1 3 0 R>>>>>>", pages2, hiddenText),
		textField:    fmt.Sprintf("<</Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (100) /Rect [10 10 90 30] /P 5 0 R /F 4 /AP <</N %d 0 R>>>>", look),
		look:         attack.Stream(box, "BT (100) Tj ET"),
		layer:        "<</Type /OCG /Name (l)>>",
		glyphs:       "<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>",
	}
}

func TestShadowDocuments(t *testing.T) {
	inBothForms(t, shadowed(), func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		got, reason := verdict(k, sealed)
		require.Equal(t, totalPassed, got, reason)
		page, catalog := k.Object(sealed, attack.Page1), k.Object(sealed, attack.Catalog)
		spare := attack.Next(sealed) + 50
		within := bytes.Index(sealed, []byte("\n"+fmt.Sprint(hiddenText)+" 0 obj")) + 1
		box := "/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
		var all []attempt
		for name, u := range map[string]attack.Update{
			"hide: the cover is freed":            {Freed: []int{cover}},
			"hide: the cover is null":             {Objects: map[int]string{cover: "null"}},
			"hide: the cover is empty":            {Objects: map[int]string{cover: attack.Stream(box, "")}},
			"hide: the cover is elsewhere":        {Places: map[int]int{cover: within}},
			"hide: an annotation is freed":        {Freed: []int{textField}},
			"hide: a hidden flag":                 {Objects: map[int]string{textField: k.Replace(k.Object(sealed, textField), "/F 4", "/F 2")}},
			"replace: a field's value":            {Objects: map[int]string{textField: k.Replace(k.Object(sealed, textField), "(100)", "(900)")}},
			"replace: a field's appearance":       {Objects: map[int]string{look: attack.Stream(box, "BT (900) Tj ET")}},
			"replace: value and appearance":       {Objects: map[int]string{textField: k.Replace(k.Object(sealed, textField), "(100)", "(900)"), look: attack.Stream(box, "BT (900) Tj ET")}},
			"replace: a field moved":              {Objects: map[int]string{textField: k.Replace(k.Object(sealed, textField), "[10 10 90 30]", "[0 0 595 842]")}},
			"replace: a font":                     {Objects: map[int]string{attack.Font: k.Object(sealed, glyphs)}},
			"replace: the resources":              {Objects: map[int]string{attack.Page1: k.Replace(page, "3 0 R", fmt.Sprintf("%d 0 R", glyphs))}},
			"hide and replace: hidden text":       {Objects: map[int]string{attack.Page1: k.Replace(page, "/Contents 6 0 R", fmt.Sprintf("/Contents %d 0 R", hiddenText))}},
			"hide and replace: the catalog's own": {Objects: map[int]string{attack.Catalog: k.Replace(catalog, "/Pages 2 0 R", fmt.Sprintf("/Pages %d 0 R", pages2))}},
			"hide and replace: a missing object":  {Objects: map[int]string{missing: attack.Stream(box, "BT (Pay) Tj ET")}},
			"hide and replace: its own stream":    {Objects: map[int]string{attack.Text1: attack.Stream("", "BT (Pay) Tj ET")}},
			"hide and replace: needs appearances": {Objects: map[int]string{attack.Catalog: attack.With(catalog, "/NeedAppearances true")}},
			"hide and replace: a root with the form": {Root: fmt.Sprintf("%d 0 R", spare), Objects: map[int]string{
				spare: k.Replace(catalog, "/Pages 2 0 R", fmt.Sprintf("/Pages %d 0 R", pages2)),
			}},
			"a later generation":  {Objects: map[int]string{spare: "(x)"}, Freed: []int{attack.Info}},
			"the info is another": {Info: fmt.Sprintf("%d 0 R", catalog2)},
			"the info is text":    {Objects: map[int]string{attack.Info: attack.Stream("", "BT (Pay) Tj ET")}},
			"another identifier":  {ID: "[<FF> <FF>]"},
			"encrypted":           {Trailer: "/Encrypt <</Filter /Standard>>"},
			"a smaller size":      {Size: 5},
		} {
			want := failedFormat
			switch name {
			case "encrypted":
				want = "pdf_encrypted"
			case "a smaller size":
				want += " or pdf_damaged or pdf_xref or " + totalPassed // nobody is shown anything else
			}
			all = append(all, everyWay(k, sealed, name, u, want, "")...)
		}
		another := attack.Update{Root: fmt.Sprintf("%d 0 R", catalog2)}
		resist(t, k, append(all, attempt{"hide and replace: another root", another.On(sealed), noSignature, ""})) // its own form is empty
	})
}

// In files with cross-reference streams, objects are also replaced inside
// object streams.
func TestShadowInObjectStreams(t *testing.T) {
	k := attack.New(t, "stream", shadowed())
	sealed := k.Sealed()
	spare := attack.Next(sealed) + 50
	page := k.Object(sealed, attack.Page1)
	holder := 0
	for n := range 40 {
		if bytes.Contains(sealed, fmt.Appendf(nil, "\n%d 0 obj\n<</Type /ObjStm", n)) {
			holder = n
		}
	}
	require.NotZero(t, holder)
	evil := map[int]string{attack.Font: "<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>"}
	var all []attempt
	for name, u := range map[string]attack.Update{
		"packed font":             {Objects: evil, Packed: []int{attack.Font}},
		"packed page":             {Objects: map[int]string{attack.Page1: attack.With(page, "/Rotate 90")}, Packed: []int{attack.Page1}},
		"the object stream":       {Objects: map[int]string{holder: attack.Stream("/Type /ObjStm /N 1 /First 4", "3 0 "+evil[attack.Font])}},
		"packed into the old":     {Objects: evil, Packed: []int{attack.Font}, Holder: holder},
		"packed into a page":      {Objects: map[int]string{spare: "(x)"}, Packed: []int{spare}, Holder: attack.Text1},
		"an unused packed one":    {Objects: map[int]string{spare: "(x)"}, Packed: []int{spare}, Holder: spare + 1},
		"the section is a page":   {Own: attack.Text1},
		"the section is a font":   {Own: attack.Font},
		"the section is prepared": {Own: missing},
	} {
		want := failedFormat
		if strings.Contains(name, "the old") || strings.Contains(name, "the object stream") {
			want += " or pdf_ambiguous" // what was packed is there no more
		}
		all = append(all, everyWay(k, sealed, name, u, want, "")...)
	}
	resist(t, k, all)
}

// Who leaves a seal out by going on from the revision before it is left with a
// document that only he has signed. Nobody is told anything else.
func TestGoingOnFromAnOlderRevision(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		u := attack.Update{Prev: attack.StartXRef(k.Base()), Objects: map[int]string{attack.Catalog: k.Doc.Objects[attack.Catalog], attack.Page1: k.Doc.Objects[attack.Page1]}}
		old := u.On(sealed)
		resist(t, k, []attempt{{"alone", old, noSignature, ""}})
		key := k.World.Issue(t, pdftest.P256(t), "Counterparty", nil)
		signed := k.Sign(old, attack.Signing{By: key})
		v, err := pdf.Verify(t.Context(), bytes.NewReader(signed), int64(len(signed)), trust(k.World))
		require.NoError(t, err)
		require.Len(t, v.Signatures, 1)
		require.Equal(t, "Counterparty", v.Signatures[0].Signer.Subject.CommonName)
		require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(checkAppended(old, len(k.Base()))))
	})
}

// The author lets two purposes share one object: what may change for the one
// changes the other.
func TestSharedObjects(t *testing.T) {
	for name, prepare := range map[string]func(map[int]string) attack.Update{
		"the info holds fonts": func(o map[int]string) attack.Update {
			o[attack.Info] = "<</Producer 3 0 R /ModDate 3 0 R>>"
			o[attack.Page1] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources <</Font 4 0 R>>>>"
			o[attack.Text1] = attack.Stream("", "BT /Producer 18 Tf 72 700 Td (Page 1 of a contract) Tj ET")
			o[30] = "<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>"
			return attack.Update{Objects: map[int]string{attack.Info: "<</Producer 30 0 R /ModDate 3 0 R>>"}}
		},
		"the metadata is the text": func(o map[int]string) attack.Update {
			o[attack.Catalog] = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /Metadata 6 0 R>>"
			o[attack.Text1] = attack.Stream("/Type /Metadata /Subtype /XML", "BT /F1 18 Tf 72 700 Td (Page 1) Tj ET")
			return attack.Update{Objects: map[int]string{attack.Text1: attack.Stream("/Type /Metadata /Subtype /XML", "BT /F1 18 Tf (Pay) Tj ET")}}
		},
		"the metadata is a picture": func(o map[int]string) attack.Update {
			o[attack.Catalog] = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /Metadata 30 0 R>>"
			o[attack.Page1] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources <</XObject <</X 30 0 R>>>>>>"
			form := "/Type /Metadata /Subtype /Form /BBox [0 0 9 9]"
			o[30] = attack.Stream(form, "BT (100) Tj ET")
			return attack.Update{Objects: map[int]string{30: attack.Stream(form, "BT (900) Tj ET")}}
		},
		"the validation data are the text": func(o map[int]string) attack.Update {
			o[attack.Catalog] = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /DSS <</Certs [6 0 R]>>>>"
			return attack.Update{Objects: map[int]string{attack.Text1: attack.Stream("", "BT /F1 18 Tf (Pay) Tj ET")}}
		},
		"the validation data are the resources": func(o map[int]string) attack.Update {
			o[attack.Catalog] = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /DSS 30 0 R>>"
			o[attack.Page1] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources 30 0 R>>"
			o[30] = "<</Font <</F1 3 0 R>>>>"
			return attack.Update{Objects: map[int]string{30: "<</Font <</F1 3 0 R>> /Certs []>>"}}
		},
		"the form is the resources": func(o map[int]string) attack.Update {
			o[attack.Catalog] = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /AcroForm 30 0 R>>"
			o[attack.Page1] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources 30 0 R>>"
			o[30] = "<</Fields [] /Font <</F1 3 0 R>>>>"
			return attack.Update{Objects: map[int]string{30: "<</Fields [] /Font <</F1 3 0 R>> /DR <<>> /DA (x)>>"}}
		},
		"default resources are the page's": func(o map[int]string) attack.Update {
			o[attack.Catalog] = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /AcroForm <</Fields [] /DR 30 0 R>>>>"
			o[attack.Page1] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources 30 0 R>>"
			o[30] = "<</Font 31 0 R>>"
			o[31] = "<</F1 3 0 R>>"
			return attack.Update{Objects: map[int]string{31: "<</F1 3 0 R /F2 3 0 R>>"}}
		},
		"extensions are the resources": func(o map[int]string) attack.Update {
			o[attack.Catalog] = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /Extensions 30 0 R>>"
			o[attack.Page1] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources <</Font 30 0 R>>>>"
			o[30] = "<</F1 3 0 R>>"
			return attack.Update{Objects: map[int]string{30: "<</F1 3 0 R /ESIC 3 0 R>>"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := map[int]string{}
			u := prepare(objects)
			inBothForms(t, objects, func(t *testing.T, k *attack.Kit) {
				sealed := k.Sealed()
				if strings.HasPrefix(name, "the form is") { // the seal has put its field there
					u.Objects[30] = attack.With(k.Object(sealed, 30), "/DR <<>> /DA (x)")
				}
				resist(t, k, everyWay(k, sealed, name, u, failedFormat, ""))
			})
		})
	}
}

// An array that is the form's fields or a page's annotations, and something
// else too, grows with each honest signature.
func TestSharedArrays(t *testing.T) {
	for name, objects := range map[string]map[int]string{
		"fields and kids": {
			attack.Catalog: "<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields 30 0 R>>>>", 30: "[5 0 R 7 0 R]",
			attack.Pages: "<</Type /Pages /Kids 30 0 R /Count 2 /MediaBox [0 0 595 842] /Resources <</Font <</F1 3 0 R>>>>>>",
		},
		"annotations and contents": {
			attack.Page1: "<</Type /Page /Parent 2 0 R /Contents 30 0 R /Annots 30 0 R>>", 30: "[6 0 R]",
		},
		"fields and contents": {
			attack.Catalog: "<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields 30 0 R>>>>", 30: "[]",
			attack.Page2: "<</Type /Page /Parent 2 0 R /Contents 30 0 R>>",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBothForms(t, objects, func(t *testing.T, k *attack.Kit) {
				list := fmt.Sprintf("%s %d 0 R]", strings.TrimSuffix(k.Object(k.Base(), 30), "]"), attack.Next(k.Base())+1)
				first := k.Sign(k.Base(), attack.Signing{Objects: map[int]string{30: list}, Unlisted: true, NoWidget: true})
				n := attack.Next(first)
				grown := fmt.Sprintf("%s %d 0 R]", strings.TrimSuffix(list, "]"), n+1)
				second := k.Sign(first, attack.Signing{Objects: map[int]string{30: grown}, Unlisted: true, NoWidget: true})
				got, reason := verdict(k, second)
				require.NotEqual(t, totalPassed, got, reason)
			})
		})
	}
}
