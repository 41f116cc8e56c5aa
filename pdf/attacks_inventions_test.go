package pdf_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf/internal/attack"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// Further ideas of a counterparty who has a valid key: entries that look like
// part of a signature, and are more.
func TestFieldTricks(t *testing.T) {
	inBothForms(t, map[int]string{
		attack.Catalog: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /AcroForm <</Fields [30 0 R 31 0 R]>>>>",
		attack.Page2:   "<</Type /Page /Parent 2 0 R /Contents 8 0 R /Annots [30 0 R 31 0 R]>>",
		30:             "<</Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (100) /Rect [10 10 90 30] /P 7 0 R /F 4>>",
		31:             "<</Type /Annot /Subtype /Widget /FT /Sig /T (prepared) /Rect [0 0 595 842] /P 7 0 R /F 4>>",
	}, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		key := k.World.Issue(t, pdftest.P256(t), "Counterparty", nil)
		spare := attack.Next(sealed) + 50
		sign := func(s attack.Signing) []byte { s.By = key; return k.Sign(sealed, s) }
		catalog := func(entries string) attack.Signing {
			return attack.Signing{Catalog: func(s string) string { return attack.With(s, entries) }}
		}
		look := map[int]string{spare: form("Pay ten times as much")}
		appearance := fmt.Sprintf("/AP <</N %d 0 R>>", spare)
		text := k.Object(sealed, 30)
		resist(t, k, []attempt{
			{"honest", sign(attack.Signing{}), totalPassed, ""},
			{"honest, on another page", sign(attack.Signing{Page: attack.Page2}), totalPassed, ""},
			{"a prepared field, filled", sign(attack.Signing{Field: 31}), totalPassed + " or " + unconstrained, ""},
			{"a prepared field, drawn", sign(attack.Signing{Field: 31, Widget: appearance, Objects: look}), unconstrained, "page 2"},
			{"a prepared field, moved", sign(attack.Signing{Field: 31, Widget: "/Rect [9 9 99 99]"}), failedFormat + " or pdf_ambiguous", ""},
			{"a prepared field, with an action", sign(attack.Signing{Field: 31, Widget: "/AA <</E <</S /JavaScript /JS (x)>>>>"}), failedFormat, ""},
			{"a text field, signed", sign(attack.Signing{Field: 30}), failedFormat + " or pdf_ambiguous", ""},
			{"a field by the name of the seal", sign(attack.Signing{Name: "Signature2"}), failedFormat + " or " + totalPassed, ""},
			{"a field below a text field", sign(attack.Signing{Name: "x", Widget: "/Parent 30 0 R", Unlisted: true, Objects: map[int]string{
				30: attack.With(text, fmt.Sprintf("/Kids [%d 0 R]", attack.Next(sealed)+1)),
			}}), failedFormat, ""},
			{"a field on no page", sign(attack.Signing{NoWidget: true}), totalPassed, ""},
			{"a field in no form", sign(attack.Signing{Unlisted: true}), failedFormat, ""},
			{"a field twice on its page", sign(attack.Signing{PageText: func(s string) string {
				return k.Replace(s, "/Annots [", fmt.Sprintf("/Annots [%d 0 R ", attack.Next(sealed)+1))
			}}), failedFormat + " or " + totalPassed, ""},
			{"an open form", sign(catalog("/NeedsRendering true")), failedFormat, ""},
			{"a lower version", sign(catalog("/Version /1.0")), failedFormat, ""},
			{"a version that is none", sign(catalog("/Version /Pay")), failedFormat, ""},
			{"a higher version", sign(catalog("/Version /2.0")), totalPassed, ""},
			{"an extension of somebody's", sign(catalog("/Extensions <</EVIL <</BaseVersion /1.7 /ExtensionLevel 1>>>>")), failedFormat + " or " + totalPassed, ""},
			{"an extension that is text", sign(catalog("/Extensions 6 0 R")), failedFormat, ""},
			{"a portfolio", sign(catalog("/Collection <<>>")), failedFormat, ""},
			{"viewer preferences", sign(catalog("/ViewerPreferences <</HideToolbar true>>")), failedFormat, ""},
			{"page labels", sign(catalog("/PageLabels <</Nums [0 <</P (Z)>>]>>")), failedFormat, ""},
			{"requirements", sign(catalog("/Requirements []")), failedFormat, ""},
			{"metadata", sign(attack.Signing{
				Catalog: func(s string) string { return attack.With(s, fmt.Sprintf("/Metadata %d 0 R", spare)) },
				Objects: map[int]string{spare: attack.Stream("/Type /Metadata /Subtype /XML", "<x/>")},
			}), totalPassed, ""},
			{"metadata in another file", sign(attack.Signing{
				Catalog: func(s string) string { return attack.With(s, fmt.Sprintf("/Metadata %d 0 R", spare)) },
				Objects: map[int]string{spare: attack.Stream("/Type /Metadata /Subtype /XML /F (/etc/passwd)", "<x/>")},
			}), failedFormat, ""},
			{"a title", sign(attack.Signing{Objects: map[int]string{attack.Info: "<</Producer (pdftest) /CreationDate (D:20260101000000Z) /Title (Pay)>>"}}), failedFormat, ""},
			{"a date", sign(attack.Signing{Objects: map[int]string{attack.Info: "<</Producer (Other) /CreationDate (D:20260101000000Z) /ModDate (D:20261122120000Z)>>"}}), totalPassed, ""},
		})
	})
}

