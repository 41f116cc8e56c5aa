package pdf_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func taggedWith(changes map[int]string) pdftest.Doc {
	d := pdftest.Tagged(3)
	maps.Copy(d.Objects, changes)
	return d
}

// structures are tagged uploads in every way that the containers can be written.
func structures() map[string]pdftest.Doc {
	root := func(rest string) string { return "<</Type /StructTreeRoot " + rest + ">>" }
	leftover := pdftest.Pages(2)
	leftover.Objects[5] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /StructParents 0>>"
	leftover.Objects[7] = "<</Type /Page /Parent 2 0 R /Contents 8 0 R /StructParents 11>>"
	ours := pdftest.Pages(2)
	ours.Objects[5] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /StructParents 1048576>>"
	ours.Objects[7] = "<</Type /Page /Parent 2 0 R /Contents 8 0 R /StructParents 90 0 R>>"
	ours.Objects[90] = "1048577"
	return map[string]pdftest.Doc{
		"pages taken out of a result of ours": ours,
		"none":                                pdftest.Pages(2), "plain": pdftest.Tagged(3), "keys of a tree that is gone": leftover,
		"array of children":           taggedWith(map[int]string{50: root("/K [51 0 R] /ParentTree 52 0 R /ParentTreeNextKey 3")}),
		"array as an object":          taggedWith(map[int]string{50: root("/K 53 0 R /ParentTree 52 0 R"), 53: "[51 0 R]"}),
		"child in place":              taggedWith(map[int]string{50: root("/K <</Type /StructElem /S /Document /P 50 0 R>> /ParentTree 52 0 R")}),
		"tree in place":               taggedWith(map[int]string{50: root("/K [51 0 R] /ParentTree <</Nums [0 70 0 R 1 71 0 R 2 72 0 R]>>")}),
		"numbers as an object":        taggedWith(map[int]string{52: "<</Nums 53 0 R>>", 53: "[0 70 0 R 1 71 0 R 2 72 0 R]"}),
		"tree with limits":            taggedWith(map[int]string{52: "<</Limits [0 2] /Nums [0 70 0 R 1 71 0 R 2 72 0 R]>>"}),
		"tree of nodes":               taggedWith(map[int]string{52: "<</Kids [53 0 R 54 0 R]>>", 53: "<</Limits [0 1] /Nums [0 70 0 R 1 71 0 R]>>", 54: "<</Limits [2 2] /Nums [2 72 0 R]>>"}),
		"nodes as an object":          taggedWith(map[int]string{52: "<</Kids 55 0 R>>", 55: "[53 0 R]", 53: "<</Limits [0 2] /Nums [0 70 0 R 1 71 0 R 2 72 0 R]>>"}),
		"no tree":                     taggedWith(map[int]string{50: root("/K 51 0 R")}),
		"nothing in it":               taggedWith(map[int]string{50: root("")}),
		"next key less than the last": taggedWith(map[int]string{50: root("/K 51 0 R /ParentTree 52 0 R /ParentTreeNextKey 1")}),
		"next key far away":           taggedWith(map[int]string{50: root("/K 51 0 R /ParentTree 52 0 R /ParentTreeNextKey 5000")}),
	}
}

func TestStructureOfAddedPages(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	for name, d := range structures() {
		for form, in := range d.Forms() {
			t.Run(name+"/"+form, func(t *testing.T) {
				once := extended(t, w, in, 'A')
				added := string(once[len(in):])
				require.True(t, strings.Contains(added, "/StructParents") && strings.Contains(added, "/Type /StructElem"), "the added page is tagged")
				require.Equal(t, strings.Contains(d.Objects[1], "/Marked true"), strings.Contains(added, "/Marked true"), "no new claim")
				twice := extended(t, w, once, 'A')
				sealed := extended(t, w, twice, 'S')
				for _, b := range [][]byte{once, twice, sealed} {
					require.NoError(t, checkAppended(b, len(in)))
				}
				if name == "plain" {
					hears(t, sealed, "Page 1 of a tagged contract", "Page 3 of a tagged contract", "Page 1 of a tagged contract", "Page 2 of a tagged contract")
				}
			})
		}
	}
}

// A document that leaves no key for a page of ours keeps its structure as it is,
// and gets the page without.
func TestStructureThatLeavesNoRoom(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	for name, key := range map[string]string{"the greatest": "2147483647", "far too great": "9000000000000000000", "a key that is none": "90 0 R"} {
		t.Run(name, func(t *testing.T) {
			d := pdftest.Pages(2)
			d.Objects[5] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /StructParents " + key + ">>"
			d.Objects[90] = "90 0 R"
			in := d.Table()
			once := extended(t, w, in, 'A')
			require.NotContains(t, string(once[len(in):]), "/StructTreeRoot")
			require.NoError(t, checkAppended(extended(t, w, once, 'S'), len(in)))
		})
	}
}

