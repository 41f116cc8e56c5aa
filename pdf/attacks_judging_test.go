package pdf_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/attack"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// prepared is a document with an empty signature field of some size on page 2.
func prepared() map[int]string {
	return map[int]string{
		attack.Catalog: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /AcroForm <</Fields [31 0 R]>>>>",
		attack.Page2:   "<</Type /Page /Parent 2 0 R /Contents 8 0 R /Annots [31 0 R]>>",
		31:             "<</Type /Annot /Subtype /Widget /FT /Sig /T (prepared) /Rect [10 10 200 60] /P 7 0 R /F 4>>",
	}
}

// Everybody signed in the knowledge of a field that somebody is to sign. A
// document timestamp is nobody's signature, and one of an authority that nobody
// knows takes no part in the verdict: it must not write there.
func TestTimestampsDrawNothing(t *testing.T) {
	inBothForms(t, prepared(), func(t *testing.T, k *attack.Kit) {
		stranger := pdftest.NewWorld(t, pdftest.P256(t))
		sealed, spare := k.Sealed(), 90
		token := func(digest []byte) []byte {
			b, err := stranger.Token(stranger.Stamp, digest, nil)
			require.NoError(t, err)
			return b
		}
		draws := attack.Signing{
			Field: 31, Stamp: true, CMS: token,
			Widget:  fmt.Sprintf("/AP <</N %d 0 R>>", spare),
			Objects: map[int]string{spare: form("Paid in full")},
		}
		honest := draws
		honest.CMS = nil
		honest.Stamp = false
		resist(t, k, []attempt{
			{"of a stranger", k.Sign(sealed, draws), unconstrained, "page 2"},
			{"signed over", k.Sign(k.Sign(sealed, draws), attack.Signing{}), unconstrained, "page 2"},
			{"a signature", k.Sign(sealed, honest), totalPassed, ""},
		})
		by := trust(k.World)
		by.VisibleSignatures = true
		got, reason := verdictBy(k.Sign(sealed, draws), by)
		require.Equal(t, unconstrained, got, reason)
	})
}

