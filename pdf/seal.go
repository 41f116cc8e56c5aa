package pdf

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
)

// Timestamper gets a timestamp token (RFC 3161) over a SHA-256 digest. The
// token it returns has been checked: status, imprint, nonce, signature. It may
// be asked again for the same seal. When no authority answers, its error is the
// fault of kind Unavailable; a seal then fails rather than go without.
type Timestamper interface {
	Timestamp(ctx context.Context, sha256Digest []byte) ([]byte, error)
}

// SealOptions say who seals, and when.
type SealOptions struct {
	Key   crypto.Signer
	Chain []*x509.Certificate // the key's own first
	Time  time.Time           // claimed, as /M
	// Name, Reason and Location are shown by readers; empty ones are left out.
	Name, Reason, Location string
	// Timestamper makes the level B-T; nil makes it B-B.
	Timestamper Timestamper
	// Rand is the entropy of the signature; nil is crypto/rand.
	Rand   io.Reader
	Limits Limits
}

// Seal returns the tail that adds a PAdES baseline signature (ETSI EN 319 142-1)
// over the whole document: one incremental update with an invisible signature
// field. Only the tail is hashed; the state in rev stands for the rest.
//
// Faults: pdf_locked when an earlier signature forbids another one,
// pdf_hash_state when the state does not belong to rev, what the reader finds,
// and what key and timestamper return.
func Seal(ctx context.Context, rev Revision, o SealOptions) ([]byte, error) {
	f, err := openForUpdate(rev, o.Limits)
	if err != nil {
		return nil, err
	}
	before, err := rev.hash()
	if err != nil {
		return nil, err
	}
	if o.Rand == nil {
		o.Rand = rand.Reader //nolint:forbidigo // the documented default
	}
	for hole := o.estimate(); ; hole *= 2 {
		p, err := f.prepareSeal(o, hole)
		if err != nil {
			return nil, err
		}
		der, err := p.sign(ctx, before, o)
		if err != nil {
			return nil, fmt.Errorf("seal document: %w", err)
		}
		if len(der) > hole {
			continue // the authority's token was larger than any seen
		}
		hex.Encode(p.tail[p.contents+1:], der)
		return p.tail, p.check(rev)
	}
}

const (
	attributesRoom = 2 << 10 // signed attributes and the frame of a SignedData
	tokenRoom      = 8 << 10 // a token with a chain of three RSA-4096 certificates
	maxHole        = 1 << 20
)

// estimate is the size of the signature in bytes of DER.
func (o SealOptions) estimate() int {
	n := attributesRoom
	for _, c := range o.Chain {
		n += len(c.Raw)
	}
	if o.Timestamper != nil {
		n += tokenRoom
	}
	return n
}

// prepared is a tail with a hole for the signature.
type prepared struct {
	update   *update
	base     int64 // where the tail goes
	tail     []byte
	contents int // the '<' of the hole, in tail
	end      int // after its '>'
}

func (f *File) prepareSeal(o SealOptions, hole int) (*prepared, error) {
	if hole > maxHole {
		return nil, fault.New(fault.Internal, "seal_too_large", "The seal with its timestamp is too large for the document.")
	}
	u := newUpdate(f)
	value, err := u.addSignatureField()
	if err != nil {
		return nil, err
	}
	body, rangeAt, contentsAt := signatureValue(o, hole)
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

const byteRangeWidth = 64 // "[0 " and three numbers of up to 19 digits

// signatureValue writes the signature dictionary with room for what is known
// last. All values are direct (12.8.1). Entries of EN 319 142-1 5.3: no /Cert.
func signatureValue(o SealOptions, hole int) (body []byte, byteRange, contents int) {
	b := []byte("<</Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached\n/ByteRange ")
	byteRange = len(b)
	b = append(b, slices.Repeat([]byte{' '}, byteRangeWidth)...)
	b = append(b, "\n/Contents "...)
	contents = len(b)
	b = append(b, '<')
	b = append(b, slices.Repeat([]byte{'0'}, 2*hole)...)
	b = append(b, ">\n/M "...)
	b = appendObject(b, date(o.Time))
	for _, e := range []struct {
		key   Name
		value string
	}{{"Name", o.Name}, {"Reason", o.Reason}, {"Location", o.Location}} {
		if e.value != "" {
			b = append(b, '\n')
			b = appendName(b, e.key)
			b = append(b, ' ')
			b = appendObject(b, text(e.value))
		}
	}
	return append(b, "\n>>"...), byteRange, contents
}

// sign hashes the tail around the hole onto the state and signs.
func (p *prepared) sign(ctx context.Context, before *HashState, o SealOptions) ([]byte, error) {
	h := before.Clone()
	_, _ = h.Write(p.tail[:p.contents]) // never fails, as any hash
	_, _ = h.Write(p.tail[p.end:])
	var stamp cms.TimestampFunc
	if o.Timestamper != nil {
		stamp = o.Timestamper.Timestamp
	}
	signer := cms.Signer{Key: o.Key, Chain: o.Chain, Rand: o.Rand}
	return cms.Sign(ctx, signer, cms.Content{Digest: h.Sum()}, stamp)
}

// check reads the result back: the signature is found and frames its own hole.
func (p *prepared) check(rev Revision) error {
	after, err := p.update.reread(rev, p.tail)
	if err != nil {
		return err
	}
	fields, err := after.signatureFields()
	if err != nil {
		return err
	}
	if len(fields) > 0 {
		last := fields[len(fields)-1]
		r, err := after.byteRange(last)
		if err == nil && r.gapStart == p.base+int64(p.contents) && r.gapEnd == p.base+int64(p.end) && r.end == rev.Size+int64(len(p.tail)) {
			return nil
		}
	}
	return fault.New(fault.Internal, "pdf_update", "The sealed document did not read back as it was written.")
}

// addSignatureField adds a field merged with its widget: invisible, printed,
// locked (12.5.3: flags 4 and 128), on the first page.
func (u *update) addSignatureField() (value Ref, err error) {
	f := u.file
	form, err := f.form()
	if err != nil {
		return Ref{}, err
	}
	held, err := f.locks(form.signatures)
	if err != nil {
		return Ref{}, err
	}
	if held == lockAll {
		return Ref{}, fault.New(fault.Conflict, "pdf_locked", "An earlier signature locks the PDF against any further signature.")
	}
	page, _, err := f.firstPage()
	if err != nil {
		return Ref{}, err
	}
	value = u.reserve()
	field := u.add(Dict{
		"Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Sig"),
		"T": text(form.freeName()), "V": value, "P": page, "F": Integer(132),
		"Rect": Array{Integer(0), Integer(0), Integer(0), Integer(0)},
	})
	if err := u.annotate(page, field); err != nil {
		return Ref{}, err
	}
	return value, u.listField(field)
}

// freeName: a name that is used again makes validators call the older signature
// modified.
func (form *formFields) freeName() string {
	for n := len(form.signatures) + 1; ; n++ {
		name := fmt.Sprintf("Signature%d", n)
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
