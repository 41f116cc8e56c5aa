package pdf

import (
	"maps"
	"slices"
)

// step is what one revision did to the document before it. It is a whitelist:
// each object that the revision lists must be explained as part of a further
// signature, a document timestamp, validation data, or metadata. What is not, is
// a change of what was signed.
type step struct {
	then, now *File
	section   *section
	uses      *uses
	sheets    *sheets
	revision  int

	changed map[uint32]bool  // numbers that the section gives another object
	allowed map[uint32]bool  // those that are explained
	widgets map[uint32]bool  // of signature fields that were added
	shown   map[string][]Ref // the widgets that can be seen, by field
	places  map[uint32]Ref   // the pages that were given those widgets
	added   formFields
	root    uint32

	changes []Change
	drawn   string // why a signature that draws is more than anybody may allow
	reason  string // of a change that nothing allows
}

func newStep(then, now *File, u *uses, sh *sheets) *step {
	s := &step{
		then: then, now: now, section: now.sections[0], uses: u, sheets: sh,
		changed: map[uint32]bool{}, allowed: map[uint32]bool{}, widgets: map[uint32]bool{},
		shown: map[string][]Ref{}, places: map[uint32]Ref{}, added: formFields{names: map[string]int{}},
	}
	if root, ok := then.trailer["Root"].(Ref); ok {
		s.root = root.Num
	}
	return s
}

func (s *step) judge() (string, error) {
	for _, part := range []func() (string, error){
		s.hybrid, s.trailerEntries, s.numbers, s.catalog, s.form, s.filled, s.securityStore, s.information, s.metadata, s.pages, s.rest, s.drawings,
	} {
		if reason, err := part(); reason != "" || err != nil {
			return reason, err
		}
	}
	return "", nil
}

// hybrid: readers that know cross-reference streams, readers that do not, and
// readers that ask the stream first must see the same update. So its table lists
// all that the hidden stream lists, and the stream nothing else (7.5.8.4).
func (s *step) hybrid() (string, error) {
	if s.section.form != XRefHybrid {
		return "", nil
	}
	const reason = "A hybrid revision was added that two readers see differently."
	at, ok := s.section.trailer["XRefStm"].(Integer)
	plain := &section{offset: s.section.offset, form: XRefTable}
	l := newLexer(s.now.blocks, s.section.offset, s.now.size, s.now.limits)
	if !ok || !l.keyword("xref") {
		return reason, nil
	}
	if err := s.now.readTable(l, plain); err != nil {
		return "", err
	}
	if err := plain.settle(); err != nil {
		return "", err
	}
	hidden, err := s.now.readXRefStream(int64(at))
	if err != nil {
		return "", err
	}
	for _, all := range []*entries{&s.section.entries, &hidden.entries} {
		for num, e := range all.all() {
			if got, listed := plain.entries.get(num); (!listed || got != e) && (e.kind != entryAt || e.offset != int64(at)) {
				return reason, nil
			}
		}
	}
	return "", nil
}

// trailerEntries: the same catalog, the same first identifier (14.4), and no object in
// use left beyond the stated size, where some readers do not look.
func (s *step) trailerEntries() (string, error) {
	now := s.section.trailer
	if !sameObject(now["Root"], s.then.trailer["Root"]) {
		return "The document's catalog was exchanged for another one.", nil
	}
	if s.then.beyondSize() || s.now.beyondSize() {
		return "Objects beyond the stated number of objects were brought to light.", nil
	}
	was, err := s.then.array(s.then.trailer["ID"])
	if err != nil {
		return "", err
	}
	is, err := s.now.array(now["ID"])
	if err != nil {
		return "", err
	}
	if len(was) > 0 && len(is) > 0 && !sameObject(was[0], is[0]) {
		return "The document's identifier was changed.", nil
	}
	return "", nil
}