// Programs prepare fields for those who sign next. Nobody sees them.
func TestFieldsForLater(t *testing.T) {
	inBothForms(t, map[int]string{attack.Page2: "<</Type /Page /Parent 2 0 R /Contents 8 0 R /Annots []>>"}, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		field := attack.Next(sealed)
		n := k.Ref(k.Object(sealed, attack.Catalog), "AcroForm")
		add := func(top int, objects map[int]string) attack.Update {
			objects[n] = strings.Replace(k.Object(sealed, n), "/Fields [", "/Fields [", 1)
			objects[n] = strings.Replace(objects[n], "]", fmt.Sprintf(" %d 0 R]", top), 1)
			objects[attack.Page2] = k.Replace(k.Object(sealed, attack.Page2), "/Annots []", fmt.Sprintf("/Annots [%d 0 R]", field))
			return attack.Update{Objects: objects}
		}
		widget := func(rect, more string) string {
			return fmt.Sprintf("<</Type /Annot /Subtype /Widget /FT /Sig /T (next) /Rect %s /P 7 0 R /F 132 %s>>", rect, more)
		}
		const nowhere = "[0 0 0 0]"
		empty := add(field, map[int]string{field: widget(nowhere, "")}).On(sealed)
		nested := add(field+1, map[int]string{
			field: widget(nowhere, fmt.Sprintf("/Parent %d 0 R", field+1)), field + 1: fmt.Sprintf("<</T (above) /Kids [%d 0 R]>>", field),
		}).On(sealed)
		above := func(dict string) []byte {
			return add(field+1, map[int]string{field: widget(nowhere, fmt.Sprintf("/Parent %d 0 R", field+1)), field + 1: dict}).On(sealed)
		}
		fill := attack.Signing{Field: field}
		drawn := attack.Signing{Field: field, Widget: "/AP <</N 91 0 R>>", Objects: map[int]string{91: form("Pay")}}
		final := k.Certify(k.Base(), "/P 1", attack.Signing{})
		m := k.Ref(k.Object(final, attack.Catalog), "AcroForm")
		finally := attack.Update{Objects: map[int]string{
			m:            strings.Replace(k.Object(final, m), "]", " 80 0 R]", 1),
			80:           widget(nowhere, ""),
			attack.Page2: k.Replace(k.Object(final, attack.Page2), "/Annots []", "/Annots [80 0 R]"),
		}}.On(final)
		resist(t, k, []attempt{
			{"empty", empty, totalPassed, ""},
			{"empty, then filled", k.Sign(empty, fill), totalPassed, ""},
			{"empty, then filled with a look that has no room", k.Sign(empty, drawn), totalPassed, ""},
			{"empty, then another signature", k.Sign(empty, attack.Signing{}), totalPassed, ""},
			{"nested", nested, totalPassed, ""},
			{"nested, then filled", k.Sign(nested, fill), totalPassed, ""},
			{"seen", add(field, map[int]string{field: widget(over, "")}).On(sealed), failedFormat, "no plain signature"},
			{"acts", add(field, map[int]string{field: widget(nowhere, "/AA <</E <</S /JavaScript /JS (x)>>>>")}).On(sealed), failedFormat, ""},
			{"moved when filled", k.Sign(empty, attack.Signing{Field: field, Objects: map[int]string{field: widget(over, fmt.Sprintf("/V %d 0 R", attack.Next(empty)))}}), failedFormat, ""},
			{"below what acts", above(fmt.Sprintf("<</T (above) /AA <<>> /Kids [%d 0 R]>>", field)), failedFormat, ""},
			{"below a text", above(fmt.Sprintf("<</T (above) /FT /Tx /V (x) /Kids [%d 0 R]>>", field)), failedFormat, ""},
			{"below what was there", above(fmt.Sprintf("<</T (above) /Kids [%d 0 R 6 0 R]>>", field)), failedFormat, ""},
			{"without a name", add(field, map[int]string{field: strings.Replace(widget(nowhere, ""), "/T (next)", "", 1)}).On(sealed), failedFormat, ""},
			{"a second of the name, then signed", k.Sign(k.Sign(empty, fill), attack.Signing{Name: "next"}), failedFormat, "share"},
			{"after the last word", finally, failedFormat, "no further"},
		})
	})
}

// A number that was free when the document was signed may be defined later, when
// nothing waited for it, in whatever way.
func TestFreeNumbersThatSomethingWaitsFor(t *testing.T) {
	const free = 60
	text := attack.Stream("", "BT /F1 18 Tf 72 700 Td (Pay ten times as much) Tj ET")
	for name, objects := range map[string]map[int]string{
		"contents":              {attack.Page1: "<</Type /Page /Parent 2 0 R /Contents [6 0 R 60 0 R]>>"},
		"of a later generation": {attack.Page1: "<</Type /Page /Parent 2 0 R /Contents [6 0 R 60 1 R]>>"},
		"in a list of its own":  {attack.Page1: "<</Type /Page /Parent 2 0 R /Contents 61 0 R>>", 61: "[6 0 R 60 0 R]"},
		"an appearance":         {attack.Page1: "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Annots [61 0 R]>>", 61: "<</Type /Annot /Subtype /Stamp /Rect [0 0 99 99] /F 4 /AP <</N 60 0 R>>>>"},
		"deep down":             {attack.Page1: "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Resources <</XObject <</X [[[<</Y 60 0 R>>]]]>>>>>>"},
		"by a length":           {61: "<</Length 60 0 R>>"},
	} {
		t.Run(name, func(t *testing.T) {
			objects[70] = "(so that 60 is below the size)"
			inBothForms(t, objects, func(t *testing.T, k *attack.Kit) {
				sealed := k.Sealed()
				key := k.World.Issue(t, pdftest.P256(t), "Counterparty", nil)
				u := attack.Update{Objects: map[int]string{free: text}}
				hidden := k.Sign(sealed, attack.Signing{By: key, Rect: over, Widget: "/AP <</N 60 0 R>>", Objects: map[int]string{free: form("x")}})
				resist(t, k, append(everyWay(k, sealed, name, u, failedFormat, ""),
					attempt{"as part of a signature", hidden, failedFormat, ""},
					attempt{"as its look, nowhere", k.Sign(sealed, attack.Signing{By: key, Widget: "/AP <</N 60 0 R>>", Objects: map[int]string{free: form("x")}}), failedFormat, ""},
				))
			})
		})
	}
	t.Run("waited for by a revision between", func(t *testing.T) {
		inBothForms(t, map[int]string{70: "(x)"}, func(t *testing.T, k *attack.Kit) {
			key := k.World.Issue(t, pdftest.P256(t), "Counterparty", nil)
			waits := k.Sign(k.Sealed(), attack.Signing{By: key, Widget: "/AP <</N 60 0 R>>"})
			resist(t, k, []attempt{
				{"waits", waits, totalPassed, ""},
				{"comes", k.Sign(waits, attack.Signing{By: key, Widget: "/AP <</N 60 0 R>>", Objects: map[int]string{free: form("x")}}), failedFormat, "refers to"},
			})
		})
	})
}

