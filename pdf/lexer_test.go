package pdf_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
)

func TestObjectsAreReadAsWritten(t *testing.T) {
	for in, want := range map[string]string{
		"null": "null", "true": "true", "false%c": "false",
		"0": "0", "+5": "5", "-7": "-7", "00012": "12", "-0": "0", "2147483648": "2147483648",
		"4.": "4.", "-.5": "-.5", "+0.10": "+0.10", "123456789012345678": "123456789012345678",
		"1234567890123456789": "1234567890123456789", "-1234567890123456789": "-1234567890123456789",
		"1 0 R": "1 0 R", "1 0 R/": "1 0 R", "[1 0 R]": "[1 0 R]", "[1 0 2 R]": "[1 0 2 R]", "[1 0]": "[1 0]",
		"[1 0 R 2 0 R]": "[1 0 R 2 0 R]", "[1 00 R]": "[1 0 R]", "[1%c\n0%c\nR]": "[1 0 R]", "[1 65536 R]": "!", "[-1 0]": "[-1 0]",
		"[1 0 5]": "[1 0 5]", "[0 0 595.28 841.89]": "[0 0 595.28 841.89]", "[1 -2]": "[1 -2]", "[1 .5]": "[1 .5]", "[1(a)]": "[1 (a)]",
		"/A": "/A", "/": "/", "/A#20B": "/A#20B", "/#41": "/A", "/A#4": "/A#234", "/A#zz": "/A#23zz", "/A#00": "!",
		"(a(b)c)": `(a\(b\)c)`, `(\101\0612)`: "(A12)", `(\8)`: "(8)", "(a\\\nb)": "(ab)", "(a\\\r\nb)": "(ab)", "(a\rb)": "<610A62>", "(a\r\nb)": "<610A62>",
		`(\n\r\t\b\f)`: "<0A0D09080C>", `(\))`: `(\))`, "()": "()", "<>": "()", "<4>": "(@)", "<41 4\n2>": "(AB)", "(\x00)": "<00>",
		"<</A 1/B[]>>": "<</A 1\n/B []\n>>", "<<>>": "<<>>", "<</A null>>": "<</A null\n>>", "<</A<</B 2>>>>": "<</A <</B 2\n>>\n>>",

		"": "!", "nul": "!", "nulls": "!", "truefalse": "!", ")": "!", "]": "!", ">>": "!", ">": "!", "{": "!", "--5": "!", "1.2.3": "!", "1e5": "!", ".": "!", "-": "!", "+": "!",
		"[": "!", "(": "!", "<4": "!", "<g>": "!", "<<": "!", "<</A": "!", "<</A>>": "!", "<<1 2>>": "!", "<</A 1 /A 2>>": "!", "<</A 1 /#41 2>>": "!", "<</A 1>": "!",
		strings.Repeat("9", 70): "!", strings.Repeat("[", 200): "!",
	} {
		t.Run(in[:min(len(in), 20)], func(t *testing.T) {
			got, err := pdf.Print([]byte(in))
			if want == "!" {
				require.Error(t, err, got)
				_, ok := fault.As(err)
				require.True(t, ok)
				return
			}
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// FuzzGrammar: what only looks at objects and what builds them understand the same
// language; a check would otherwise not see what the rest of the package sees.
func FuzzGrammar(f *testing.F) {
	for _, s := range []string{
		"<</A [1 0 R (x) <41> /B#20 -1.5 true null] /C <</D 1 /D 2>>>>", "[1 0 R 2 65535 R 3]", "<</A 1/A 2>>", "(\\101\\\n(x))", "%c\n[", "<</JS 1>>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		builtEnd, passedEnd, telling, built, passed := pdf.Grammar(b)
		switch {
		case built == nil:
			require.NoError(t, passed)
			require.Equal(t, builtEnd, passedEnd)
		case passed == nil: // only what needs building to be found out
			require.True(t, telling, "%v", built)
			require.Equal(t, pdf.CodeAmbiguous, fault.CodeOf(built))
		default:
			_, ok := fault.As(passed)
			require.True(t, ok)
		}
		if s, err := pdf.Print(b); err == nil {
			again, err := pdf.Print([]byte(s))
			require.NoError(t, err, s)
			require.Equal(t, s, again)
		}
	})
}