// An operator who lets later signatures draw lets them draw on empty paper only.
func TestVisibleSignaturesWhereNothingIs(t *testing.T) {
	inBothForms(t, map[int]string{
		attack.Page2: "<</Type /Page /Parent 2 0 R /Contents 8 0 R /Annots [30 0 R]>>",
		30:           "<</Type /Annot /Subtype /Link /Rect [100 100 200 200] /Border [0 0 1]>>",
	}, func(t *testing.T, k *attack.Kit) {
		sealed := k.Sealed()
		spare := attack.Next(sealed) + 50
		by := trust(k.World)
		by.VisibleSignatures = true
		for rect, want := range map[string]string{
			"[300 300 400 350]": totalPassed,
			"[150 150 400 350]": unconstrained,
			"[400 350 150 150]": unconstrained, // the same, from the other corner
			"[120 120 130 130]": unconstrained,
			"[0 0 595 842]":     unconstrained,
			"[0 0 1e9 1e9]":     unconstrained + " or " + failedFormat + " or pdf_damaged",
			"[150 (x) 400 350]": failedFormat,
			"[150 150 400]":     failedFormat,
		} {
			file := k.Sign(sealed, attack.Signing{
				Page: attack.Page2, Rect: rect, Widget: fmt.Sprintf("/AP <</N %d 0 R>>", spare), Objects: map[int]string{spare: form("Signed")},
			})
			got, reason := verdictBy(file, by)
			require.Contains(t, strings.Split(want, " or "), got, "%s: %s", rect, reason)
			got, reason = verdict(k, file)
			require.NotEqual(t, totalPassed, got, "%s: %s", rect, reason)
		}
	})
}

// Honest writers pack what is no stream into object streams.
func TestPackedSignaturesPass(t *testing.T) {
	k := attack.New(t, "stream", nil)
	sealed := k.Sealed()
	widget := attack.Next(sealed) + 1
	page := attack.Update{Packed: []int{widget, attack.Page1}}
	got, reason := verdict(k, k.Sign(sealed, attack.Signing{Update: page}))
	require.Equal(t, totalPassed, got, reason)
	value := attack.Update{Packed: []int{attack.Next(sealed)}}
	got, reason = verdict(k, k.Sign(sealed, attack.Signing{Update: value}))
	require.NotEqual(t, totalPassed, got, "a signature inside an object stream covers nothing that can be told: %s", reason)
}

// Work is bounded whatever the number of revisions.
func TestManyRevisions(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		b := k.Sealed()
		for range 40 {
			b = k.Sign(b, attack.Signing{})
		}
		begin := time.Now()
		got, reason := verdict(k, b)
		require.Equal(t, totalPassed, got, reason)
		for range 200 {
			b = attack.Update{}.On(b)
		}
		_, _ = verdict(k, b)
		require.Less(t, time.Since(begin), time.Minute, "a second or two on a machine that does nothing else")
	})
}