func reports(t testing.TB, k *attack.Kit, b []byte) []pdf.SignatureReport {
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), trust(k.World))
	require.NoError(t, err)
	return v.Signatures
}

// What went wrong before a signature was made is part of what it covers. It is
// no reason to doubt that signature.
func TestLaterSignaturesAreJudgedByThemselves(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		first := k.Sign(k.Base(), attack.Signing{})
		dead := attack.Update{Objects: map[int]string{attack.Info: "<</Producer (x)>>"}}.On(append(bytes.Clone(first), "99 0 obj\n(dead)\nendobj\n"...))
		changed := attack.Update{Objects: map[int]string{attack.Text1: attack.Stream("", "BT (other) Tj ET")}}.On(first)
		twice := attack.Update{Objects: map[int]string{attack.Info: "<</Producer (x) /CreationDate (D:20260101000000Z)>>"}}.On(changed)
		for name, b := range map[string][]byte{"with dead bytes between": dead, "with another text between": changed, "and metadata": twice} {
			t.Run(name, func(t *testing.T) {
				all := reports(t, k, k.Seal(k.Sign(b, attack.Signing{Page: attack.Page2})))
				require.Len(t, all, 3)
				require.Equal(t, pdf.TotalFailed, all[0].Indication)
				for _, s := range all[1:] {
					require.Equal(t, pdf.TotalPassed, s.Indication, s.Reason)
				}
				require.Equal(t, pdf.ChangeSignature, all[1].Changes[0].Kind)
			})
		}
	})
}

// An upload may come with a signature whose range is nonsense, and end wherever
// its author guesses that ours will be. It fails, and ours does not.
func TestNonsenseDoesNotOverlap(t *testing.T) {
	for _, end := range []int{900, 4000, 9000, 20_000, 1 << 40} {
		inBothForms(t, map[int]string{
			attack.Catalog: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /AcroForm <</Fields [30 0 R] /SigFlags 3>>>>",
			30:             "<</FT /Sig /T (nonsense) /V 31 0 R>>",
			31:             fmt.Sprintf("<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 10 20 %d] /Contents <00>>>", end-20),
		}, func(t *testing.T, k *attack.Kit) {
			for _, s := range reports(t, k, k.Sign(k.Sign(k.Base(), attack.Signing{}), attack.Signing{Page: attack.Page2})) {
				want := pdf.TotalPassed
				if s.Field == "nonsense" {
					want = pdf.TotalFailed
				}
				require.Equal(t, want, s.Indication, "%s: %s", s.Field, s.Reason)
			}
		})
	}
}