// hears has poppler read the structure aloud: the texts come in this order.
func hears(t *testing.T, b []byte, texts ...string) {
	if _, err := exec.LookPath("pdfinfo"); err != nil {
		return
	}
	path := t.TempDir() + "/in.pdf"
	require.NoError(t, os.WriteFile(path, b, 0o600))
	out, err := exec.Command("pdfinfo", "-struct-text", path).Output()
	require.NoError(t, err)
	rest := string(out)
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		require.True(t, found, "%q in\n%s", text, out)
		rest = after
	}
}

// A structure that cannot be extended is left alone, and the page is delivered
// without tags.
func TestOddStructureIsLeftAlone(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	catalog := func(root string) string {
		return "<</Type /Catalog /Pages 2 0 R /StructTreeRoot " + root + ">>"
	}
	deep := map[int]string{52: "<</Kids [53 0 R]>>", 53: "<</Kids [52 0 R]>>"}
	for name, d := range map[string]pdftest.Doc{
		"root in place":     taggedWith(map[int]string{1: catalog("<</Type /StructTreeRoot>>")}),
		"root is gone":      taggedWith(map[int]string{1: catalog("99 0 R")}),
		"root is an array":  taggedWith(map[int]string{50: "[51 0 R]"}),
		"root without type": taggedWith(map[int]string{50: "<</K 51 0 R>>"}),
		"tree is an array":  taggedWith(map[int]string{52: "[]"}),
		"tree in a circle":  taggedWith(deep),
		"keys no numbers":   taggedWith(map[int]string{52: "<</Nums [(a) 70 0 R]>>"}),
		"keys without end":  taggedWith(map[int]string{52: "<</Nums [2147483647 70 0 R]>>"}),
		"half a pair":       taggedWith(map[int]string{52: "<</Nums [0 70 0 R 1]>>"}),
	} {
		t.Run(name, func(t *testing.T) {
			in := d.Table()
			out := extended(t, w, in, 'A')
			require.NotContains(t, string(out[len(in):]), "/StructParents")
			require.NotContains(t, string(out[len(in):]), "/StructElem")
			require.NoError(t, checkAppended(out, len(in)))
		})
	}
}

// What is wrong in the structure of pages of our own making is a mistake of ours.
func TestAppendRefusesBadStructureOfPages(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	for name, changes := range map[string]map[int]string{
		"of another page":  {60: "<</Type /StructElem /S /P /P 51 0 R /Pg 2 0 R /K 0>>"},
		"of no page":       {60: "<</Type /StructElem /S /P /P 51 0 R /K 0>>"},
		"marked twice":     {60: "<</Type /StructElem /S /P /P 51 0 R /Pg 5 0 R /K [0 0]>>"},
		"marks with a gap": {60: "<</Type /StructElem /S /P /P 51 0 R /Pg 5 0 R /K 1>>"},
		"unknown role":     {60: "<</Type /StructElem /S /Body /P 51 0 R /Pg 5 0 R /K 0>>"},
		"a circle":         {60: "<</Type /StructElem /S /P /P 51 0 R /Pg 5 0 R /K 51 0 R>>"},
		"an object":        {60: "<</Type /StructElem /S /P /P 51 0 R /Pg 5 0 R /K <</Type /OBJR /Obj 4 0 R>>>>"},
	} {
		t.Run(name, func(t *testing.T) {
			changes[50] = "<</Type /StructTreeRoot /K 51 0 R>>"
			add := additions(w)
			add.Pages = taggedWith(changes).Table()
			_, err := pdf.Append(revision(pdftest.Tagged(1).Table()), add)
			require.NotEmpty(t, fault.CodeOf(err))
		})
	}
}