// numbers finds the objects that changed and holds each to where it may be: new
// bytes, under a number that keeps its generation or that nobody waited for.
func (s *step) numbers() (string, error) {
	for num, e := range s.section.entries.all() {
		old, used := s.then.entry(num)
		switch {
		case e.kind == entryFree && !used:
			continue // frees nothing
		case e.kind == entryFree:
			return "An object of the document was freed.", nil
		case used && e == old:
			continue // listed as it was
		case num == 0 || used && e.gen != old.gen:
			return "An object was replaced by one of another generation.", nil
		case e.kind == entryAt && e.offset < s.then.end:
			return "An object was made of bytes that were signed as something else.", nil
		case e.kind == entryInStream && !s.freshContainer(e.stream()):
			return "An object was taken from an object stream that was signed as something else.", nil
		case !used && len(s.uses.of[num]) > 0:
			return "An object that the document refers to but did not have was defined.", nil
		}
		s.changed[num] = true
	}
	return "", s.containers()
}

func (s *step) freshContainer(num uint32) bool {
	e, listed := s.section.entries.get(num)
	_, used := s.then.entry(num)
	return listed && !used && e.kind == entryAt && e.offset >= s.then.end
}

// containers allows what holds the objects of the revision and shows nothing
// itself: its object streams and its cross-reference stream, which lists itself.
func (s *step) containers() error {
	for num, e := range s.section.entries.all() {
		if e.kind == entryInStream && s.changed[num] {
			s.allowed[e.stream()] = true
		}
		at, hybrid := s.section.trailer["XRefStm"].(Integer)
		itself := s.section.form == XRefStream && e.offset == s.section.offset || hybrid && e.offset == int64(at)
		if e.kind != entryAt || !itself || !s.changed[num] {
			continue
		}
		if _, used := s.then.entry(num); !used {
			s.allowed[num] = true
			continue
		}
		old, err := s.then.load(Ref{num, e.gen})
		if err != nil {
			return err
		}
		if x, ok := old.(*Stream); ok && x.Dict.name("Type") == "XRef" && len(s.uses.of[num]) == 0 {
			s.allowed[num] = true // some writers keep the number of the one before
		}
	}
	return nil
}

// isNew: a number that nothing in use had, and that this revision defines.
func (s *step) isNew(ref Ref) bool {
	_, used := s.then.entry(ref.Num)
	return !used && s.changed[ref.Num]
}

// take allows the object that an entry refers to: the one it referred to before,
// when that has no other role, or a new one.
func (s *step) take(before, after Object, role func(reference) bool) bool {
	ref, ok := after.(Ref)
	if !ok || !s.changed[ref.Num] {
		return true
	}
	if !s.isNew(ref) && (!sameObject(before, after) || !s.uses.only(ref.Num, role)) {
		return false
	}
	s.allowed[ref.Num] = true
	return true
}

// inCatalog is the role of an object that is an entry of the catalog and nothing else.
func (s *step) inCatalog(key Name) func(reference) bool {
	return func(r reference) bool { return r == reference{s.root, use{key: key}} }
}

// own allows what an added object consists of: new objects that neither act nor
// fetch, and references to others that stay as they are.
func (s *step) own(o Object) (bool, error) {
	queue := []Object{o}
	for len(queue) > 0 {
		next := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if ref, ok := next.(Ref); ok {
			switch {
			case !s.changed[ref.Num]:
				continue // was there, or is nothing
			case !s.isNew(ref):
				return false, nil
			case s.allowed[ref.Num]:
				continue
			}
			s.allowed[ref.Num] = true
			v, err := s.now.load(ref)
			if err != nil {
				return false, err
			}
			next = v
		}
		if err := s.now.harmless(next); err != nil {
			return false, onlyReads(err) // it acts or fetches
		}
		queue = references(queue, next)
	}
	return true, nil
}

func (s *step) catalogues() (before, after Dict, err error) {
	if before, err = s.then.catalog(); err != nil {
		return nil, nil, err
	}
	after, err = s.now.catalog()
	return before, after, err
}

