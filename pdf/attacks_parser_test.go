package pdf_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/attack"
)

// Files that two readers understand differently: one shows what was signed, the
// other something else.
func TestParserConfusion(t *testing.T) {
	evil := attack.Stream("", "BT /F1 18 Tf 72 700 Td (Pay ten times as much) Tj ET")
	// A section that lies in a stream, signed and harmless until something points to it.
	const prepared, first, forged = 40, 41, 42
	inBothForms(t, map[int]string{
		prepared: attack.Stream("", fmt.Sprintf("xref\n6 1\n%010d 00000 n \ntrailer\n<</Root 1 0 R /Size 60>>\n", 20)),
		first:    attack.Stream("", "6 0 obj\n"+evil+"\nendobj\n"), forged: attack.Stream("", "evil"),
	}, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		page, spare := k.Object(sealed, attack.Page1), attack.Next(sealed)+50
		inside := bytes.Index(sealed, []byte("\nxref\n6 1")) + 1
		hidden := bytes.Index(sealed, []byte("stream\n6 0 obj")) + len("stream\n")
		require.Positive(t, inside)
		require.Positive(t, hidden)
		own := bytes.LastIndex(sealed, []byte("\n8 0 obj")) + 1
		type update = attack.Update
		object := map[int]string{spare: evil}
		text := map[int]string{attack.Text1: evil}
		last := func(f func(string) string) update { return update{Objects: object, Form: "table", Last: f} }
		edit := func(old, fresh string) update {
			return last(func(s string) string { return k.Replace(s, old, fresh) })
		}
		const refusal = failedFormat + " or pdf_ambiguous or pdf_damaged or pdf_xref or pdf_truncated or pdf_too_complex or pdf_loop"
		var all []attempt
		for name, u := range map[string]update{
			"one key twice":           {Objects: map[int]string{attack.Page1: k.Replace(page, "/Contents 6 0 R", fmt.Sprintf("/Contents 6 0 R /Contents %d 0 R", spare)), spare: evil}},
			"one key twice, spelt":    {Objects: map[int]string{attack.Page1: k.Replace(page, "/Contents 6 0 R", fmt.Sprintf("/Contents 6 0 R /C#6fntents %d 0 R", spare)), spare: evil}},
			"text at another's place": {Places: map[int]int{attack.Text1: own}},
			"text inside a stream":    {Places: map[int]int{attack.Text1: hidden}},
			"text beyond the file":    {Places: map[int]int{attack.Text1: 1 << 30}},
			"two trailers":            last(func(s string) string { return s + "trailer\n<</Root 1 0 R /Size 9>>\n" }),
			"two roots":               edit("/Root", fmt.Sprintf("/Root %d 0 R /Root", spare)),
			"a root of its own":       edit("/Root 1 0 R", "/Root <</Type /Catalog /Pages 2 0 R>>"),
			"a root of another time":  edit("/Root 1 0 R", "/Root 1 1 R"),
			"one entry twice": last(func(s string) string {
				return k.Replace(s, "trailer", fmt.Sprintf("%d 1\n%010d 00000 n \ntrailer", spare, own))
			}),
			"a count too large":           edit(fmt.Sprintf("%d 1\n", spare), fmt.Sprintf("%d 9\n", spare)),
			"a count beyond numbers":      edit(fmt.Sprintf("%d 1\n", spare), fmt.Sprintf("%d 99999999999\n", spare)),
			"a negative number":           edit(fmt.Sprintf("%d 1\n", spare), "-1 1\n"),
			"another generation":          {Objects: object, Form: "table", Last: func(s string) string { return k.Replace(s, "00000 n", "00001 n") }},
			"a hybrid section":            {Objects: text, Form: "table", Trailer: fmt.Sprintf("/XRefStm %d", attack.StartXRef(k.Base()))},
			"a hybrid section, to itself": {Objects: text, Form: "table", Trailer: fmt.Sprintf("/XRefStm %d", len(sealed))},
			"a hybrid section, nowhere":   {Objects: text, Form: "table", Trailer: "/XRefStm 99999999"},
			"before itself":               {Objects: object, Prev: len(sealed) + 10},
			"nothing before":              {Objects: text, Last: func(s string) string { return strings.Replace(s, "/Prev", "/Perv", 1) }},
			"a section in a stream":       {Prev: inside},
			"objects after the section":   {Objects: object, Last: func(s string) string { return s + "6 0 obj\n" + evil + "\nendobj\n" }},
			"objects before, unlisted":    {Objects: map[int]string{spare: "null\nendobj\n6 0 obj\n" + evil}},
			"a length too short":          {Objects: map[int]string{spare: strings.Replace(evil, "/Length 6", "/Length 1", 1)}},
			"a comment over the section":  last(func(s string) string { return "%" + s }),
			"without numbers":             {Objects: object, Last: func(string) string { return "xref\ntrailer\n<</Root 1 0 R>>\n" }, Form: "table"},
		} {
			all = append(all, attempt{name, u.On(sealed), refusal + " or " + noSignature, ""})
			if name == "nothing before" || name == "a section in a stream" || name == "before itself" || strings.Contains(name, "too large") {
				continue // what follows cannot be signed by an honest tool
			}
			want := refusal
			if name == "a hybrid section" {
				want += " or " + noSignature // it brings back the catalog that has no form
			}
			all = append(all, attempt{name + ", in one with a signature", k.Sign(sealed, attack.Signing{Objects: u.Objects, Update: u}), want, ""})
		}
		lone := update{NoXRef: true, NoTrailer: true, Start: inside}
		all = append(all, attempt{"a start in a stream", lone.On(sealed), refusal + " or " + noSignature, ""})
		resist(t, k, all)
	})
}

