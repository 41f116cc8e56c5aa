package pdf_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// dangerous are files by the rule that they meet.
func dangerous() map[string][]byte {
	catalog := func(more string, objects ...string) []byte {
		d := with(map[int]string{1: "<</Type /Catalog /Pages 2 0 R " + more + ">>"})
		for i, o := range objects {
			d.Objects[30+i] = o
		}
		return d.Table()
	}
	// On the page, by a reference or not; a page has number 5.
	page := func(more string, objects ...string) []byte {
		d := with(map[int]string{5: "<</Type /Page /Parent 2 0 R /Contents 6 0 R " + more + ">>"})
		for i, o := range objects {
			d.Objects[30+i] = o
		}
		return d.ObjStm()
	}
	annot := func(body string) []byte { return page("/Annots [30 0 R]", "<</Type /Annot /Rect [0 0 9 9] "+body+">>") }
	file := func(name, data string) []byte {
		return catalog("/Names <</EmbeddedFiles <</Names [(a) 30 0 R]>>>>", "<</Type /Filespec /F ("+name+") /UF ("+name+") /EF <</F 31 0 R>>>>",
			pdftest.Flate("/Type /EmbeddedFile", data))
	}
	return map[string][]byte{
		"pdf_javascript name":             catalog("/Names <</JavaScript <</Names []>>>>"),
		"pdf_javascript annotation":       annot("/Subtype /Link /A <</S /JavaScript /JS (x)>>"),
		"pdf_javascript spelt with #":     annot("/Subtype /Link /A <</S /Java#53cript /J#53 (x)>>"),
		"pdf_javascript after another":    annot("/Subtype /Link /A <</S /GoTo /D [5 0 R] /Next [<</S /Rendition /JS (x)>>]>>"),
		"pdf_javascript unreferenced":     catalog("", "<</S /JavaScript /JS 31 0 R>>", "(x)"),
		"pdf_launch link":                 annot("/Subtype /Link /A <</S /Launch /F (calc.exe)>>"),
		"pdf_launch data":                 annot("/Subtype /Link /A <</S /ImportData /F (x.fdf)>>"),
		"pdf_executable name":             file("Invoice.PDF.EXE", "harmless"),
		"pdf_executable name and blank":   file("run.bat .", "harmless"),
		"pdf_executable DOS":              file("letter.txt", "MZ\x90\x00"),
		"pdf_executable script":           file("letter.txt", "#!/bin/sh"),
		"pdf_executable ELF":              file("letter.txt", "\x7fELF\x02"),
		"pdf_embedded_goto link":          annot("/Subtype /Link /A <</S /GoToE /T <<>>>>"),
		"pdf_open_action document":        catalog("/OpenAction <</S /URI /URI (http://a)>>"),
		"pdf_open_action indirect":        catalog("/OpenAction 30 0 R", "<</S /SubmitForm /F (http://a)>>"),
		"pdf_open_action next":            catalog("/OpenAction <</S /GoTo /D [5 0 R] /Next 30 0 R>>", "<</S /URI /URI (http://a)>>"),
		"pdf_open_action page":            page("/AA 30 0 R", "<</O 31 0 R>>", "<</S /Hide /T (a)>>"),
		"pdf_open_action annotation":      annot("/Subtype /Link /AA <</PO <</S /GoToR /F (a)>>>>"),
		"pdf_xfa form":                    catalog("/AcroForm <</XFA (x) /Fields []>>"),
		"pdf_external_stream data":        catalog("", pdftest.Stream("/F (other.bin)", "")),
		"pdf_external_stream filter":      catalog("", pdftest.Stream("/FFilter /FlateDecode", "")),
		"pdf_external_stream page":        catalog("", pdftest.Stream("/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Ref <</F (a.pdf) /Page 1>>", "")),
		"pdf_multimedia sound":            annot("/Subtype /Sound /Sound 6 0 R"),
		"pdf_multimedia movie":            annot("/Subtype /Movie /Movie <<>>"),
		"pdf_multimedia screen":           annot("/Subtype /Screen"),
		"pdf_multimedia rich":             annot("/Subtype /RichMedia"),
		"pdf_page_count more":             with(map[int]string{2: "<</Type /Pages /Kids [5 0 R] /Count 2 /MediaBox [0 0 9 9]>>"}).Table(),
		"pdf_page_count less":             with(map[int]string{2: "<</Type /Pages /Kids [5 0 R 7 0 R] /Count 1 /MediaBox [0 0 9 9]>>", 7: "<</Type /Page /Parent 2 0 R>>"}).Table(),
		"pdf_3d model":                    annot("/Subtype /3D"),
		"pdf_submit_form button":          annot("/Subtype /Link /A <</S /SubmitForm /F <</FS /URL /F (http://a)>>>>"),
		"pdf_remote_file url":             annot("/Subtype /Link /A <</S /GoToR /F <</FS /URL /F (http://a)>>>>"),
		"pdf_form_fields text":            catalog("/AcroForm <</Fields [30 0 R]>>", "<</FT /Tx /T (a)>>"),
		"pdf_attachments file":            file("letter.txt", "hello"),
		"pdf_optional_content layers":     catalog("/OCProperties <</OCGs [30 0 R] /D <<>>>>", "<</Type /OCG /Name (a)>>"),
		"pdf_hidden_layers off":           catalog("/OCProperties <</OCGs [30 0 R] /D <</OFF [30 0 R]>>>>", "<</Type /OCG /Name (a)>>"),
		"pdf_hidden_layers off at first":  catalog("/OCProperties <</OCGs [30 0 R] /D <</BaseState /OFF>>>>", "<</Type /OCG /Name (a)>>"),
		"pdf_hidden_layers print":         catalog("/OCProperties <</OCGs [30 0 R] /D <</AS [<</Event /Print /OCGs [30 0 R]>>]>>>>", "<</Type /OCG /Name (a)>>"),
		"pdf_hidden_annotations hidden":   annot("/Subtype /FreeText /F 2"),
		"pdf_hidden_annotations no view":  annot("/Subtype /Stamp /F 36"),
		"pdf_dangling_references number":  with(map[int]string{9: "null", 1: "<</Type /Catalog /Pages 2 0 R /X 8 0 R>>"}).Table(),
		"pdf_unreferenced_objects lone":   catalog("", "<<>>"),
		"pdf_unreferenced_objects circle": catalog("", "[31 0 R]", "[30 0 R]"),
		"pdf_replaced_content page":       newer(map[int]string{6: pdftest.Stream("", "q Q")}),
		"pdf_fragmented_xref pieces":      with(map[int]string{30: "<<>>"}).Table(),
		"pdf_hybrid file":                 pdftest.Pages(1).Hybrid(),
		"pdf_archival claim":              catalog("/Metadata 30 0 R", pdftest.Stream("/Type /Metadata", `pdfaid:part="2"`)),
	}
}

