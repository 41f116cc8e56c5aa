package pdf_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// refusals are the odd files that are refused, with the code. The others are taken.
var refusals = map[string]string{
	"startxref too far": pdf.CodeDamaged, "startxref beyond": pdf.CodeTruncated, "older startxref behind": pdf.CodeDamaged,
	"white space of all kinds": pdf.CodeDamaged, "xref counts too many": pdf.CodeDamaged, "xref counts too few": pdf.CodeDamaged,
	"xref starts at 1": pdf.CodeDamaged, "offset off by two": pdf.CodeDamaged, "Size too small": pdf.CodeAmbiguous,
	"no Size": pdf.CodeDamaged, "Size indirect": pdf.CodeDamaged, "direct Root": pdf.CodeDamaged, "endobj missing": pdf.CodeDamaged,
	"endobj glued": pdf.CodeDamaged, "object of two values": pdf.CodeDamaged, "Length too short": pdf.CodeDamaged,
	"Length too long": pdf.CodeDamaged, "Length missing": pdf.CodeDamaged, "Length dangling": pdf.CodeDamaged,
	"comment before endstream": pdf.CodeDamaged, "blank after stream": pdf.CodeDamaged, "odder numbers": pdf.CodeDamaged,
	"number of two points": pdf.CodeDamaged, "number with an exponent": pdf.CodeDamaged, "name with zero": pdf.CodeDamaged,
	"same key twice": pdf.CodeAmbiguous, "same key, spelt otherwise": pdf.CodeAmbiguous, "dangling to a number beyond": pdf.CodeAmbiguous,
	"unknown word": pdf.CodeDamaged, "page without Type": pdf.CodeDamaged, "pages without Type": pdf.CodeDamaged,
	"page with a wrong Type": pdf.CodeDamaged, "Count too large": string(pdf.RulePageCount), "Count missing": string(pdf.RulePageCount),
	"direct kid": pdf.CodeDamaged, "null kid": pdf.CodeDamaged, "page twice": pdf.CodeLoop, "no pages": pdf.CodeDamaged,
	"same object twice in xref, elsewhere": pdf.CodeAmbiguous,
}

// stricter says why a file is refused in which qpdf finds no fault.
var stricter = map[string]string{
	"dangling to a number beyond":          "the next revision, ours, would define it",
	"same object twice in xref, elsewhere": "readers differ in which of the two they take",
	"comment before endstream":             "a reader that looks for endstream sees a longer stream",
	"white space of all kinds":             "a vertical tab is a regular character (ISO 32000-2 7.2.3)",
	"direct Root":                          "7.5.5 wants a reference, and an update could not replace it",
	"no pages":                             "there is nothing to sign",
	"Count missing":                        "readers that believe it show other pages than readers that count; a policy can let it pass",
	"Count too large":                      "as above",
}

// milder says why a file is taken of which qpdf warns.
var milder = map[string]string{
	"odd names":                        "a # that is followed by something else stands for itself, as it did before PDF 1.2",
	"CR line ends":                     "as CR after stream",
	"CR after stream":                  "the stream's length leaves one reading only",
	"xref with short numbers":          "it can be read in one way only",
	"startxref at the line end before": "some writers point there",
	"odd numbers":                      "no reader needs the integer of 22 digits",
	"Size too large":                   "table 15 asks for it, and many writers count otherwise",
	"dangling to a number within":      "as above",
}

func TestOddFiles(t *testing.T) {
	for name, file := range oddFiles() {
		t.Run(name, func(t *testing.T) {
			_, err := check(file)
			if code, refused := refusals[name]; refused {
				require.Equal(t, code, fault.CodeOf(err), "%v", err)
				return
			}
			require.NoError(t, err)
		})
	}
}

// What qpdf finds sound we take, and what it warns of we refuse, but for what the
// tables give a reason for.
func TestQPDFAgrees(t *testing.T) {
	path, err := exec.LookPath("qpdf")
	if err != nil {
		t.Skip("qpdf is not installed")
	}
	folder := t.TempDir()
	for name, file := range oddFiles() {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".pdf")
			require.NoError(t, os.WriteFile(at, file, 0o600))
			out, err := exec.Command(path, "--check", at).CombinedOutput()
			sound, taken := err == nil, refusals[name] == ""
			switch {
			case sound && !taken:
				require.Contains(t, stricter, name, "qpdf has nothing against it")
			case !sound && taken:
				require.Contains(t, milder, name, "qpdf: %s", out)
			default:
				require.NotContains(t, stricter, name)
				require.NotContains(t, milder, name)
			}
		})
	}
}