// Whatever an adversary does behind an upload, CheckAppended refuses it, unless
// it is an invisible signature, whoever made it.
func TestAttacksAreNoAdditions(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		base := k.Base()
		key := k.World.Issue(t, k.World.Seal.Key, "Counterparty", nil)
		spare := attack.Next(base) + 60
		refused := map[string][]byte{
			"text":             attack.Update{Objects: map[int]string{attack.Text1: form("Pay")}}.On(base),
			"another root":     attack.Update{Root: fmt.Sprintf("%d 0 R", spare), Objects: map[int]string{spare: "<</Type /Catalog /Pages 2 0 R>>"}}.On(base),
			"an unused object": attack.Update{Objects: map[int]string{spare: "(x)"}}.On(base),
			"a comment":        append(bytes.Clone(base), "% x\n"...),
			"a visible seal":   k.Sign(base, attack.Signing{By: key, Rect: over, Widget: fmt.Sprintf("/AP <</N %d 0 R>>", spare), Objects: map[int]string{spare: form("Pay")}}),
			"a wide gap":       k.Sign(base, attack.Signing{By: key, Gap: "\n6 0 obj\n" + form("Pay") + "\nendobj\n"}),
			"text with a seal": k.Sign(base, attack.Signing{By: key, Objects: map[int]string{attack.Text1: form("Pay")}}),
			"a filled store":   k.Keep(base, attack.Store{Certs: [][]byte{[]byte("BT (Pay) Tj ET")}}),
			"a certification":  k.Certify(base, "/P 2", attack.Signing{By: key}),
			"seal, then text":  attack.Update{Objects: map[int]string{attack.Text1: form("Pay")}}.On(k.Sealed()),
			"dead objects":     attack.Update{Objects: map[int]string{attack.Text1: form("Pay")}, NoXRef: true, NoTrailer: true, Start: attack.StartXRef(base)}.On(base),
			"dead, then sealed": k.Seal(attack.Update{
				Objects: map[int]string{attack.Text1: form("Pay")}, NoXRef: true, NoTrailer: true, Start: attack.StartXRef(base),
			}.On(base)),
			"an older revision": attack.Update{Prev: attack.StartXRef(base), Objects: map[int]string{attack.Catalog: k.Doc.Objects[attack.Catalog]}}.On(k.Sealed()),
		}
		for name, b := range refused {
			require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(checkAppended(b, len(base))), name)
		}
		require.NoError(t, checkAppended(k.Sealed(), len(base)))
	})
}

// A verification ends, says something, and says it again the same.
func TestVerdictsAreStable(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		file := k.Sign(attack.Update{Objects: map[int]string{attack.Text1: form("Pay")}}.On(k.Sealed()), attack.Signing{})
		one, reason := verdict(k, file)
		for range 20 { // maps are walked in any order
			again, said := verdict(k, file)
			require.Equal(t, one, again)
			require.Equal(t, reason, said)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := pdf.Verify(ctx, bytes.NewReader(file), int64(len(file)), trust(k.World))
		require.ErrorIs(t, err, context.Canceled)
	})
}
