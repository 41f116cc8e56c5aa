package pdf_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf/internal/attack"
)

// wrapped moves the second part of what our seal covers to the end and puts a
// section of the attacker's where the old startxref, which is signed, points:
// all signed bytes are there, in order, and a reader sees another document.
func wrapped(t *testing.T, k *attack.Kit, redefine bool) []byte {
	sealed := k.Sealed()
	hole := bytes.Index(sealed, []byte("/Contents <")) + len("/Contents ")
	end := hole + bytes.IndexByte(sealed[hole:], '>') + 1
	start, num := attack.StartXRef(sealed), k.Signature(sealed)
	objects := map[int]string{attack.Text1: attack.Stream("", "BT /F1 18 Tf 72 700 Td (Pay ten times as much) Tj ET")}
	const blank = "                                                   "
	if redefine {
		body := k.Object(sealed, num)
		i, j := strings.Index(body, "/ByteRange"), strings.Index(body, "/Contents")
		objects[num] = body[:i] + "/ByteRange [0 @" + blank + "]" + body[j:]
	}
	// Up to where the signed startxref points: filling. There the attacker's own
	// section, then the objects, then the second part of what is signed.
	front := append(bytes.Clone(sealed[:end]), bytes.Repeat([]byte("\n"), start-end)...)
	const sectionRoom, room = 4 << 10, 64 << 10
	var behind []byte
	places := map[int]int{}
	for _, n := range slices.Sorted(maps.Keys(objects)) {
		places[n] = start + sectionRoom + len(behind)
		behind = fmt.Appendf(behind, "%d 0 obj\n%s\nendobj\n", n, objects[n])
	}
	moved := start + room - end
	place := func(n int) int { return bytes.LastIndex(sealed, fmt.Appendf(nil, "\n%d 0 obj", n)) + 1 }
	for _, n := range []int{k.Widget(sealed), k.Ref(k.Object(sealed, attack.Catalog), "AcroForm")} {
		require.Greater(t, place(n), end)
		places[n] = place(n) + moved
	}
	for _, n := range []int{attack.Catalog, attack.Page1, num} {
		if _, redefined := places[n]; !redefined {
			require.Less(t, place(n), end)
			places[n] = place(n)
		}
	}
	out := attack.Update{
		Places: places, Form: k.Form, Root: "1 0 R", Info: "4 0 R", Prev: attack.StartXRef(k.Base()), Size: attack.Next(sealed) + 2, NoStart: true,
		Own: attack.Next(sealed) + 1,
	}.On(front)
	fill := func(to int) {
		require.Less(t, len(out), to)
		out = append(out, bytes.Repeat([]byte("\n"), to-len(out))...)
	}
	fill(start + sectionRoom)
	out = append(out, behind...)
	fill(start + room)
	out = append(out, sealed[end:]...)
	text := fmt.Sprintf("[0 %d %d %d]", hole, start+room, len(sealed)-end)
	return bytes.Replace(out, []byte("[0 @"+blank+"]"), fmt.Appendf(nil, "%-*s", len(blank)+5, text), 1)
}

// Signature wrapping: what is signed is moved aside, or the gap is wider than
// the signature and holds something else.
func TestSignatureWrapping(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		key := k.World.Issue(t, k.World.Seal.Key, "Counterparty", nil)
		evil := "\n6 0 obj\n" + attack.Stream("", "BT (Pay) Tj ET") + "\nendobj\n"
		gap := func(s string) []byte { return k.Sign(k.Base(), attack.Signing{By: key, Gap: s}) }
		sealed := k.Sealed()
		num, signature := k.Signature(sealed), k.Object(sealed, k.Signature(sealed))
		said := signature[strings.Index(signature, "[0") : strings.Index(signature, "]")+1]
		var hole, end, rest int
		_, err := fmt.Sscanf(said, "[0 %d %d %d", &hole, &end, &rest)
		require.NoError(t, err)
		ranged := func(a, b, c, d int) []byte {
			return k.Edit(sealed, said, fmt.Sprintf("[%d %d %d %d]", a, b, c, d))
		}
		all := []attempt{
			{"moved aside", wrapped(t, k, true), failedFormat, "the gap"},
			{"moved aside, range as it was", wrapped(t, k, false), "pdf_damaged", "dictionary"},
			{"a wide gap of nothing", gap("   "), failedFormat, "what it covers"},
			{"a wide gap with an object", gap(evil), failedFormat + " or pdf_damaged", ""},
			{"a wide gap with a comment", gap("%" + strings.Repeat("x", 40) + "\n"), failedFormat, "what it covers"},
			{"a wide gap with a name", gap("/Evil (x)"), failedFormat, "what it covers"},
			{"a second string in the gap", gap("/Contents <00>"), "pdf_ambiguous", "same key twice"},
			{"gap without delimiters", ranged(0, hole+1, end-1, rest+1), failedFormat, "what it covers"},
			{"gap narrower at its end", ranged(0, hole, end-1, rest+1), failedFormat, "what it covers"},
			{"gap wider at its end", ranged(0, hole, end+1, rest-1), failedFormat, "what it covers"},
			{"gap wider at its start", ranged(0, hole-10, end, rest), failedFormat, "what it covers"},
			{"no gap", ranged(0, hole, hole, rest), failedFormat, "what it covers"},
			{"ranges overlap", ranged(0, end, hole, rest), failedFormat, "what it covers"},
			{"second range is empty", ranged(0, hole, end, 0), failedFormat, "what it covers"},
			{"second range ends early", ranged(0, hole, end, rest-20), failedFormat, ""},
			{"second range ends in its trailer", ranged(0, hole, end, rest/2), failedFormat, ""},
			{"second range leaves the file", ranged(0, hole, end, rest+1), failedFormat, "what it covers"},
			{"first range is empty", ranged(0, 0, end, rest), failedFormat, "what it covers"},
			{"gap around another string", func() []byte {
				name := strings.Index(string(sealed[end:]), "/Reason (") + end + len("/Reason ")
				return ranged(0, name, name+len("(Sealed)"), len(sealed)-name-len("(Sealed)"))
			}(), failedFormat, "what it covers"},
			{"white space in the signature", k.Edit(sealed, "0000000>", "000 000>"), failedFormat, "what it covers"},
			{"garbage in the signature", k.Edit(sealed, "0000000>", "000zz00>"), failedFormat + " or pdf_damaged", ""},
			{"the signature ends early", k.Edit(sealed, "000000000>", "00>/A<000>"), failedFormat, ""},
			{"bytes behind the DER", k.Edit(sealed, "0000000>", "0000ab0>"), failedFormat, ""},
		}
		for name, value := range map[string]string{
			"as an indirect range": fmt.Sprintf("%d 0 R", attack.Next(sealed)+9),
			"as another range":     fmt.Sprintf("[0 %d %d %d]", hole, end, rest-9),
		} {
			u := attack.Update{Objects: map[int]string{
				num:                     k.Replace(signature, said, value),
				attack.Next(sealed) + 9: said,
			}}
			all = append(all, attempt{"the range again " + name, u.On(sealed), failedFormat, ""})
		}
		resist(t, k, all)
	})
}
