package pdftest

import (
	"fmt"
	"strings"
)

// Tagged returns a document of n pages with a logical structure: a root (50), one
// element for the document (51) and one for each page's text (60, 61, …), in a
// tree of parents (52) of one array for each page (70, 71, …).
func Tagged(n int) Doc {
	d := Pages(n)
	var kids, nums []string
	for i := range n {
		page, element, owners := 5+2*i, 60+i, 70+i
		d.Objects[page] = fmt.Sprintf("<</Type /Page /Parent 2 0 R /Contents %d 0 R /StructParents %d /Tabs /S>>", page+1, i)
		d.Objects[page+1] = Stream("", fmt.Sprintf("/P <</MCID 0>> BDC BT /F1 18 Tf 72 700 Td (Page %d of a tagged contract) Tj ET EMC", i+1))
		d.Objects[element] = fmt.Sprintf("<</Type /StructElem /S /P /P 51 0 R /Pg %d 0 R /K 0>>", page)
		d.Objects[owners] = fmt.Sprintf("[%d 0 R]", element)
		kids = append(kids, fmt.Sprintf("%d 0 R", element))
		nums = append(nums, fmt.Sprintf("%d %d 0 R", i, owners))
	}
	d.Objects[1] = "<</Type /Catalog /Pages 2 0 R /Lang (sv) /MarkInfo <</Marked true>> /StructTreeRoot 50 0 R>>"
	d.Objects[50] = fmt.Sprintf("<</Type /StructTreeRoot /K 51 0 R /ParentTree 52 0 R /ParentTreeNextKey %d /RoleMap <</Body /P>>>>", n)
	d.Objects[51] = fmt.Sprintf("<</Type /StructElem /S /Document /P 50 0 R /K [%s]>>", strings.Join(kids, " "))
	d.Objects[52] = fmt.Sprintf("<</Nums [%s]>>", strings.Join(nums, " "))
	return d
}
