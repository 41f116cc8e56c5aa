package pdf

import "reflect"

// comparison is a document before and after something was added to it.
type comparison struct {
	then, now *File
	changed   map[uint32]bool // numbers that the later revision lists
	allowed   map[uint32]bool // those that are explained
}

// laterSections are those that the signature did not see; what it did see must
// be the same chain.
func (c *comparison) laterSections() ([]*section, bool) {
	n := len(c.now.sections) - len(c.then.sections)
	if n < 0 {
		return nil, false
	}
	for i, s := range c.then.sections {
		if c.now.sections[n+i].offset != s.offset {
			return nil, false
		}
	}
	for _, s := range c.now.sections[:n] {
		if s.offset < c.then.size {
			return nil, false
		}
	}
	return c.now.sections[:n], true
}

func (f *File) sectionObject(s *section) (Ref, bool) {
	_, ref, err := f.readIndirect(s.offset, nil)
	return ref, err == nil
}

// catalog: only the entries given may be new there.
func (c *comparison) catalog(except ...Name) (string, error) {
	root := c.now.trailer["Root"].(Ref)
	if !c.changed[root.Num] {
		return "", nil
	}
	c.allowed[root.Num] = true
	before, err := c.then.catalog()
	if err != nil {
		return "", err
	}
	after, err := c.now.catalog()
	if err != nil {
		return "", err
	}
	if key, differs := difference(before, after, except...); differs {
		return "The document's catalog was changed" + key + ".", nil
	}
	return "", nil
}

// sameBut compares dictionaries aside from the keys given.
func sameBut(a, b Dict, except ...Name) bool {
	_, differs := difference(a, b, except...)
	return !differs
}

// tellingKeys are the entries that are worth a name in a reason. A name that is
// not among them may be anything, and reasons carry nothing of a document.
var tellingKeys = [...]Name{
	"Contents", "Resources", "MediaBox", "CropBox", "Rotate", "UserUnit", "Annots", "AA", "OpenAction", "OCProperties",
	"Outlines", "Names", "Dests", "Pages", "PageLabels", "PageLayout", "PageMode", "ViewerPreferences", "StructTreeRoot",
	"Metadata", "Perms", "AcroForm", "AF", "Extensions", "Version", "Kids", "Count", "Parent", "Type",
}

// difference finds out whether dictionaries differ aside from the keys given,
// and names the entry " (/Key)" when it is one of the telling ones.
func difference(a, b Dict, except ...Name) (key string, differs bool) {
	a, b = a.clone(), b.clone()
	for _, k := range except {
		delete(a, k)
		delete(b, k)
	}
	if sameObject(a, b) {
		return "", false
	}
	for _, k := range tellingKeys {
		if !sameObject(a[k], b[k]) {
			return " (/" + string(k) + ")", true
		}
	}
	return "", true
}

// grown returns what is has beyond was.
func grown(was, is Array) (Array, bool) {
	if len(is) < len(was) || len(was) > 0 && !reflect.DeepEqual(was, is[:len(was)]) {
		return nil, false
	}
	return is[len(was):], true
}

// exists reports whether the signed revision knew the number, even as freed: a
// number that was prepared and is filled later is the hide-and-replace attack.
func (c *comparison) exists(ref Ref) bool {
	for _, s := range c.then.sections {
		if _, ok := s.entries.get(ref.Num); ok {
			return true
		}
	}
	return false
}