// raw writes objects and a table by hand, so that each part can be odd.
type raw struct {
	header string
	eol    string
	bodies []string // of objects 1 and up, from "1 0 obj" to "endobj"
	// entry writes one entry of the table; opening what comes before the first.
	entry   func(off int, kind byte) string
	opening string
	trailer string
	closing string // after "startxref"; %d is the position
	shift   int    // added to the position
}

func plain() raw {
	return raw{
		header: "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", eol: "\n",
		bodies: []string{
			"1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n",
			"2 0 obj\n<</Type /Pages /Kids [3 0 R] /Count 1>>\nendobj\n",
			"3 0 obj\n<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <<>> /Contents 4 0 R>>\nendobj\n",
			"4 0 obj\n<</Length 6>>\nstream\nq Q q \nendstream\nendobj\n",
		},
		entry: func(off int, kind byte) string {
			if kind == 'f' {
				return "0000000000 65535 f \n"
			}
			return fmt.Sprintf("%010d 00000 n \n", off)
		},
		opening: "xref\n0 5\n", trailer: "<</Size 5 /Root 1 0 R>>", closing: "%d\n%%%%EOF\n",
	}
}

func (r raw) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(r.header)
	var at []int
	for _, o := range r.bodies {
		lead := len(o) - len(strings.TrimLeft(o, "\n\r% "))
		at = append(at, b.Len()+lead)
		b.WriteString(o)
	}
	table := b.Len()
	b.WriteString(r.opening)
	if strings.HasPrefix(r.opening, "xref") {
		b.WriteString(r.entry(0, 'f'))
	}
	for _, off := range at {
		b.WriteString(r.entry(off, 'n'))
	}
	fmt.Fprintf(&b, "trailer"+r.eol+r.trailer+r.eol+"startxref"+r.eol+r.closing, table+r.shift)
	return b.Bytes()
}

func with4(body string) []byte {
	r := plain()
	r.bodies[3] = body
	return r.bytes()
}

func handmade(change func(*raw)) []byte {
	r := plain()
	change(&r)
	return r.bytes()
}

// spelt changes text in a sound file without moving anything that follows it.
func spelt(from, to string) []byte {
	to += strings.Repeat(" ", max(0, len(from)-len(to)))
	return bytes.Replace(plain().bytes(), []byte(from), []byte(to), 1)
}

func body(num int, text string) func(*raw) {
	return func(r *raw) { r.bodies[num-1] = fmt.Sprintf("%d 0 obj\n%s\nendobj\n", num, text) }
}