// Signatures that share a long end are no signatures one after the other: they
// fail, and are not even hashed.
func TestOverlapFails(t *testing.T) {
	k := attack.New(t, "table", nil)
	der := fmt.Sprintf("%x", attack.CMS{By: k.World.Seal, Digest: make([]byte, 32)}.Encode(t))
	field := func(name string, value int) string { return fmt.Sprintf("<</FT /Sig /T (%s) /V %d 0 R>>", name, value) }
	value := func(from, size int) string {
		to := from + len(der) + 2
		return fmt.Sprintf("<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M (D:20261122120000Z) /ByteRange [0 %010d %010d %010d] /Contents <%s>>>", from, to, size-to, der)
	}
	k = attack.New(t, "table", map[int]string{
		attack.Catalog: "<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields [30 0 R 32 0 R]>>>>",
		30:             field("a", 31), 31: value(0, 1<<20), 32: field("b", 33), 33: value(0, 1<<20),
	})
	b := k.Base()
	for _, n := range []int{31, 33} {
		at := bytes.Index(b, fmt.Appendf(nil, "\n%d 0 obj", n))
		k.Doc.Objects[n] = value(at+bytes.Index(b[at:], []byte("/Contents <"))+len("/Contents "), len(b))
	}
	all := reports(t, k, k.Base())
	require.Len(t, all, 2)
	require.Equal(t, pdf.HashFailure, all[0].SubIndication, all[0].Reason)
	require.Contains(t, all[1].Reason, "overlaps")
}

// A hybrid revision lists its objects for two kinds of reader. Whichever they look
// at first, they see the same.
func TestHybridRevisions(t *testing.T) {
	k := attack.New(t, "table", nil)
	older := attack.Update{Objects: map[int]string{attack.Text1: attack.Stream("", "BT /F1 18 Tf 72 700 Td (Pay a little) Tj ET")}}.On(k.Base())
	first := k.Sign(older, attack.Signing{})
	evil := bytes.Index(first, []byte("\n6 0 obj")) + 1 // what the page said before
	store := attack.Next(first)
	good := bytes.LastIndex(first, []byte("\n6 0 obj")) + 1
	hybrid := func(hidden, listed map[int]int) []byte {
		var out bytes.Buffer
		out.Write(first)
		at := out.Len()
		var index, rows strings.Builder
		for n, offset := range hidden {
			fmt.Fprintf(&index, "%d 1 ", n)
			rows.WriteString(string([]byte{1, byte(offset >> 24), byte(offset >> 16), byte(offset >> 8), byte(offset), 0, 0}))
		}
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", store, attack.Stream(fmt.Sprintf("/Type /XRef /W [1 4 2] /Index [%s] /Size %d /Root 1 0 R", index.String(), store+1), rows.String()))
		table := out.Len()
		out.WriteString("xref\n")
		for n, offset := range listed {
			fmt.Fprintf(&out, "%d 1\n%010d 00000 n \n", n, offset)
		}
		if len(listed) == 0 {
			out.WriteString("0 0\n")
		}
		fmt.Fprintf(&out, "trailer\n<</Size %d /Root 1 0 R /Info 4 0 R /Prev %d /XRefStm %d /ID [<00112233445566778899AABBCCDDEEFF> <01>]>>\nstartxref\n%d\n%%%%EOF\n",
			store+1, attack.StartXRef(first), at, table)
		return out.Bytes()
	}
	resist(t, k, []attempt{
		{"both the same", hybrid(map[int]int{6: good}, map[int]int{6: good}), totalPassed, ""},
		{"hidden", hybrid(map[int]int{6: evil}, nil), failedFormat, ""},
		{"hidden behind what is listed", hybrid(map[int]int{6: evil}, map[int]int{6: good}), failedFormat, "two readers"},
	})
}

