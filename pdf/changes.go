package pdf

import (
	"reflect"
	"strings"

	"github.com/handslag/handslag/fault"
)

// changedAfter compares the document as one signature saw it with the document
// as it is, by a whitelist: what is not known to belong to a further signature
// is a change. It returns the reason, empty when there is none.
//
// The revision that was signed is read on its own from the bytes that are
// covered: if these do not end as a PDF ends, the signature's range does not
// stop at a revision, and what it shows cannot be told.
func (f *File) changedAfter(s *signature) (string, error) {
	then, err := Open(f.src, s.covers.end, f.limits)
	if err != nil {
		if _, ok := fault.As(err); ok {
			return "What the signature covers is not a document of its own.", nil
		}
		return "", err
	}
	if junk, err := then.trailing(); err != nil || junk {
		return "What the signature covers is not a document of its own.", err
	}
	c := &comparison{then: then, now: f}
	reason, err := c.compare(s)
	if _, ok := fault.As(err); ok {
		return "What was added after the signature cannot be read.", nil
	}
	return reason, err
}

type comparison struct {
	then, now *File
	changed   map[uint32]bool // numbers that sections after the signature list
	allowed   map[uint32]bool
	widgets   map[uint32]bool // of signature fields that were added
}

func (c *comparison) compare(s *signature) (string, error) {
	sections, ok := c.laterSections()
	if !ok {
		return "The document was rebuilt after the signature.", nil
	}
	c.changed, c.allowed, c.widgets = map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}
	for _, x := range sections {
		for num := range x.entries.all() {
			if num != 0 {
				c.changed[num] = true
			}
		}
		if x.form == XRefStream { // the stream lists itself
			if ref, ok := c.now.sectionObject(x); ok && !c.exists(ref) {
				c.allowed[ref.Num] = true
			}
		}
		if x.form == XRefHybrid {
			return "A hybrid revision was added after the signature.", nil
		}
		if !sameObject(x.trailer["Root"], c.then.trailer["Root"]) || !sameObject(x.trailer["Info"], c.then.trailer["Info"]) {
			return "The document's catalog was replaced after the signature.", nil
		}
	}
	if c.changed[s.field.ref.Num] || c.changed[s.field.valueRef.Num] {
		return "The signature itself was replaced later.", nil
	}
	if ok, err := c.inForm(s); err != nil || !ok {
		return "The signature is not part of the document it signs.", err
	}
	for _, step := range []func() (string, error){c.signedCatalog, c.form, c.pages, c.rest} {
		reason, err := step()
		if err != nil {
			return "", err
		}
		if reason != "" {
			return strings.TrimSuffix(reason, ".") + " after the signature.", nil
		}
	}
	return "", nil
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

// inForm: the signature is a field of the form in its own revision, with the
// same dictionary.
func (c *comparison) inForm(s *signature) (bool, error) {
	fields, err := c.then.signatureFields()
	if err != nil {
		return false, err
	}
	for _, x := range fields {
		if x.ref == s.field.ref {
			return x.name == s.field.name && reflect.DeepEqual(x.value, s.field.value), nil
		}
	}
	return false, nil
}

func (c *comparison) signedCatalog() (string, error) { return c.catalog("AcroForm") }

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

// form: it grows at its end by signature fields and changes in nothing else.
func (c *comparison) form() (string, error) {
	const reason = "The document's form was changed."
	before, err := c.then.catalog()
	if err != nil {
		return "", err
	}
	after, err := c.now.catalog()
	if err != nil {
		return "", err
	}
	old, err := c.then.dict(before["AcroForm"])
	if err != nil {
		return "", err
	}
	now, err := c.now.dict(after["AcroForm"])
	if err != nil {
		return "", err
	}
	c.allowRef(before["AcroForm"], after["AcroForm"])
	c.allowRef(old["Fields"], now["Fields"])
	if !sameBut(old, now, "Fields", "SigFlags") {
		return reason, nil
	}
	was, err := c.then.array(old["Fields"])
	if err != nil {
		return "", err
	}
	is, err := c.now.array(now["Fields"])
	if err != nil {
		return "", err
	}
	added, ok := grown(was, is)
	if !ok {
		return reason, nil
	}
	for _, o := range added {
		ref, ok := o.(Ref)
		if !ok {
			return reason, nil
		}
		if sound, err := c.newField(ref); err != nil || !sound {
			return "A form field that is no plain and invisible signature was added.", err
		}
	}
	return "", nil
}

