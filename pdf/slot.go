package pdf

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"fmt"

	"github.com/handslag/handslag/fault"
)

// slot describes a signature dictionary around the hole for the signature. All
// values are direct (ISO 32000-2 12.8.1). Entries of EN 319 142-1 5.3: no /Cert.
type slot struct {
	field string // the name of its form field
	head  string // what comes before /ByteRange
	rest  []byte // what comes after /Contents
}

const (
	byteRangeWidth = 64 // "[0 " and three numbers of up to 19 digits
	maxHole        = 1 << 20
	maxTries       = 4   // holes that turn out too small
	slack          = 256 // by which two signatures of one maker may differ
)

// write makes the dictionary and says where in it the blanks are.
func (s slot) write(hole int) (body []byte, byteRange, contents int) {
	b := append([]byte(s.head), "\n/ByteRange "...)
	byteRange = len(b)
	b = append(b, bytes.Repeat([]byte{' '}, byteRangeWidth)...)
	b = append(b, "\n/Contents "...)
	contents = len(b)
	b = append(b, '<')
	b = append(b, bytes.Repeat([]byte{'0'}, 2*hole)...)
	b = append(b, '>')
	b = append(b, s.rest...)
	return append(b, "\n>>"...), byteRange, contents
}

// prepared is a tail with a hole for the signature.
type prepared struct {
	update   *update
	base     int64 // where the tail goes
	tail     []byte
	contents int // the '<' of the hole, in tail
	end      int // after its '>'
}

// fill adds an update with a signature that sign makes. How large it is turns
// out last; when the hole was too small it is all made again with one that fits,
// since what is signed includes the hole's place.
func (g *growth) fill(s slot, hole int, sign func(*prepared) ([]byte, error)) error {
	for range maxTries {
		p, err := g.file.prepare(s, hole)
		if err != nil {
			return err
		}
		der, err := sign(p)
		if err != nil {
			return err
		}
		if len(der) > hole {
			hole = len(der) + slack
			continue
		}
		hex.Encode(p.tail[p.contents+1:], der)
		after, err := p.check(g.rev)
		if err != nil {
			return err
		}
		g.add(p.tail, after)
		return nil
	}
	return sealTooLarge()
}

func sealTooLarge() error {
	return fault.New(fault.Internal, "seal_too_large", "The seal with its timestamp is too large for the document.")
}

func (f *File) prepare(s slot, hole int) (*prepared, error) {
	if hole > maxHole {
		return nil, sealTooLarge()
	}
	u := newUpdate(f)
	value, err := u.addSignatureField(s.field)
	if err != nil {
		return nil, err
	}
	body, rangeAt, contentsAt := s.write(hole)
	u.objects[value.Num] = written{body: body}
	tail, bodies, err := u.tail()
	if err != nil {
		return nil, err
	}
	p := &prepared{update: u, base: f.size, tail: tail}
	p.contents = bodies[value.Num] + contentsAt
	p.end = p.contents + 2 + 2*hole
	// 12.8.1: everything but the hole, in two ranges, the hole with its delimiters.
	ranges := fmt.Appendf(nil, "[0 %d %d %d", p.base+int64(p.contents), p.base+int64(p.end), len(tail)-p.end)
	copy(tail[bodies[value.Num]+rangeAt:], ranges)
	tail[bodies[value.Num]+rangeAt+byteRangeWidth-1] = ']'
	return p, nil
}

// digest hashes the tail around the hole onto the state of what is before it.
func (p *prepared) digest(before *HashState, algorithm crypto.Hash) []byte {
	h := cloneHash(before.running(algorithm))
	_, _ = h.Write(p.tail[:p.contents]) // never fails, as any hash
	_, _ = h.Write(p.tail[p.end:])
	return h.Sum(nil)
}

// check reads the result back: the signature is found and frames its own hole.
func (p *prepared) check(rev Revision) (*File, error) {
	after, err := p.update.reread(rev, p.tail)
	if err != nil {
		return nil, err
	}
	fields, err := after.signatureFields()
	if err != nil {
		return nil, err
	}
	if len(fields) > 0 {
		last := fields[len(fields)-1]
		r, err := after.byteRange(last)
		if err == nil && r.gapStart == p.base+int64(p.contents) && r.gapEnd == p.base+int64(p.end) && r.end == rev.Size+int64(len(p.tail)) {
			return after, nil
		}
	}
	return nil, fault.New(fault.Internal, "pdf_update", "The sealed document did not read back as it was written.")
}

// unlockedForm is the form of a document that may still be signed.
func (f *File) unlockedForm() (*formFields, error) {
	form, err := f.form()
	if err != nil {
		return nil, err
	}
	held, err := f.locks(form.signatures)
	if err != nil {
		return nil, err
	}
	if held == lockAll {
		return nil, fault.New(fault.Conflict, "pdf_locked", "An earlier signature locks the PDF against any further signature.")
	}
	return form, nil
}

// addSignatureField adds a field merged with its widget: invisible, printed,
// locked (12.5.3: flags 4 and 128), on the first page.
func (u *update) addSignatureField(name string) (value Ref, err error) {
	page, _, err := u.file.firstPage()
	if err != nil {
		return Ref{}, err
	}
	value = u.reserve()
	field := u.add(Dict{
		"Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Sig"),
		"T": text(name), "V": value, "P": page, "F": Integer(132),
		"Rect": Array{Integer(0), Integer(0), Integer(0), Integer(0)},
	})
	if err := u.annotate(page, field); err != nil {
		return Ref{}, err
	}
	return value, u.listField(field)
}

// freeName: a name that is used again makes validators call the older signature
// modified.
func (form *formFields) freeName(prefix string) string {
	for n := len(form.signatures) + 1; ; n++ {
		name := fmt.Sprintf("%s%d", prefix, n)
		if form.names[name] == 0 {
			return name
		}
	}
}

func (u *update) annotate(page, widget Ref) error {
	d, err := u.dict(page)
	if err != nil {
		return err
	}
	d = d.clone()
	changed, err := u.push(d, "Annots", widget)
	if changed {
		u.put(page, d)
	}
	return err
}

// listField puts the field into the form, rewriting the smallest object that
// holds the list: the array, the form, or the catalog.
func (u *update) listField(field Ref) error {
	root := u.file.trailer["Root"].(Ref) // Open has seen to it
	cat, err := u.dict(root)
	if err != nil {
		return err
	}
	form, err := u.dict(cat["AcroForm"])
	if err != nil {
		return err
	}
	ref, own := cat["AcroForm"].(Ref)
	fresh := form == nil
	form = form.clone()
	changed, err := u.push(form, "Fields", field)
	if err != nil {
		return err
	}
	const signaturesExistAppendOnly = 3 // 12.7.3, table 225
	if flags, _ := form["SigFlags"].(Integer); flags&^signaturesExistAppendOnly != 0 {
		return damaged("its form has flags that are none")
	}
	if form["SigFlags"] != Integer(signaturesExistAppendOnly) {
		form["SigFlags"] = Integer(signaturesExistAppendOnly)
		changed = true
	}
	switch {
	case !changed:
	case own && !fresh:
		u.put(ref, form)
	default:
		cat = cat.clone()
		cat["AcroForm"] = form
		if fresh { // an object of its own, so that the next seal leaves the catalog alone
			cat["AcroForm"] = u.add(form)
		}
		u.put(root, cat)
	}
	return nil
}
