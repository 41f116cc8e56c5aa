package pdf_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// The upload has files of its own, named in a tree; what is added must leave
// them as they are and findable.
func TestAppendedNamesAreRefused(t *testing.T) {
	in := shapes()["all indirect"].Table()
	spec := "<</Type /Filespec /F (b) /UF (b) /EF <</F 61 0 R /UF 61 0 R>>>>"
	right := map[int]string{
		31: "<</Limits [(a) (manifest.json)] /Names [(a) 35 0 R (b) 60 0 R (manifest.json) 35 0 R]>>",
		34: "[35 0 R 60 0 R]", 60: spec, 61: pdftest.Stream("/Type /EmbeddedFile", "x"),
	}
	judge := func(objects map[int]string) error {
		all := maps.Clone(right)
		for num, body := range objects {
			if body == "" {
				delete(all, num)
			} else {
				all[num] = body
			}
		}
		return checkAppended(append(bytes.Clone(in), tailOf(t, in, all)...), len(in))
	}
	require.NoError(t, judge(nil), "what every row changes in one place")
	edit := func(num int, old, to string) map[int]string {
		require.Contains(t, right[num], old)
		return map[int]string{num: strings.Replace(right[num], old, to, 1)}
	}
	const names, files = "The names of the document were changed (/Names).", "The names of embedded files are not those"
	const lists, ours = "Associated files were removed, replaced or moved.", "A file was added that is not one of ours."
	for name, tt := range map[string]struct {
		objects map[int]string
		reason  string
	}{
		"file removed":       {edit(34, "35 0 R ", ""), lists},
		"file put first":     {edit(34, "35 0 R 60 0 R", "60 0 R 35 0 R"), lists},
		"file added twice":   {edit(34, "60 0 R", "60 0 R 60 0 R"), ours},
		"old file again":     {edit(34, "60 0 R", "60 0 R 35 0 R"), ours},
		"file in place":      {edit(34, "60 0 R", spec), ours},
		"file replaced":      {map[int]string{35: spec}, "An object of the document was replaced."},
		"bytes replaced":     {map[int]string{33: right[61]}, "A stream (text, picture or font) of the document was replaced."},
		"old bytes":          {edit(60, "/UF 61 0 R", "/UF 33 0 R"), ours},
		"no bytes":           {edit(60, "/F 61 0 R", ""), ours},
		"more to say":        {edit(60, "/UF (b)", "/UF (b) /RF <<>>"), ours},
		"other type":         {edit(60, "/Filespec", "/F"), ours},
		"packed otherwise":   {edit(61, "/Type", "/DecodeParms <<>> /Type"), ours},
		"no embedded file":   {edit(61, "/EmbeddedFile", "/XObject"), ours},
		"no name":            {map[int]string{31: ""}, files},
		"two names":          {edit(31, "(b) 60 0 R", "(b) 60 0 R (c) 60 0 R"), files},
		"name of an old one": {edit(31, "(b) 60 0 R", "(b) 35 0 R"), files},
		"name in place":      {edit(31, "(b) 60 0 R", "(b) (c)"), files},
		"name of no text":    {edit(31, "(b) 60 0 R", "5 60 0 R"), names},
		"same name again":    {edit(31, "(b) 60 0 R", "(b) 60 0 R (b) 60 0 R"), names},
		"taken name":         {edit(31, "(manifest.json)] /Names [(a) 35 0 R (b) 60 0 R (manifest.json) 35 0 R", "(x)] /Names [(a) 35 0 R (manifest.json) 35 0 R (x) 60 0 R"), "A file was added under the name of another one."},
		"taken name beside":  {edit(31, "(b) 60 0 R", "(a) 60 0 R"), "A file was added under the name of another one."},
		"name out of order":  {edit(31, "(a) 35 0 R (b) 60 0 R", "(b) 60 0 R (a) 35 0 R"), names},
		"name half":          {edit(31, "(b) 60 0 R", "(b)"), names},
		"old name exchanged": {edit(31, "(a) 35 0 R", "(a) 60 0 R"), names},
		"old name removed":   {edit(31, "(a) 35 0 R", ""), names},
		"limits too narrow":  {edit(31, "[(a)", "[(b)"), names},
		"limits too wide":    {edit(31, "[(a)", "[(A)"), names},
		"more in the node":   {edit(31, "/Names", "/More 1 /Names"), names},
		"names among kids":   {map[int]string{30: "<</Kids [31 0 R 32 0 R] /Names [(q) 60 0 R]>>"}, names},
		"kid added":          {map[int]string{30: "<</Kids [31 0 R 32 0 R 62 0 R]>>", 62: "<<>>"}, names},
		"kids swapped":       {map[int]string{30: "<</Kids [32 0 R 31 0 R]>>"}, names},
		"kid exchanged":      {map[int]string{30: "<</Kids [62 0 R 32 0 R]>>", 62: right[31]}, names},
		"kid in place":       {map[int]string{30: "<</Kids [" + right[31] + " 32 0 R]>>"}, names},
		"other names":        {map[int]string{38: "<</EmbeddedFiles 30 0 R /Dests <<>> /AP <<>>>>"}, names},
		"another tree":       {map[int]string{38: "<</EmbeddedFiles 62 0 R /Dests <<>>>>", 62: "<</Kids [31 0 R 32 0 R]>>"}, names},
		"written again":      {map[int]string{38: "<</EmbeddedFiles 30 0 R /Dests <<>>>>"}, "An object of the document was replaced."},
	} {
		t.Run(name, func(t *testing.T) {
			err := judge(tt.objects)
			require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err), "%v", err)
			e, _ := fault.As(err)
			require.Contains(t, e.Message, tt.reason)
		})
	}
}
