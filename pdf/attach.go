package pdf

import (
	"crypto/md5" //nolint:gosec // ISO 32000-2 table 45 asks for it
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// Attachment is a file that travels inside the document.
type Attachment struct {
	Name         string
	Description  string
	MIMEType     string
	Relationship string // an AFRelationship of ISO 32000-2 table 43: Data, Source, Supplement, …
	Data         []byte
}

// attach adds files to the EmbeddedFiles name tree and to the catalog's
// associated files, which is where PDF/A-3 and validators look.
func (u *update) attach(files []Attachment, at time.Time) error {
	if len(files) == 0 {
		return nil
	}
	root := u.file.trailer["Root"].(Ref) // Open has seen to it
	specs := make([]Object, len(files))
	for i, file := range files {
		specs[i] = u.fileSpec(file, at)
	}
	return u.edit(root, func(cat Dict) error {
		if _, err := u.push(cat, "AF", specs...); err != nil {
			return err
		}
		for i, file := range files {
			if err := u.nameFile(cat, file.Name, specs[i].(Ref)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (u *update) fileSpec(a Attachment, at time.Time) Ref {
	sum := md5.Sum(a.Data) //nolint:gosec // 7.11.4.1, table 45: CheckSum is MD5; it detects accidents only
	d := Dict{
		"Type": Name("EmbeddedFile"),
		"Params": Dict{
			"Size": Integer(len(a.Data)), "ModDate": date(at), "CreationDate": date(at),
			"CheckSum": String(sum[:]),
		},
	}
	if a.MIMEType != "" {
		d["Subtype"] = Name(a.MIMEType)
	}
	stream := u.addFlate(d, a.Data)
	relationship := Name("Unspecified") // table 43
	if a.Relationship != "" {
		relationship = Name(a.Relationship)
	}
	return u.add(Dict{
		"Type": Name("Filespec"), "F": String(ascii(a.Name)), "UF": text(a.Name), "Desc": text(a.Description),
		"AFRelationship": relationship, "EF": Dict{"F": stream, "UF": stream},
	})
}

// date writes a date of 7.9.4 in UTC.
func date(t time.Time) String {
	return String(t.UTC().Format("D:20060102150405Z"))
}

// text writes a text string of 7.9.2.2: ASCII as it is, all else in UTF-16.
func text(s string) String {
	if ascii(s) == s {
		return String(s)
	}
	b := []byte{0xfe, 0xff}
	for _, c := range utf16.Encode([]rune(s)) {
		b = append(b, byte(c>>8), byte(c))
	}
	return String(b)
}

// fromText reads a text string: UTF-16 or UTF-8 with a mark, else bytes as Latin-1,
// which PDFDocEncoding is for all printable characters but a few marks.
func fromText(s String) string {
	switch {
	case strings.HasPrefix(string(s), "\xfe\xff"):
		units := make([]uint16, 0, len(s)/2)
		for i := 2; i+1 < len(s); i += 2 {
			units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
		}
		return string(utf16.Decode(units))
	case strings.HasPrefix(string(s), "\xef\xbb\xbf"):
		return strings.ToValidUTF8(string(s[3:]), "\ufffd")
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return '_'
		}
		return r
	}, s)
}

// nameFile lists a file specification in the EmbeddedFiles tree of the catalog.
func (u *update) nameFile(cat Dict, name string, spec Ref) error {
	names, err := u.dict(cat["Names"])
	if err != nil {
		return err
	}
	tree, err := u.dict(names["EmbeddedFiles"])
	if err != nil {
		return err
	}
	key := text(name)
	for n := 2; ; n++ {
		taken, err := u.named(tree, key, map[uint32]bool{}, 0)
		if err != nil {
			return err
		}
		if !taken {
			break
		}
		// The key is only an index; the name that people see is in the specification.
		key = text(fmt.Sprintf("%s (%d)", name, n))
	}
	grown, err := u.insertName(tree, key, spec, 0)
	if err != nil {
		return err
	}
	if ref, ok := names["EmbeddedFiles"].(Ref); ok && tree != nil {
		u.put(ref, grown)
		return nil
	}
	ref, own := cat["Names"].(Ref)
	own = own && names != nil
	names = names.clone()
	names["EmbeddedFiles"] = grown
	if own {
		u.put(ref, names)
	} else {
		cat["Names"] = names
	}
	return nil
}

// named reports whether a name tree has the key. A node that hangs in the tree
// twice is a circle, or would be visited without end.
func (u *update) named(node Dict, key String, seen map[uint32]bool, depth int) (bool, error) {
	if depth > u.file.limits.MaxDepth {
		return false, loop("name tree")
	}
	names, err := u.array(node["Names"])
	if err != nil {
		return false, err
	}
	for i := 0; i+1 < len(names); i += 2 {
		if names[i] == key {
			return true, nil
		}
	}
	kids, err := u.array(node["Kids"])
	if err != nil {
		return false, err
	}
	for _, k := range kids {
		if ref, ok := k.(Ref); ok {
			if seen[ref.Num] {
				return false, loop("name tree")
			}
			seen[ref.Num] = true
		}
		kid, err := u.dict(k)
		if err != nil {
			return false, err
		}
		if lo, hi, ok := limitsOf(kid); ok && (key < lo || key > hi) {
			continue
		}
		if found, err := u.named(kid, key, seen, depth+1); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

func limitsOf(node Dict) (lo, hi String, ok bool) {
	l, _ := node["Limits"].(Array)
	if len(l) != 2 {
		return "", "", false
	}
	lo, ok1 := l[0].(String)
	hi, ok2 := l[1].(String)
	return lo, hi, ok1 && ok2
}

// insertName returns the node with the key in its sorted place (7.9.6) and the
// limits on the way widened. Kids that are objects of their own are put.
func (u *update) insertName(node Dict, key String, value Object, depth int) (Dict, error) {
	if depth > u.file.limits.MaxDepth {
		return nil, loop("name tree")
	}
	node = node.clone()
	if lo, hi, ok := limitsOf(node); ok {
		node["Limits"] = Array{min(lo, key), max(hi, key)}
	}
	kids, err := u.array(node["Kids"])
	if err != nil {
		return nil, err
	}
	if len(kids) == 0 {
		names, err := u.array(node["Names"])
		if err != nil {
			return nil, err
		}
		at := 0
		for at+1 < len(names) {
			if k, ok := names[at].(String); ok && k > key {
				break
			}
			at += 2
		}
		node["Names"] = slices.Insert(slices.Clone(names), at, Object(key), value)
		return node, nil
	}
	return u.insertBelow(node, kids, key, value, depth)
}

func (u *update) insertBelow(node Dict, kids Array, key String, value Object, depth int) (Dict, error) {
	at := len(kids) - 1
	for i := range kids {
		kid, err := u.dict(kids[i])
		if err != nil {
			return nil, err
		}
		if _, hi, ok := limitsOf(kid); ok && key <= hi {
			at = i
			break
		}
	}
	kid, err := u.dict(kids[at])
	if err != nil {
		return nil, err
	}
	grown, err := u.insertName(kid, key, value, depth+1)
	if err != nil {
		return nil, err
	}
	if ref, ok := kids[at].(Ref); ok {
		u.put(ref, grown)
		return node, nil
	}
	kids = slices.Clone(kids)
	kids[at] = grown
	node["Kids"] = kids
	return node, nil
}

// AttachmentEntry is an associated file found in a document.
type AttachmentEntry struct {
	Name         string
	Description  string
	MIMEType     string
	Relationship string
	// Offset is where its bytes begin in the file. An upload may carry a
	// look-alike of a file that we add; ours begins after the upload's end.
	Offset int64

	file   *File
	stream *Stream
}

// Read unpacks the file, at most maximum bytes; more is the fault pdf_bomb.
func (e AttachmentEntry) Read(maximum int64) ([]byte, error) {
	return e.file.readStreamBytes(e.stream, maximum)
}

// Attachments yields the catalog's associated files in order. After an error it
// stops. Entries that are no embedded files are passed over.
func (f *File) Attachments() iter.Seq2[AttachmentEntry, error] {
	return func(yield func(AttachmentEntry, error) bool) {
		cat, err := f.catalog()
		if err != nil {
			yield(AttachmentEntry{}, err)
			return
		}
		list, err := f.array(cat["AF"])
		if err != nil {
			yield(AttachmentEntry{}, err)
			return
		}
		for _, o := range list {
			e, ok, err := f.attachment(o)
			if err != nil {
				yield(AttachmentEntry{}, err)
				return
			}
			if ok && !yield(e, nil) {
				return
			}
		}
	}
}

func (f *File) attachment(o Object) (AttachmentEntry, bool, error) {
	spec, err := f.dict(o)
	if err != nil {
		return AttachmentEntry{}, false, err
	}
	ef, err := f.dict(spec["EF"])
	if err != nil {
		return AttachmentEntry{}, false, err
	}
	ref, ok := ef["UF"].(Ref)
	if !ok {
		ref, ok = ef["F"].(Ref)
	}
	if !ok {
		return AttachmentEntry{}, false, nil
	}
	v, err := f.load(ref)
	if err != nil {
		return AttachmentEntry{}, false, err
	}
	stream, ok := v.(*Stream)
	if !ok {
		return AttachmentEntry{}, false, nil
	}
	e, _ := f.entry(ref.Num)
	name, ok := spec["UF"].(String)
	if !ok {
		name, _ = spec["F"].(String)
	}
	desc, _ := spec["Desc"].(String)
	return AttachmentEntry{
		Name: fromText(name), Description: fromText(desc), MIMEType: string(stream.Dict.name("Subtype")),
		Relationship: string(spec.name("AFRelationship")), Offset: e.offset,
		file: f, stream: stream,
	}, true, nil
}
