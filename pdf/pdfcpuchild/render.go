package pdfcpuchild

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/font"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	pdffont "github.com/pdfcpu/pdfcpu/pkg/pdfcpu/font"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
)

// installFonts gives pdfcpu the Go fonts in a folder of this process. It knows
// fonts only as files, and only in one folder that is a variable of its package.
func installFonts(dir string) error {
	if dir == "" {
		return errors.New("no folder for fonts")
	}
	for name, data := range map[string][]byte{regular: goregular.TTF, bold: gobold.TTF, mono: gomono.TTF} {
		if err := font.InstallFontFromBytesQuiet(dir, name, data); err != nil {
			return fmt.Errorf("install font %s: %w", name, err)
		}
	}
	font.UserFontDir = dir
	return font.LoadUserFonts()
}

// render lays out the page and writes it as a PDF of its own.
func render(w io.Writer, p Page, dir string) error {
	conf := configuration()
	if err := installFonts(dir); err != nil {
		return err
	}
	ctx, err := pdfcpu.CreateContextWithXRefTable(conf, types.PaperSize["A4"])
	if err != nil {
		return fmt.Errorf("start document: %w", err)
	}
	s := &sheet{xref: ctx.XRefTable}
	s.newPage()
	s.head(p)
	for _, sec := range p.Sections {
		s.section(sec)
	}
	s.feet(p)
	if s.err != nil {
		return fmt.Errorf("lay out page: %w", s.err)
	}
	if err := assemble(ctx, s, p.Language); err != nil {
		return err
	}
	// To a file first: pdfcpu asks the writer for the size.
	return write(ctx, w, dir)
}

func write(ctx *model.Context, w io.Writer, dir string) error {
	f, err := os.CreateTemp(dir, "page-*.pdf")
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // a scratch file, read again through the same handle
	if err := api.WriteContext(ctx, f); err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// assemble puts the pages and the glyphs that they use into the document.
func assemble(ctx *model.Context, s *sheet, language string) error {
	fonts := types.Dict{}
	for _, face := range []string{regular, bold, mono} {
		if !ctx.HasUsedGIDs(face) {
			continue
		}
		ref, err := pdffont.EnsureFontDict(ctx.XRefTable, face, "", "", false, nil)
		if err != nil {
			return fmt.Errorf("embed font: %w", err)
		}
		fonts[face] = *ref
	}
	root, err := ctx.Pages()
	if err != nil {
		return err
	}
	tree, err := ctx.DereferenceDict(*root)
	if err != nil {
		return err
	}
	kids := types.Array{}
	for _, content := range s.pages {
		ref, err := page(ctx, *root, fonts, content.Bytes())
		if err != nil {
			return err
		}
		kids = append(kids, *ref)
	}
	tree.Update("Kids", kids)
	tree.Update("Count", types.Integer(len(kids)))
	ctx.PageCount = len(kids)
	if cat, err := ctx.Catalog(); err == nil && language != "" {
		cat.Update("Lang", types.StringLiteral(language))
	}
	return nil
}

func page(ctx *model.Context, parent types.IndirectRef, fonts types.Dict, content []byte) (*types.IndirectRef, error) {
	stream, err := ctx.NewStreamDictForBuf(content)
	if err != nil {
		return nil, err
	}
	if err := stream.Encode(); err != nil {
		return nil, err
	}
	contents, err := ctx.IndRefForNewObject(*stream)
	if err != nil {
		return nil, err
	}
	return ctx.IndRefForNewObject(types.Dict{
		"Type": types.Name("Page"), "Parent": parent, "Contents": *contents,
		"MediaBox":  types.NewNumberArray(0, 0, paperWidth, paperHeight),
		"Resources": types.Dict{"Font": fonts},
	})
}