func TestAppendedStructureIsRefused(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	const (
		structure = "The structure of the document was changed (/StructTreeRoot)."
		replaced  = "An object of the document was replaced."
	)
	// An honest update by hand: page 80, its content 81, element 82, owners 83.
	honest := map[int]string{
		2:  "<</Type /Pages /Kids [5 0 R 7 0 R 9 0 R 80 0 R] /Count 4 /MediaBox [0 0 595 842] /Resources <</Font <</F1 3 0 R>>>>>>",
		50: "<</Type /StructTreeRoot /K [51 0 R 82 0 R] /ParentTree 52 0 R /ParentTreeNextKey 100 /RoleMap <</Body /P>>>>",
		52: "<</Nums [0 70 0 R 1 71 0 R 2 72 0 R 99 83 0 R]>>",
		80: "<</Type /Page /Parent 2 0 R /Contents 81 0 R /MediaBox [0 0 9 9] /StructParents 99 /Tabs /S>>",
		81: pdftest.Stream("", "/P <</MCID 0>> BDC EMC"),
		82: "<</Type /StructElem /S /P /P 50 0 R /Pg 80 0 R /K [0]>>",
		83: "[82 0 R]",
	}
	with := func(changes map[int]string) map[int]string {
		all := maps.Clone(honest)
		maps.Copy(all, changes)
		maps.DeleteFunc(all, func(_ int, body string) bool { return body == "" })
		return all
	}
	in := pdftest.Tagged(3).Table()
	require.NoError(t, checkAppended(changed(t, w, in, honest), len(in)), "the honest one")
	root := func(rest string) string {
		return "<</Type /StructTreeRoot " + rest + " /ParentTreeNextKey 100 /RoleMap <</Body /P>>>>"
	}
	element := func(rest string) string { return "<</Type /StructElem /S /P " + rest + ">>" }
	for _, tt := range []struct {
		name    string
		objects map[int]string
		reason  string
	}{
		{"old element says something else", with(map[int]string{60: element("/P 51 0 R /Pg 5 0 R /K 0 /ActualText (another price)")}), replaced},
		{"old element without a page", map[int]string{60: element("/P 51 0 R /Pg 5 0 R /K 0 /Alt (x)")}, replaced},
		{"old element emptied", with(map[int]string{51: "<</Type /StructElem /S /Document /P 50 0 R /K []>>"}), replaced},
		{"old element gains a child", with(map[int]string{51: "<</Type /StructElem /S /Document /P 50 0 R /K [60 0 R 61 0 R 62 0 R 82 0 R]>>"}), replaced},
		{"old owners changed", with(map[int]string{70: "[82 0 R]"}), replaced},
		{"old key leads elsewhere", with(map[int]string{52: "<</Nums [0 83 0 R 1 71 0 R 2 72 0 R 99 83 0 R]>>"}), structure},
		{"old key removed", with(map[int]string{52: "<</Nums [1 71 0 R 2 72 0 R 99 83 0 R]>>"}), structure},
		{"old key twice", with(map[int]string{52: "<</Nums [0 70 0 R 1 71 0 R 2 72 0 R 2 83 0 R]>>", 80: strings.Replace(honest[80], "99", "2", 1)}), structure},
		{"key between old ones", with(map[int]string{52: "<</Nums [0 70 0 R 99 83 0 R 1 71 0 R 2 72 0 R]>>"}), structure},
		{"key of no page", with(map[int]string{52: "<</Nums [0 70 0 R 1 71 0 R 2 72 0 R 98 83 0 R 99 83 0 R]>>"}), structure},
		{"page without its key", with(map[int]string{52: ""}), structure},
		{"roles redefined", with(map[int]string{50: strings.Replace(honest[50], "/P>>", "/Artifact>>", 1)}), structure},
		{"roles added", with(map[int]string{50: strings.Replace(honest[50], "/RoleMap <<", "/RoleMap <</P /Artifact ", 1)}), structure},
		{"classes added", with(map[int]string{50: strings.Replace(honest[50], "/RoleMap", "/ClassMap <<>> /RoleMap", 1)}), structure},
		{"names of elements added", with(map[int]string{50: strings.Replace(honest[50], "/RoleMap", "/IDTree <<>> /RoleMap", 1)}), structure},
		{"old child removed", with(map[int]string{50: root("/K [82 0 R] /ParentTree 52 0 R")}), structure},
		{"new child first", with(map[int]string{50: root("/K [82 0 R 51 0 R] /ParentTree 52 0 R")}), structure},
		{"no new child", with(map[int]string{50: root("/K [51 0 R] /ParentTree 52 0 R"), 82: "", 83: "[]"}), structure},
		{"old child again", with(map[int]string{50: root("/K [51 0 R 82 0 R 60 0 R] /ParentTree 52 0 R")}), structure},
		{"another tree of parents", with(map[int]string{50: root("/K [51 0 R 82 0 R] /ParentTree 84 0 R"), 84: honest[52], 52: ""}), structure},
		{"next key taken", with(map[int]string{50: strings.Replace(honest[50], "100", "99", 1)}), structure},
		{"another root", with(map[int]string{1: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /MarkInfo <</Marked true>> /StructTreeRoot 85 0 R>>", 85: strings.Replace(honest[50], "51 0 R", "", 1), 50: ""}), structure},
		{"no root", with(map[int]string{1: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /MarkInfo <</Marked true>>>>", 50: "", 52: ""}), structure},
		{"another root without pages", map[int]string{1: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /MarkInfo <</Marked true>> /StructTreeRoot 85 0 R>>", 85: "<</Type /StructTreeRoot>>"}, structure},
		{"no longer marked", with(map[int]string{1: "<</Type /Catalog /Pages 2 0 R /Lang (sv) /StructTreeRoot 50 0 R>>"}), "The document's catalog was changed."},
		{"element of an old page", with(map[int]string{82: element("/P 50 0 R /Pg 5 0 R /K [0]")}), structure},
		{"element of old and new", with(map[int]string{82: element("/P 50 0 R /Pg 80 0 R /K [0 <</Type /MCR /Pg 5 0 R /MCID 0>>]")}), structure},
		{"element of an old page's picture", with(map[int]string{82: element("/P 50 0 R /Pg 80 0 R /K [0 <</Type /OBJR /Pg 5 0 R /Obj 6 0 R>>]")}), structure},
		{"element of a form's content", with(map[int]string{82: element("/P 50 0 R /Pg 80 0 R /K [0 <</Type /MCR /Pg 80 0 R /Stm 6 0 R /MCID 1>>]")}), structure},
		{"element over an old one", with(map[int]string{82: element("/P 50 0 R /Pg 80 0 R /K [0 60 0 R]")}), structure},
		{"element under an old one", with(map[int]string{82: element("/P 51 0 R /Pg 80 0 R /K [0]")}), structure},
		{"element that says something else", with(map[int]string{82: element("/P 50 0 R /Pg 80 0 R /K [0] /ActualText (x)")}), structure},
		{"element with a class", with(map[int]string{82: element("/P 50 0 R /Pg 80 0 R /K [0] /C /x")}), structure},
		{"element of attributes from elsewhere", with(map[int]string{82: element("/P 50 0 R /Pg 80 0 R /K [0] /A 4 0 R")}), structure},
		{"element of an unknown role", with(map[int]string{82: strings.Replace(honest[82], "/S /P", "/S /Body", 1)}), structure},
		{"element of content marked twice", with(map[int]string{82: element("/P 50 0 R /Pg 80 0 R /K [0 0]")}), structure},
		{"owner is another", with(map[int]string{83: "[60 0 R]"}), structure},
		{"owners of more", with(map[int]string{83: "[82 0 R 60 0 R]"}), structure},
		{"owners of old", with(map[int]string{52: "<</Nums [0 70 0 R 1 71 0 R 2 72 0 R 99 70 0 R]>>", 83: ""}), structure},
		{"key by reference", with(map[int]string{80: strings.Replace(honest[80], "99", "84 0 R", 1), 84: "99"}), "A page was added that is not one of ours."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := checkAppended(changed(t, w, in, tt.objects), len(in))
			require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err), "%v", err)
			e, _ := fault.As(err)
			require.Equal(t, tt.reason, e.Message)
		})
	}
}

// An upload that expects the key under which our elements will stand would have
// them speak of its own content.
func TestPreparedStructureIsRefused(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	for name, at := range map[string]string{"direct": "/StructParents 3>>", "by reference": "/StructParents 40 0 R>>"} {
		for form, in := range taggedWith(map[int]string{
			40: "3", 9: "<</Type /Page /Parent 2 0 R /Contents 10 0 R " + at,
		}).Forms() {
			t.Run(name+"/"+form, func(t *testing.T) {
				// What was appended to one upload, behind another that is as long.
				prepared := bytes.ReplaceAll(in, []byte("/StructParents 3>>"), []byte("/StructParents 4>>"))
				prepared = bytes.ReplaceAll(prepared, []byte("40 0 obj\n3"), []byte("40 0 obj\n4"))
				if bytes.Equal(in, prepared) {
					t.Skip("its objects are packed")
				}
				err := checkAppended(append(prepared, extended(t, w, in, 'A')[len(in):]...), len(in))
				require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err))
				e, _ := fault.As(err)
				require.Equal(t, "A part of the upload is tied to the structure that was added.", e.Message)
			})
		}
	}
	// So would a root that is something else besides.
	double := taggedWith(map[int]string{9: "<</Type /Page /Parent 2 0 R /Contents 10 0 R /PieceInfo 50 0 R>>"}).Table()
	err := checkAppended(extended(t, w, double, 'A'), len(double))
	require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(err))
}