// newer adds a revision in which objects are others.
func newer(objects map[int]string) []byte {
	in := pdftest.Pages(1).Table()
	tail, err := pdf.Tail(revision(in), objects)
	if err != nil {
		return nil
	}
	return append(bytes.Clone(in), tail...)
}

// onPage are the rules whose finding hangs on the first page in dangerous.
func onPage(name string) bool {
	for _, s := range []string{"annotation", "after another", "spelt", "link", "data", "button", "page", "sound", "movie", "screen", "rich", "model", "url", "hidden", "no view"} {
		if strings.Contains(name, " "+s) && !strings.HasPrefix(name, "pdf_external") && !strings.HasPrefix(name, "pdf_replaced") {
			return true
		}
	}
	return false
}

func TestEveryRuleFindsWhatItIsFor(t *testing.T) {
	found := map[pdf.Rule]bool{}
	for name, b := range dangerous() {
		t.Run(name, func(t *testing.T) {
			rule := pdf.Rule(strings.Fields(name)[0])
			r, err := pdf.Inspect(bytes.NewReader(b), int64(len(b)), pdf.Limits{})
			require.NoError(t, err)
			i := slices.IndexFunc(r.Findings, func(f pdf.Finding) bool { return f.Rule == rule })
			require.GreaterOrEqual(t, i, 0, "%v", r.Findings)
			require.Positive(t, r.Findings[i].Count)
			if onPage(name) {
				require.Equal(t, 1, r.Findings[i].Page)
			}
			found[rule] = true

			require.NoError(t, only(rule, pdf.ActionReport).Judge(r))
			require.Equal(t, string(rule), fault.CodeOf(only(rule, pdf.ActionRefuse).Judge(r)))
			_, err = check(b)
			if pdf.Rules()[rule] == pdf.ActionRefuse {
				require.Error(t, err)
			}
		})
	}
	for rule := range pdf.Rules() {
		if rule != pdf.RuleSigned && rule != pdf.RuleLocked { // the tests of seals have them
			require.True(t, found[rule], "%s has no example", rule)
		}
	}
}

