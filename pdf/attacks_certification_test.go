package pdf_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf/internal/attack"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// over is a rectangle on the text of a page.
const over = "[60 680 400 730]"

func form(text string) string {
	return attack.Stream("/Type /XObject /Subtype /Form /BBox [0 0 340 50] /Resources <</Font <</F1 3 0 R>>>>", "1 g 0 0 340 50 re f 0 g BT /F1 18 Tf ("+text+") Tj ET")
}

// Evil annotations: what a certification of level 3 permits, and what it does
// not. A signer here has seen the whole document: nothing that draws may come.
func TestEvilAnnotation(t *testing.T) {
	for _, p := range []string{"/P 1", "/P 2", "/P 3", ""} {
		t.Run(p, func(t *testing.T) {
			inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
				certified := k.Certify(k.Base(), p, attack.Signing{})
				got, reason := verdict(k, certified)
				require.Equal(t, totalPassed, got, reason)
				page, spare := k.Object(certified, attack.Page1), attack.Next(certified)+50
				var all []attempt
				for kind, entries := range map[string]string{
					"FreeText": "/DA (/Helv 12 Tf) /Contents (Pay)", "Stamp": "/Name /Approved", "Redact": "", "Square": "/IC [1 1 1]",
					"Link": "/A <</S /URI /URI (https://evil.invalid)>>", "Text": "/Contents (Pay)", "Popup": "", "Highlight": "/QuadPoints [0 0 1 0 0 1 1 1]",
				} {
					u := attack.Update{Objects: map[int]string{
						attack.Page1: k.Replace(page, "/Annots [", fmt.Sprintf("/Annots [%d 0 R ", spare)),
						spare:        fmt.Sprintf("<</Type /Annot /Subtype /%s /Rect %s /AP <</N %d 0 R>> %s>>", kind, over, spare+1, entries),
						spare + 1:    form("Pay ten times as much"),
					}}
					all = append(all, everyWay(k, certified, kind, u, failedFormat, "")...)
				}
				resist(t, k, all)
			})
		})
	}
}

// Sneaky signatures: the field of a further signature is drawn over the text.
func TestSneakySignature(t *testing.T) {
	for _, p := range []string{"/P 1", "/P 2", "/P 3", "none"} {
		t.Run(p, func(t *testing.T) {
			inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
				first := k.Sign(k.Base(), attack.Signing{})
				want, why := unconstrained, "page 1"
				if p != "none" {
					first = k.Certify(k.Base(), p, attack.Signing{})
				}
				if p == "/P 1" {
					want, why = failedFormat, "no further"
				}
				key := k.World.Issue(t, pdftest.P256(t), "Counterparty", nil)
				spare := attack.Next(first) + 50
				look := map[int]string{spare: form("Pay ten times as much")}
				appearance := fmt.Sprintf("/AP <</N %d 0 R>>", spare)
				sign := func(s attack.Signing) []byte { s.By = key; return k.Sign(first, s) }
				visible := attack.Signing{Rect: over, Widget: appearance, Objects: look}
				invisible := attack.Signing{}
				stamped := visible
				stamped.Stamp = true
				hiddenOnes := visible
				hiddenOnes.Widget += " /F 2"
				border := attack.Signing{Rect: over, Widget: "/MK <</BC [0] /BG [1]>>"}
				other := visible
				other.Objects = map[int]string{spare: form("x"), attack.Text1: form("Pay")}
				old := attack.Signing{Rect: over, Widget: "/AP <</N 6 0 R>>"}
				action := attack.Signing{Widget: "/A <</S /JavaScript /JS (x)>>"}
				kids := attack.Signing{Widget: "/Kids [5 0 R]"}
				text := attack.Signing{Widget: "/DA (x) /DV (Pay)"}
				moved := attack.Signing{Page: attack.Page2, PageText: func(s string) string { return attack.With(s, "/Tabs /S") }}
				honest := totalPassed
				if p == "/P 1" {
					honest = failedFormat
				}
				all := []attempt{
					{"invisible", sign(invisible), honest, ""},
					{"drawn over the text", sign(visible), want, why},
					{"drawn over the text, then signed", k.Sign(sign(visible), attack.Signing{}), want, why},
					{"a timestamp drawn over the text", sign(stamped), unconstrained, ""},
					{"two flags", sign(hiddenOnes), "pdf_ambiguous or pdf_damaged or " + failedFormat, ""},
					{"drawn by its characteristics", sign(border), want + " or " + failedFormat, ""},
					{"with another page's text", sign(other), failedFormat, ""},
					{"drawn by what was there", sign(old), want + " or " + failedFormat, ""},
					{"with an action", sign(action), failedFormat, ""},
					{"with kids", sign(kids), failedFormat + " or " + noSignature, ""},
					{"a changed page", sign(moved), failedFormat, ""},
					{"a default value", sign(text), failedFormat + " or " + honest, ""},
				}
				// A field without a signature draws as well.
				page, spare2 := k.Object(first, attack.Page1), attack.Next(first)+70
				n := k.Ref(k.Object(first, attack.Catalog), "AcroForm")
				empty := attack.Update{Objects: map[int]string{
					spare:        form("Pay"),
					spare2:       fmt.Sprintf("<</Type /Annot /Subtype /Widget /FT /Sig /T (empty) /Rect %s %s>>", over, appearance),
					attack.Page1: k.Replace(page, "/Annots [", fmt.Sprintf("/Annots [%d 0 R ", spare2)),
					n:            k.Replace(k.Object(first, n), "/Fields [", fmt.Sprintf("/Fields [%d 0 R ", spare2)),
				}}
				resist(t, k, append(all, everyWay(k, first, "an empty field", empty, failedFormat, "")...))
			})
		})
	}
}

