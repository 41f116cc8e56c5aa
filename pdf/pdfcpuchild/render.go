package pdfcpuchild

import (
	"fmt"
	"io"
	"maps"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// spaceName is the name of the page's colour space among its resources.
const spaceName = "sRGB"

// render lays out the page and writes it as a PDF of its own.
func render(w io.Writer, p Page, dir string) error {
	ctx, err := pdfcpu.CreateContextWithXRefTable(configuration(), types.PaperSize["A4"])
	if err != nil {
		return fmt.Errorf("start document: %w", err)
	}
	faces, err := installFonts(ctx.XRefTable, dir, p)
	if err != nil {
		return err
	}
	s := &sheet{faces: faces}
	top := &element{role: "Document", lang: p.Language}
	s.newPage()
	s.head(top, p)
	for _, sec := range p.Sections {
		s.section(top, sec)
	}
	s.feet(p)
	if s.err != nil {
		return fmt.Errorf("lay out page: %w", s.err)
	}
	info, err := assemble(ctx, s, top, p)
	if err != nil {
		return fmt.Errorf("assemble document: %w", err)
	}
	return write(w, ctx.XRefTable, *info)
}

// assemble puts the pages, their structure and what PDF/A-3a asks for (ISO
// 19005-3) into the document, and returns its information dictionary.
func assemble(ctx *model.Context, s *sheet, top *element, p Page) (info *types.IndirectRef, err error) {
	xref := ctx.XRefTable
	fonts, err := s.faces.embed()
	if err != nil {
		return nil, err
	}
	space, err := stream(xref, types.Dict{"N": types.Integer(3)}, profile())
	if err != nil {
		return nil, err
	}
	resources, err := xref.IndRefForNewObject(types.Dict{
		"Font": fonts, "ColorSpace": types.Dict{spaceName: types.Array{types.Name("ICCBased"), *space}},
	})
	if err != nil {
		return nil, err
	}
	root, err := ctx.Pages()
	if err != nil {
		return nil, err
	}
	var refs []types.IndirectRef
	kids := types.Array{}
	for i, content := range s.pages {
		ref, err := page(xref, *root, *resources, i, content.Bytes())
		if err != nil {
			return nil, err
		}
		refs, kids = append(refs, *ref), append(kids, *ref)
	}
	tree, err := ctx.DereferenceDict(*root)
	if err != nil {
		return nil, err
	}
	tree["Kids"], tree["Count"] = kids, types.Integer(len(kids))
	structured, err := structure(xref, top, s.pages, refs)
	if err != nil {
		return nil, err
	}
	described, err := xref.IndRefForNewObject(metadata(p))
	if err != nil {
		return nil, err
	}
	catalog, err := ctx.Catalog()
	if err != nil {
		return nil, err
	}
	catalog["Lang"] = text(p.Language)
	catalog["MarkInfo"] = types.Dict{"Marked": types.Boolean(true)}
	catalog["StructTreeRoot"] = *structured
	catalog["Metadata"] = *described
	catalog["ViewerPreferences"] = types.Dict{"DisplayDocTitle": types.Boolean(true)}
	catalog["OutputIntents"] = types.Array{types.Dict{
		"Type": types.Name("OutputIntent"), "S": types.Name("GTS_PDFA1"), // 6.2.3
		"OutputConditionIdentifier": text("sRGB"), "Info": text("sRGB IEC61966-2.1"), "DestOutputProfile": *space,
	}}
	return xref.IndRefForNewObject(types.Dict{"Title": text(p.Title)})
}

func page(xref *model.XRefTable, parent, resources types.IndirectRef, number int, content []byte) (*types.IndirectRef, error) {
	contents, err := stream(xref, types.Dict{}, content)
	if err != nil {
		return nil, err
	}
	return xref.IndRefForNewObject(types.Dict{
		"Type": types.Name("Page"), "Parent": parent, "Contents": *contents, "Resources": resources,
		"MediaBox":      types.NewNumberArray(0, 0, paperWidth, paperHeight),
		"StructParents": types.Integer(number), "Tabs": types.Name("S"),
	})
}

// stream adds a packed stream.
func stream(xref *model.XRefTable, d types.Dict, data []byte) (*types.IndirectRef, error) {
	s, err := xref.NewStreamDictForBuf(data)
	if err != nil {
		return nil, err
	}
	if err := s.Encode(); err != nil {
		return nil, err
	}
	maps.Copy(s.Dict, d)
	return xref.IndRefForNewObject(*s)
}