// allowRef allows the object that an entry refers to when it is the same one as
// before or a new one. An object that had another use may not be taken over.
func (c *comparison) allowRef(before, after Object) {
	if ref, ok := after.(Ref); ok && (sameObject(before, after) || !c.exists(ref)) {
		c.allowed[ref.Num] = true
	}
}

// grown returns what is has beyond was.
func grown(was, is Array) (Array, bool) {
	if len(is) < len(was) || len(was) > 0 && !reflect.DeepEqual(was, is[:len(was)]) {
		return nil, false
	}
	return is[len(was):], true
}

// widgetKeys are all that the widget of an added signature may have: nothing
// that draws, nothing that acts.
var widgetKeys = map[Name]bool{"Type": true, "Subtype": true, "FT": true, "T": true, "V": true, "P": true, "F": true, "Rect": true}

// newField: an added field is new, a signature, invisible, and filled by a
// signature dictionary that is new too.
func (c *comparison) newField(ref Ref) (bool, error) {
	if c.exists(ref) {
		return false, nil
	}
	d, err := c.now.dict(ref)
	if err != nil {
		return false, err
	}
	for k := range d {
		if !widgetKeys[k] {
			return false, nil
		}
	}
	value, ok := d["V"].(Ref)
	if !ok || c.exists(value) || d.name("FT") != "Sig" || d.name("Subtype") != "Widget" || !invisible(d) {
		return false, nil
	}
	v, err := c.now.dict(value)
	if err != nil {
		return false, err
	}
	if t := v.name("Type"); t != "Sig" && t != "DocTimeStamp" {
		return false, nil
	}
	c.allowed[ref.Num], c.allowed[value.Num], c.widgets[ref.Num] = true, true, true
	return true, nil
}

func invisible(d Dict) bool {
	r, _ := d["Rect"].(Array)
	if len(r) != 4 {
		return false
	}
	return sameObject(r[0], r[2]) && sameObject(r[1], r[3])
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

// pages: a page may gain the widgets of added signatures and nothing else.
func (c *comparison) pages() (string, error) {
	if len(c.widgets) == 0 {
		return "", nil
	}
	seen := map[uint32]bool{}
	for w := range c.widgets {
		d, err := c.now.dict(Ref{Num: w})
		if err != nil {
			return "", err
		}
		page, ok := d["P"].(Ref)
		if !ok || seen[page.Num] {
			continue
		}
		seen[page.Num] = true
		if reason, err := c.page(page); reason != "" || err != nil {
			return reason, err
		}
	}
	return "", nil
}

func (c *comparison) page(ref Ref) (string, error) {
	const missing = "A signature was added to something that is no page."
	before, err := c.then.dict(ref)
	if err != nil || before == nil {
		return missing, err
	}
	after, err := c.now.dict(ref)
	if err != nil || after == nil || after.name("Type") != "Page" {
		return missing, err
	}
	if key, differs := difference(before, after, "Annots"); differs {
		return "A page was changed" + key + ".", nil
	}
	was, err := c.then.array(before["Annots"])
	if err != nil {
		return "", err
	}
	is, err := c.now.array(after["Annots"])
	if err != nil {
		return "", err
	}
	const other = "A page was given other annotations."
	added, ok := grown(was, is)
	if !ok {
		return other, nil
	}
	for _, o := range added {
		if w, ok := o.(Ref); !ok || !c.widgets[w.Num] {
			return other, nil
		}
	}
	c.allowed[ref.Num] = true
	c.allowRef(before["Annots"], after["Annots"])
	return "", nil
}

// rest: every number that was listed is explained by now.
func (c *comparison) rest() (string, error) {
	for num := range c.changed {
		if !c.allowed[num] {
			return "Something other than a signature was added or changed.", nil
		}
	}
	return "", nil
}
