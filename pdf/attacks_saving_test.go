package pdf_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/handslag/handslag/pdf/internal/attack"
)

// Universal signature forgery: the signature is there and can be shown, and what
// is needed to check it is not.
func TestUniversalForgery(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		num := k.Signature(sealed)
		body := k.Object(sealed, num)
		i, j := strings.Index(body, "/ByteRange"), strings.Index(body, "/Contents")
		said := strings.TrimSpace(body[i:j])
		end := strings.Index(body, ">\n/M")
		contents := body[j : end+1]
		var all []attempt
		edit := func(name, old, fresh, want string) {
			all = append(all, attempt{name + ", in place", k.Edit(sealed, old, fresh), want, ""})
		}
		redefine := func(name, old, fresh, want string) {
			b := attack.Update{Objects: map[int]string{num: k.Replace(body, old, fresh)}}.On(sealed)
			all = append(all, attempt{name + ", in an update", b, want, ""})
		}
		for name, value := range map[string]string{
			"null": "/ByteRange null", "nothing": "", "empty": "/ByteRange []", "zeros": "/ByteRange [0 0 0 0]",
			"two numbers": "/ByteRange [0 10]", "five": "/ByteRange [0 9 9 9 9]", "negative": "/ByteRange [0 -1 5 9]",
			"huge": "/ByteRange [0 9 9 9999999999]", "beyond numbers": "/ByteRange [0 1 99999999999999999999 1]",
			"overflow": "/ByteRange [0 1 9223372036854775807 9]", "reals": "/ByteRange [0 1.5 9 9.]",
			"strings": "/ByteRange [(0) (1) (2) (3)]", "names": "/ByteRange [/a /b /c /d]", "number": "/ByteRange 0",
			"references": "/ByteRange [1 0 R 1 0 R]", "backwards": "/ByteRange [9 9 0 9]", "not from 0": strings.Replace(said, "[0", "[1", 1),
		} {
			want := failedFormat
			if name == "beyond numbers" {
				want += " or pdf_damaged or " + failedHash
			}
			edit("range is "+name, said, value, want)
			redefine("range is "+name, said, value, want)
		}
		for name, value := range map[string]string{
			"null": "/Contents null", "nothing": "", "empty": "/Contents <>", "zeros": "/Contents <" + strings.Repeat("00", 99) + ">",
			"zero": "/Contents <00>", "text": "/Contents (signed)", "a reference": "/Contents 1 0 R", "a name": "/Contents /a", "a dictionary": "/Contents <<>>",
		} {
			edit("contents is "+name, contents, value, failedFormat)
			redefine("contents is "+name, contents, value, failedFormat)
		}
		for name, value := range map[string]string{"missing": "", "another": "/SubFilter /adbe.x509.rsa_sha1", "a number": "/SubFilter 1"} {
			edit("filter is "+name, "/SubFilter /ETSI.CAdES.detached", value, "INDETERMINATE SIG_CONSTRAINTS_FAILURE or "+weakCrypto+" or "+failedHash+" or "+failedFormat)
			redefine("filter is "+name, "/SubFilter /ETSI.CAdES.detached", value, failedFormat)
		}
		edit("type is missing", "/Type /Sig", "", failedHash)
		edit("value is gone", fmt.Sprintf("/V %d 0 R", num), "", noSignature)
		edit("value is null", fmt.Sprintf("/V %d 0 R", num), "/V null", noSignature)
		edit("value is another object", fmt.Sprintf("/V %d 0 R", num), "/V 3 0 R", failedFormat)
		resist(t, k, all)
	})
}

// Incremental saving: content after what is signed, as a real update or as
// something that only a lenient reader takes for one.
func TestIncrementalSaving(t *testing.T) {
	other := attack.Stream("", "BT /F1 18 Tf 72 700 Td (Pay ten times as much) Tj ET")
	pages := func(kids string, n int) string {
		return fmt.Sprintf("<</Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 595 842] /Resources <</Font <</F1 3 0 R>>>>>>", kids, n)
	}
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		spare := attack.Next(sealed) + 50 // beyond what a signature takes
		page, catalog := k.Object(sealed, attack.Page1), k.Object(sealed, attack.Catalog)
		var all []attempt
		for name, objects := range map[string]map[int]string{
			"text":     {attack.Text1: other},
			"new text": {attack.Page1: k.Replace(page, "/Contents 6 0 R", fmt.Sprintf("/Contents %d 0 R", spare)), spare: other},
			"more text": {
				attack.Page1: k.Replace(page, "/Contents 6 0 R", fmt.Sprintf("/Contents [6 0 R %d 0 R]", spare)), spare: other,
			},
			"a page more":            {attack.Pages: pages(fmt.Sprintf("5 0 R 7 0 R %d 0 R", spare), 3), spare: page},
			"a page less":            {attack.Pages: pages("5 0 R", 1)},
			"pages in another order": {attack.Pages: pages("7 0 R 5 0 R", 2)},
			"a smaller page":         {attack.Page1: attack.With(page, "/CropBox [0 0 10 10]")},
			"a turned page":          {attack.Page1: attack.With(page, "/Rotate 180")},
			"an open action":         {attack.Catalog: attack.With(catalog, "/OpenAction <</S /URI /URI (https://evil.invalid)>>")},
			"layers":                 {attack.Catalog: attack.With(catalog, "/OCProperties <</OCGs [] /D <<>>>>")},
			"names":                  {attack.Catalog: attack.With(catalog, "/Names <</JavaScript <</Names []>>>>")},
			"associated files":       {attack.Catalog: attack.With(catalog, "/AF []")},
			"needed rendering":       {attack.Catalog: attack.With(catalog, "/NeedsRendering true")},
			"an additional action":   {attack.Page1: attack.With(page, "/AA <</O <</S /JavaScript /JS (app.alert\\(1\\))>>>>")},
			"an annotation": {
				attack.Page1: k.Replace(page, "/Annots [", fmt.Sprintf("/Annots [%d 0 R ", spare)),
				spare:        "<</Type /Annot /Subtype /FreeText /Rect [0 0 500 800] /DA (/Helv 12 Tf) /Contents (Pay)>>",
			},
			"annotations gone": {attack.Page1: "<</Type /Page /Contents 6 0 R /Parent 2 0 R>>"},
			"another font":     {attack.Font: "<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>"},
			"an unused object": {spare: "(x)"},
		} {
			all = append(all, everyWay(k, sealed, name, attack.Update{Objects: objects}, failedFormat, "after the signature")...)
		}
		twice := attack.Update{Objects: map[int]string{attack.Pages: pages("5 0 R 7 0 R 7 0 R", 3)}}
		resist(t, k, append(all, everyWay(k, sealed, "the same page twice", twice, "pdf_loop", "circle")...))
	})
}