// catalog: form, validation data, metadata, and what the version says may change.
func (s *step) catalog() (string, error) {
	before, after, err := s.catalogues()
	if err != nil {
		return "", err
	}
	if s.changed[s.root] {
		s.allowed[s.root] = true
	}
	if key, differs := difference(before, after, "AcroForm", "DSS", "Extensions", "Version", "Metadata"); differs {
		return "The document's catalog was changed" + key + ".", nil
	}
	if was, is := before["Version"], after["Version"]; !sameObject(was, is) {
		if !isVersion(after.name("Version")) || after.name("Version") < max(before.name("Version"), Name(s.then.version)) {
			return "The document's version was lowered.", nil
		}
		s.note(Change{Kind: ChangeExtensions})
	}
	return s.extensions(before["Extensions"], after["Extensions"])
}

func isVersion(n Name) bool {
	return len(n) == 3 && (n[0] == '1' || n[0] == '2') && n[1] == '.' && isDigit(n[2])
}

// plain resolves o to a dictionary that is no stream's: a stream would bring
// contents along that nothing here looks at.
func (f *File) plain(o Object) (Dict, error) {
	v, err := f.resolve(o)
	if err != nil || v == nil {
		return nil, err
	}
	d, ok := v.(Dict)
	if !ok {
		return nil, damaged("a dictionary was expected")
	}
	return d, nil
}

// extensions (7.12) grow; none that was there goes.
func (s *step) extensions(before, after Object) (string, error) {
	const reason = "The document's catalog was changed (/Extensions)."
	was, err := s.then.plain(before)
	if err != nil {
		return "", err
	}
	is, err := s.now.plain(after)
	if err != nil {
		return reason, onlyReads(err)
	}
	if !s.take(before, after, s.inCatalog("Extensions")) {
		return reason, nil
	}
	if sameObject(was, is) {
		return "", nil
	}
	for k := range was {
		if is[k] == nil {
			return reason, nil
		}
	}
	if sound, err := s.own(is); err != nil || !sound {
		return reason, err
	}
	s.note(Change{Kind: ChangeExtensions})
	return "", nil
}

// note reports a change once per revision, a signature each.
func (s *step) note(c Change) {
	c.Revision = s.revision
	if c.Field != "" || !slices.Contains(s.changes, c) {
		s.changes = append(s.changes, c)
	}
}

// rest: every object that changed is explained by now, or was written again as it was.
func (s *step) rest() (string, error) {
	for _, num := range slices.Sorted(maps.Keys(s.changed)) {
		e, used := s.then.entry(num)
		if s.allowed[num] || !used {
			continue
		}
		ref := Ref{num, e.gen}
		was, err := s.then.load(ref)
		if err != nil {
			return "", err
		}
		is, err := s.now.load(ref)
		if err != nil {
			return "", err
		}
		if !sameObject(was, is) {
			return describe(was) + " of the document was replaced.", nil
		}
	}
	for num := range s.changed {
		if _, used := s.then.entry(num); used || s.allowed[num] {
			continue
		}
		if idle, err := s.idleInformation(num); err != nil || !idle {
			return "An object was added that belongs to no signature.", err
		}
	}
	return "", nil
}

// describe says in words of ours what kind of object there was.
func describe(o Object) string {
	switch v := o.(type) {
	case *Stream:
		switch v.Dict.name("Type") {
		case "ObjStm":
			return "An object stream"
		case "Metadata":
			return "The metadata"
		}
		return "A stream (text, picture or font)"
	case Dict:
		switch v.name("Type") {
		case "Page":
			return "A page"
		case "Pages":
			return "A node of the page tree"
		case "Catalog":
			return "The catalog"
		case "Font", "FontDescriptor":
			return "A font"
		}
		switch {
		case v["FT"] != nil:
			return "A form field"
		case v["ByteRange"] != nil:
			return "A signature"
		case v["Subtype"] != nil && v["Rect"] != nil:
			return "An annotation"
		}
	}
	return "An object"
}