// A field without a name escapes whoever locks names, and one that shows itself
// could share its name, none, with others.
func TestFieldsHaveNames(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		value := attack.Next(sealed)
		resist(t, k, []attempt{{"none", k.Sign(sealed, attack.Signing{Objects: map[int]string{
			value + 1: fmt.Sprintf("<</Type /Annot /Subtype /Widget /FT /Sig /V %d 0 R /P 5 0 R /F 132 /Rect [0 0 0 0]>>", value),
		}}), failedFormat, "no plain signature"}})
	})
}

// A prepared field may have several widgets, and hand its signature to them. What
// stands above a field is not signed by being above it.
func TestWidgetsOfPreparedFields(t *testing.T) {
	widget := func(parent int, more string) string {
		return fmt.Sprintf("<</Type /Annot /Subtype /Widget /Parent %d 0 R /Rect [10 10 90 60] /P 7 0 R /F 4 %s>>", parent, more)
	}
	inBothForms(t, map[int]string{
		attack.Catalog: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /AcroForm <</Fields [30 0 R 33 0 R]>>>>",
		attack.Page2:   "<</Type /Page /Parent 2 0 R /Contents 8 0 R /Annots [31 0 R 32 0 R 34 0 R]>>",
		30:             "<</FT /Sig /T (two) /Kids [31 0 R 32 0 R]>>", 31: widget(30, ""), 32: strings.Replace(widget(30, ""), "[10 10 90 60]", "[110 10 190 60]", 1),
		33: "<</FT /Sig /T (above) /Kids [34 0 R]>>", 34: strings.Replace(widget(33, "/T (below)"), "[10 10 90 60]", "[210 10 290 60]", 1),
	}, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		look := func(n int) string { return attack.With(k.Object(sealed, n), "/AP <</N 91 0 R>>") }
		signed := func(o map[int]string) attack.Signing {
			o[91] = form("signed")
			return attack.Signing{Field: 30, Objects: o}
		}
		moved := strings.Replace(look(32), "[110 10", "[0 600", 1)
		above := k.Sign(sealed, attack.Signing{Field: 33})
		k2 := attack.New(t, k.Form, map[int]string{
			attack.Catalog: k.Doc.Objects[attack.Catalog], attack.Page2: k.Doc.Objects[attack.Page2], 30: k.Doc.Objects[30], 32: k.Doc.Objects[32], 33: k.Doc.Objects[33], 34: k.Doc.Objects[34],
			31: strings.Replace(widget(30, ""), "[10 10 90 60]", "[0 100 595 842]", 1),
		})
		large := k2.Sealed()
		resist(t, k2, []attempt{{"the first covers the page", k2.Sign(large, signed(map[int]string{
			31: attack.With(k2.Object(large, 31), "/AP <</N 91 0 R>>"), 32: look(32),
		})), unconstrained, "page 2"}})
		resist(t, k, []attempt{
			{"both show it", k.Sign(sealed, signed(map[int]string{31: look(31), 32: look(32)})), totalPassed, ""},
			{"one shows it", k.Sign(sealed, signed(map[int]string{32: look(32)})), totalPassed, ""},
			{"one moves", k.Sign(sealed, signed(map[int]string{31: look(31), 32: moved})), failedFormat, ""},
			{"one becomes a field", k.Sign(sealed, signed(map[int]string{31: attack.With(look(31), "/T (x)")})), failedFormat, ""},
			{"one signs too", k.Sign(sealed, signed(map[int]string{31: attack.With(look(31), "/V 31 0 R")})), failedFormat, ""},
			{"below", k.Sign(sealed, attack.Signing{Field: 34, Widget: "/AP <</N 91 0 R>>", Objects: map[int]string{91: form("signed")}}), totalPassed, ""},
			{"above", above, failedFormat, ""},
		})
		for _, s := range reports(t, k, above) {
			require.NotEqual(t, "above", s.Field)
		}
	})
}