// What only a lenient reader takes for an update.
func TestSavingWithoutASection(t *testing.T) {
	other := map[int]string{attack.Text1: attack.Stream("", "BT /F1 18 Tf 72 700 Td (Pay ten times as much) Tj ET")}
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		start := attack.StartXRef(sealed)
		on := func(u attack.Update) []byte { return u.On(sealed) }
		const damaged = "pdf_damaged or pdf_xref or " + failedFormat
		resist(t, k, []attempt{
			{"objects", on(attack.Update{Objects: other, NoXRef: true, NoTrailer: true, NoStart: true}), failedFormat, "extended after"},
			{"objects and an end", on(attack.Update{Objects: other, NoXRef: true, NoTrailer: true, Start: start}), failedFormat, ""},
			{"no trailer", on(attack.Update{Objects: other, NoTrailer: true, Form: "table"}), damaged, ""},
			{"no table", on(attack.Update{Objects: other, NoXRef: true, Form: "table"}), damaged, ""},
			{"the old start", on(attack.Update{Objects: other, Start: start}), failedFormat, ""},
			// Nothing leads to the objects: dead bytes, which a reader that repairs brings to life.
			{"the old start, then signed", k.Sign(on(attack.Update{Objects: other, Start: start}), attack.Signing{Page: attack.Page2}), failedFormat, "belong to none"},
			{"a comment", append(bytes.Clone(sealed), "% nothing\n"...), failedFormat, "extended after"},
			{"the end said twice", append(bytes.Clone(sealed), "%%EOF\n"...), failedFormat, ""},
			{"line ends", append(bytes.Clone(sealed), "\r\n\n"...), totalPassed, ""},
			{"many line ends", append(bytes.Clone(sealed), bytes.Repeat([]byte("\n"), 99)...), totalPassed, ""},
		})
	})
}

// The signature itself is copied, shared, replaced or taken away.
func TestSignatureMovedAbout(t *testing.T) {
	other := attack.Stream("", "BT /F1 18 Tf 72 700 Td (Pay ten times as much) Tj ET")
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		next, num, widget := attack.Next(sealed)+50, k.Signature(sealed), k.Widget(sealed)
		form := k.Ref(k.Object(sealed, attack.Catalog), "AcroForm")
		signature, field := k.Object(sealed, num), k.Object(sealed, widget)
		fields := func(more string) string { return fmt.Sprintf("<</Fields [%d 0 R %s] /SigFlags 3>>", widget, more) }
		another := func(name string, value int) string {
			return fmt.Sprintf("<</Type /Annot /Subtype /Widget /FT /Sig /T (%s) /V %d 0 R /Rect [0 0 0 0]>>", name, value)
		}
		foreign := attack.New(t, k.Form, nil)
		var all []attempt
		for name, objects := range map[string]map[int]string{
			"the signature again, with text": {num: signature, attack.Text1: other},
			"the signature again":            {num: signature},
			"the field renamed":              {widget: k.Replace(field, "(Signature1)", "(Signature9)")},
			"a copy of the signature":        {next: signature, widget: k.Replace(field, fmt.Sprintf("/V %d", num), fmt.Sprintf("/V %d", next))},
			"a second field with the same signature": {
				form: fields(fmt.Sprintf("%d 0 R", next)), next: another("again", num),
			},
			"a second field with a copy": {
				form: fields(fmt.Sprintf("%d 0 R", next)), next: another("again", next+1), next + 1: signature,
			},
			"a second field of the same name": {
				form: fields(fmt.Sprintf("%d 0 R", next)), next: another("Signature1", next+1), next + 1: signature,
			},
			"the signature of another file": {
				form: fields(fmt.Sprintf("%d 0 R", next)), next: another("again", next+1), next + 1: foreign.Object(foreign.Sealed(), num),
			},
		} {
			all = append(all, everyWay(k, sealed, name, attack.Update{Objects: objects}, failedFormat, "")...)
		}
		// Written again as it was, the field says nothing new.
		all = append(all, everyWay(k, sealed, "the field again", attack.Update{Objects: map[int]string{widget: field}}, totalPassed, "")...)
		gone := attack.Update{Objects: map[int]string{form: "<</Fields [] /SigFlags 0>>", attack.Text1: other}}
		resist(t, k, append(all, []attempt{
			{"the seal removed", gone.On(sealed), noSignature, ""},
			{"text, then our own seal", k.Seal(attack.Update{Objects: map[int]string{attack.Text1: other}}.On(sealed)), failedFormat, ""},
			{"text with a document timestamp", k.Sign(sealed, attack.Signing{Stamp: true, Objects: map[int]string{attack.Text1: other}}), failedFormat, ""},
		}...))
	})
}