// oddFiles are by name what they are odd in.
func oddFiles() map[string][]byte {
	page := func(more string) []byte {
		return handmade(body(3, "<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <<>> /Contents 4 0 R "+more+">>"))
	}
	files := map[string][]byte{
		"plain":            plain().bytes(),
		"PDF 2.0":          spelt("%PDF-1.7", "%PDF-2.0"),
		"PDF 1.0":          spelt("%PDF-1.7", "%PDF-1.0"),
		"no comment":       handmade(func(r *raw) { r.header = "%PDF-1.7\n" }),
		"header with more": handmade(func(r *raw) { r.header = "%PDF-1.7 made by hand\n" }),
		"header and CR":    handmade(func(r *raw) { r.header = "%PDF-1.7\r" }),

		"no newline at the end":            bytes.TrimRight(plain().bytes(), "\n"),
		"blanks at the end":                append(plain().bytes(), " \r\n\n\x00"...),
		"CRLF at the end":                  handmade(func(r *raw) { r.closing = "%d\r\n%%%%EOF\r\n" }),
		"startxref on one line":            handmade(func(r *raw) { r.closing = " %d %%%%EOF\n"; r.eol = " " }),
		"comment at startxref":             handmade(func(r *raw) { r.closing = "%% here it is\n%d\n%%%%EOF\n" }),
		"startxref at the line end before": handmade(func(r *raw) { r.shift = -1 }),
		"startxref too far":                handmade(func(r *raw) { r.shift = 3 }),
		"startxref beyond":                 handmade(func(r *raw) { r.shift = 9999 }),
		"two ends":                         handmade(func(r *raw) { r.closing = "%d\n%%%%EOF\n%%%%EOF\n" }),
		"older startxref behind":           append(plain().bytes(), "startxref\n0\n%%EOF\n"...),

		"CR line ends": bytes.ReplaceAll(handmade(func(r *raw) {
			r.header = "%PDF-1.7\n"
			r.bodies[3] = "4 0 obj\n<</Length 6>>\nstream\r\nq Q q \nendstream\nendobj\n"
		}), []byte("\n"), []byte("\r")),
		"CRLF line ends": handmade(func(r *raw) {
			for i, o := range r.bodies {
				r.bodies[i] = strings.ReplaceAll(o, "\n", "\r\n")
			}
			r.eol, r.opening = "\r\n", "xref\r\n0 5\r\n"
			was := r.entry
			r.entry = func(off int, kind byte) string { return strings.Replace(was(off, kind), " \n", "\r\n", 1) }
		}),
		"no line ends": handmade(func(r *raw) {
			r.bodies[0] = "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj "
			r.bodies[1] = "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
		}),
		"comments everywhere": handmade(func(r *raw) {
			r.bodies[0] = "1 %c\n0 %c\nobj %c\n<< %>>\n/Type %c\n/Catalog /Pages %c\n2 %c\n0 %c\nR>>%c\nendobj\n"
			r.bodies[1] = "2 0 obj % )\n<</Type /Pages /Kids [ % ]\n3 0 R] /Count 1>>\nendobj % end\n"
			r.trailer = "%%c\n<< %%c\n/Size 5 /Root 1 0 R>> %%c"
		}),
		"white space of all kinds": handmade(body(2, "<<\x00/Type\t/Pages\f/Kids\r[3\x000 R]\v/Count 1>>")),
		"form feeds":               handmade(body(2, "<<\x00/Type\t/Pages\f/Kids\r[3\x000\fR]\t/Count 1>>")),

		"xref entries of 19 bytes": handmade(func(r *raw) {
			was := r.entry
			r.entry = func(off int, kind byte) string { return strings.Replace(was(off, kind), " \n", "\n", 1) }
		}),
		"xref entries of 21 bytes": handmade(func(r *raw) {
			was := r.entry
			r.entry = func(off int, kind byte) string { return strings.Replace(was(off, kind), " \n", " \r\n", 1) }
		}),
		"xref with short numbers": handmade(func(r *raw) {
			r.entry = func(off int, kind byte) string { return fmt.Sprintf("%d 0 %c \n", off, kind) }
		}),
		"xref and subsection on one line": handmade(func(r *raw) { r.opening = "xref 0 5\n" }),
		"xref and CRLF":                   handmade(func(r *raw) { r.opening = "xref\r\n0 5\r\n" }),
		"blank lines in xref":             handmade(func(r *raw) { r.opening = "xref\n\n0 5\n\n" }),
		"empty subsection":                handmade(func(r *raw) { r.opening = "xref\n0 0\n0 5\n" }),
		"xref starts at 1":                handmade(func(r *raw) { r.opening = "xref\n1 5\n"; r.trailer = "<</Size 6 /Root 1 0 R>>" }),
		"xref in pieces": handmade(func(r *raw) {
			n := 0
			was := r.entry
			r.opening = "xref\n0 1\n"
			r.entry = func(off int, kind byte) string {
				n++
				if n == 2 {
					return "1 4\n" + was(off, kind)
				}
				return was(off, kind)
			}
		}),
		"xref counts too many": handmade(func(r *raw) { r.opening = "xref\n0 6\n" }),
		"xref counts too few":  handmade(func(r *raw) { r.opening = "xref\n0 4\n" }),
		"same object twice in xref": handmade(func(r *raw) {
			n := 0
			was := r.entry
			r.entry = func(off int, kind byte) string {
				if n++; n == 5 {
					return was(off, kind) + "4 1\n" + was(off, kind)
				}
				return was(off, kind)
			}
		}),
		"same object twice in xref, elsewhere": handmade(func(r *raw) {
			n := 0
			was := r.entry
			r.entry = func(off int, kind byte) string {
				if n++; n == 5 {
					return was(off, kind) + "4 1\n" + was(off-1, kind)
				}
				return was(off, kind)
			}
		}),
		"offset at the space before": handmade(func(r *raw) {
			was := r.entry
			r.entry = func(off int, kind byte) string {
				if kind == 'n' {
					off--
				}
				return was(off, kind)
			}
		}),
		"offset off by two": handmade(func(r *raw) {
			was := r.entry
			r.entry = func(off int, kind byte) string {
				if kind == 'n' {
					off += 2
				}
				return was(off, kind)
			}
		}),
		"Prev 0":         handmade(func(r *raw) { r.trailer = "<</Size 5 /Root 1 0 R /Prev 0>>" }),
		"Prev null":      handmade(func(r *raw) { r.trailer = "<</Size 5 /Root 1 0 R /Prev null>>" }),
		"Size too small": handmade(func(r *raw) { r.trailer = "<</Size 4 /Root 1 0 R>>" }),
		"Size too large": handmade(func(r *raw) { r.trailer = "<</Size 9 /Root 1 0 R>>" }),
		"no Size":        handmade(func(r *raw) { r.trailer = "<</Root 1 0 R>>" }),
		"Size indirect":  handmade(func(r *raw) { r.trailer = "<</Size 5 0 R /Root 1 0 R>>" }),
		"direct Root":    handmade(func(r *raw) { r.trailer = "<</Size 5 /Root <</Type /Catalog /Pages 2 0 R>>>>" }),

		"generation above 0": handmade(func(r *raw) {
			r.bodies[3] = strings.Replace(r.bodies[3], "4 0 obj", "4 7 obj", 1)
			r.bodies[2] = strings.Replace(r.bodies[2], "4 0 R", "4 7 R", 1)
			n := 0
			was := r.entry
			r.entry = func(off int, kind byte) string {
				if n++; n == 5 {
					return strings.Replace(was(off, kind), "00000 n", "00007 n", 1)
				}
				return was(off, kind)
			}
		}),
		"reference of another generation": page("/Other 1 5 R"),
		"endobj missing":                  handmade(func(r *raw) { r.bodies[1] = strings.Replace(r.bodies[1], "endobj\n", "", 1) }),
		"endobj glued":                    with4("4 0 obj\n<</Length 6>>\nstream\nq Q q \nendstreamendobj\n"),
		"object of two values":            handmade(body(1, "<</Type /Catalog /Pages 2 0 R>> <<>>")),

		"Length behind": handmade(func(r *raw) {
			r.bodies[3] = "4 0 obj\n<</Length 5 0 R>>\nstream\nq Q q \nendstream\nendobj\n"
			r.bodies = append(r.bodies, "5 0 obj\n6\nendobj\n")
			r.opening, r.trailer = "xref\n0 6\n", "<</Size 6 /Root 1 0 R>>"
		}),
		"Length too short":         with4("4 0 obj\n<</Length 3>>\nstream\nq Q q \nendstream\nendobj\n"),
		"Length too long":          with4("4 0 obj\n<</Length 9>>\nstream\nq Q q \nendstream\nendobj\n"),
		"Length missing":           with4("4 0 obj\n<<>>\nstream\nq Q q \nendstream\nendobj\n"),
		"Length dangling":          with4("4 0 obj\n<</Length 4 1 R>>\nstream\nq Q q \nendstream\nendobj\n"),
		"Length by the line end":   with4("4 0 obj\n<</Length 7>>\nstream\nq Q q \nendstream\nendobj\n"),
		"Length short of blanks":   with4("4 0 obj\n<</Length 5>>\nstream\nq Q q \n\nendstream\nendobj\n"),
		"comment before endstream": with4("4 0 obj\n<</Length 2>>\nstream\nq %x q \nendstream\nendobj\n"),
		"endstream at once":        with4("4 0 obj\n<</Length 6>>\nstream\nq Q q endstream\nendobj\n"),
		"blank after stream":       with4("4 0 obj\n<</Length 6>>\nstream \nq Q q \nendstream\nendobj\n"),
		"CR after stream":          with4("4 0 obj\n<</Length 6>>\nstream\rq Q q \nendstream\nendobj\n"),
		"CRLF after stream":        with4("4 0 obj\n<</Length 6>>\nstream\r\nq Q q \r\nendstream\r\nendobj\n"),
		"empty stream":             with4("4 0 obj\n<</Length 0>>\nstream\nendstream\nendobj\n"),
		"stream of null filters":   with4("4 0 obj\n<</Length 6 /Filter [] /DecodeParms null>>\nstream\nq Q q \nendstream\nendobj\n"),

		"odd numbers":               page("/A [+5 -.5 4. 00012 -0 .5 1234567890123456789012 -0.0 +.1 2147483647 -2147483648]"),
		"odder numbers":             page("/A [--5]"),
		"number of two points":      page("/A [1.2.3]"),
		"number with an exponent":   page("/A [1e5]"),
		"odd strings":               page("/A [(a\\\nb) (\\101\\0612\\8\\q) (\\)\\() ((()) ()) <4> <> < 4 1\n42 > (\r\n)]"),
		"odd names":                 page("/A#20B /C#2fD / /E /F##41 /G#4 /H#zz true"),
		"name with zero":            page("/A#00B true"),
		"empty name":                page("/ true"),
		"null values":               page("/A null /B [null null]"),
		"same key twice":            page("/A 1 /A 2"),
		"same key, spelt otherwise": page("/A 1 /#41 2"),
		"glued tokens":              handmade(body(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents[4 0 R]/T(a)/N/X/B true>>")),
		"dangling reference":        page("/A 4 3 R"),
		"dangling to a number within": handmade(func(r *raw) {
			r.trailer = "<</Size 9 /Root 1 0 R /Info 7 0 R>>"
		}),
		"dangling to a number beyond": page("/A 99 0 R"),
		"unknown word":                page("/A nul"),

		"page without Type":      handmade(body(3, "<</Parent 2 0 R /MediaBox [0 0 595 842] /Resources <<>> /Contents 4 0 R>>")),
		"pages without Type":     handmade(body(2, "<</Kids [3 0 R] /Count 1>>")),
		"catalog without Type":   handmade(body(1, "<</Pages 2 0 R>>")),
		"page with a wrong Type": handmade(body(3, "<</Type /Pag /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <<>> /Contents 4 0 R>>")),
		"Count too large":        handmade(body(2, "<</Type /Pages /Kids [3 0 R] /Count 7>>")),
		"Count missing":          handmade(body(2, "<</Type /Pages /Kids [3 0 R]>>")),
		"Count indirect": handmade(func(r *raw) {
			body(2, "<</Type /Pages /Kids [3 0 R] /Count 5 0 R>>")(r)
			r.bodies = append(r.bodies, "5 0 obj\n1\nendobj\n")
			r.opening, r.trailer = "xref\n0 6\n", "<</Size 6 /Root 1 0 R>>"
		}),
		"direct kid": handmade(body(2, "<</Type /Pages /Kids [<</Type /Page /MediaBox [0 0 9 9]>>] /Count 1>>")),
		"null kid":   handmade(body(2, "<</Type /Pages /Kids [3 0 R null] /Count 1>>")),
		"page twice": handmade(body(2, "<</Type /Pages /Kids [3 0 R 3 0 R] /Count 2>>")),
		"no pages":   handmade(body(2, "<</Type /Pages /Kids [] /Count 0>>")),
		"Kids indirect": handmade(func(r *raw) {
			body(2, "<</Type /Pages /Kids 5 0 R /Count 1>>")(r)
			r.bodies = append(r.bodies, "5 0 obj\n[3 0 R]\nendobj\n")
			r.opening, r.trailer = "xref\n0 6\n", "<</Size 6 /Root 1 0 R>>"
		}),
		"box inherited": handmade(func(r *raw) {
			body(2, "<</Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] /Rotate 90 /Resources <<>>>>")(r)
			body(3, "<</Type /Page /Parent 2 0 R /Contents 4 0 R>>")(r)
		}),
		"no box":    handmade(body(3, "<</Type /Page /Parent 2 0 R /Contents 4 0 R>>")),
		"no parent": handmade(body(3, "<</Type /Page /MediaBox [0 0 595 842] /Resources <<>> /Contents 4 0 R>>")),
	}
	for form, b := range pdftest.Pages(3).Forms() {
		files["made as "+form] = b
	}
	return files
}