// What a certification or a lock permits and forbids.
func TestPermissions(t *testing.T) {
	lock := func(s string) attack.Signing {
		return attack.Signing{Widget: "/Lock <</Type /SigFieldLock " + s + ">>"}
	}
	field := func(s string) attack.Signing {
		return attack.Signing{Value: "/Reference [<</Type /SigRef /TransformMethod /FieldMDP /TransformParams <</Type /TransformParams /V /1.2 " + s + ">>>>]"}
	}
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		more := func(b []byte) []byte { return k.Sign(b, attack.Signing{Name: "mine"}) }
		certify := func(p string) []byte { return k.Certify(k.Base(), p, attack.Signing{}) }
		sign := func(s attack.Signing) []byte { return k.Sign(k.Base(), s) }
		stamp := func(b []byte) []byte { return k.Sign(b, attack.Signing{Stamp: true}) }
		store := func(b []byte) []byte { return k.Keep(b, attack.Store{Certs: [][]byte{k.World.Root.Cert.Raw}}) }
		noPerms := func(s string) string {
			i, j := len(s), len(s)
			if m := k.Ref(s, "DocMDP"); m > 0 {
				text := fmt.Sprintf(" /Perms <</DocMDP %d 0 R>>", m)
				return k.Replace(s, text, "")
			}
			return s[:i] + s[j:]
		}
		p1, p2 := certify("/P 1"), certify("/P 2")
		resist(t, k, []attempt{
			{"P1, validation data", store(p1), totalPassed, ""},
			{"P1, a timestamp", stamp(p1), totalPassed, ""},
			{"P1, both", stamp(store(p1)), totalPassed, ""},
			{"P1, a signature", more(p1), failedFormat, "no further"},
			{"P1, a timestamp and a signature", more(stamp(p1)), failedFormat, "no further"},
			{"P2, a signature", more(p2), totalPassed, ""},
			{"P2, all", stamp(store(more(p2))), totalPassed, ""},
			{"no P", more(certify("")), totalPassed, ""}, // 2 is the default (table 257)
			{"P0", more(certify("/P 0")), failedFormat, ""},
			{"P4", more(certify("/P 4")), failedFormat, ""},
			{"P is text", more(certify("/P (2)")), failedFormat, ""},
			{"P elsewhere", more(k.Certify(k.Base(), "/P 90 0 R", attack.Signing{Objects: map[int]string{90: "1"}})), failedFormat, ""},
			{"certified second", k.Certify(k.Sealed(), "/P 1", attack.Signing{}), failedFormat, ""},
			{"certified twice", k.Certify(p2, "/P 2", attack.Signing{Catalog: noPerms}), failedFormat, ""},
			{"certification dropped", k.Sign(p1, attack.Signing{Catalog: noPerms}), failedFormat, ""},
			{"usage rights", k.Sign(p2, attack.Signing{Catalog: func(s string) string { return k.Replace(s, "/Perms <<", "/Perms <</UR3 3 0 R ") }}), failedFormat, ""},
			{"certified, and not named", k.Certify(k.Base(), "/P 2", attack.Signing{Catalog: noPerms}), failedFormat, ""},
			{"lock all", more(sign(lock("/Action /All"))), failedFormat, "locked"},
			{"lock all, timestamp", stamp(sign(lock("/Action /All"))), totalPassed, ""},
			{"lock mine", more(sign(lock("/Action /Include /Fields [(mine)]"))), failedFormat, "locked"},
			{"lock others", more(sign(lock("/Action /Include /Fields [(other)]"))), totalPassed, ""},
			{"lock all but mine", more(sign(lock("/Action /Exclude /Fields [(mine)]"))), totalPassed, ""},
			{"lock all but others", more(sign(lock("/Action /Exclude /Fields [(other)]"))), failedFormat, "locked"},
			{"lock without action", more(sign(lock("/Fields [(other)]"))), failedFormat, "locked"},
			{"lock P1", more(sign(lock("/Action /Include /Fields [(other)] /P 1"))), failedFormat, ""},
			{"field rule for all", more(sign(field("/Action /All"))), failedFormat, "locked"},
			{"field rule for mine", more(sign(field("/Action /Include /Fields [(mine)]"))), failedFormat, "locked"},
			{"field rule for others", more(sign(field("/Action /Include /Fields [(other)]"))), totalPassed, ""},
			{"an unknown transform", more(sign(attack.Signing{Value: "/Reference [<</TransformMethod /Identity>>]"})), failedFormat, ""},
		})
	})
}