// only lets everything pass but for one rule.
func only(rule pdf.Rule, action pdf.Action) pdf.Policy {
	p := pdf.Rules()
	for r := range p {
		p[r] = pdf.ActionReport
	}
	p[rule] = action
	return p
}

func TestSoundFilesHaveNoFindings(t *testing.T) {
	for form, b := range pdftest.Pages(3).Forms() {
		r, err := check(b)
		require.NoError(t, err)
		want := []pdf.Finding(nil)
		if form == "hybrid" {
			want = []pdf.Finding{{Rule: pdf.RuleHybrid, Count: 1}}
		}
		require.Equal(t, want, r.Findings, form)
	}
}

// The same names mean other things elsewhere: as resources, or as rights.
func TestNamesOfOtherThings(t *testing.T) {
	b := with(map[int]string{
		2: "<</Type /Pages /Kids [5 0 R] /Count 1 /MediaBox [0 0 9 9] /Resources <</Font <</AA 3 0 R /F 3 0 R>> /ColorSpace <</AA [/CalGray <<>>] /EF 3 0 R>>>>>>",
		1: "<</Type /Catalog /Pages 2 0 R /Rights <</EF [/Create /Delete] /Annots [/Import]>> /AA [1 2]>>",
		5: "<</Type /Page /Parent 2 0 R /Contents 6 0 R /F 2>>",
	})
	_, err := check(b.Table())
	require.NoError(t, err)
	_, err = check(b.ObjStm())
	require.NoError(t, err)
}

func TestPoliciesThatDoNotExist(t *testing.T) {
	require.NoError(t, pdf.Policy(nil).Validate())
	require.NoError(t, pdf.Rules().Validate())
	require.ErrorContains(t, pdf.Policy{"pdf_typo": pdf.ActionReport}.Validate(), "pdf_typo")
	require.ErrorContains(t, pdf.Policy{pdf.RuleXFA: "ignore"}.Validate(), "ignore")
}

// A chain of actions without an end, or one that branches, ends the check.
func TestActionsWithoutEnd(t *testing.T) {
	branch := strings.Repeat("31 0 R ", 60)
	for name, objects := range map[string]map[int]string{
		"circle": {30: "<</S /GoTo /D [5 0 R] /Next 30 0 R>>"},
		"tree":   {30: fmt.Sprintf("<</S /GoTo /D [5 0 R] /Next [%s]>>", branch), 31: fmt.Sprintf("<</S /GoTo /Next [%s]>>", branch)},
	} {
		t.Run(name, func(t *testing.T) {
			objects[1] = "<</Type /Catalog /Pages 2 0 R /OpenAction 30 0 R>>"
			_, err := check(with(objects).Table())
			require.Equal(t, pdf.CodeTooComplex, fault.CodeOf(err))
		})
	}
}
