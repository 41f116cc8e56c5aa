package pdf

import (
	"io"
	"regexp"
	"slices"
	"strings"
)

// Report says what an upload is, in numbers and structure; nothing in it is
// text of the document.
type Report struct {
	Version     string // of the header or, when later, of the catalog
	Pages       int
	Objects     int // in use
	Revisions   int // cross-reference sections
	XRef        XRefForm
	PDFA        string // what it claims to conform to: "1B", "3A", …; "" for nothing
	Signatures  int
	Locked      bool // an earlier signature forbids any further one
	FormFields  int  // that are no signatures
	Attachments bool
	// OptionalContent: parts of the pages can be shown or hidden by the reader.
	OptionalContent bool
	// FragmentedXRef: the first table is in pieces, at which some readers call
	// the first signature invalid once a second is there.
	FragmentedXRef bool
	// Dangling counts references to objects that do not exist. A later revision
	// could define them: content prepared to appear after signing.
	Dangling int
	// Findings are the rules that the upload meets, in the order of the rules.
	Findings []Finding
}

// Check decides whether a document may be offered for signing, by the default
// policy: it is [Inspect] and then [Policy.Judge].
func Check(ra io.ReaderAt, size int64, limits Limits) (*Report, error) {
	r, err := Inspect(ra, size, limits)
	if err != nil {
		return nil, err
	}
	if err := Policy(nil).Judge(r); err != nil {
		return nil, err
	}
	return r, nil
}

// Inspect reads every object of a document once and reports what it is. It
// refuses, with a fault that names the reason, only what cannot be read, can be
// read in two ways, or cannot be added to; what the document may do or hide is in the findings, and
// a [Policy] decides.
func Inspect(ra io.ReaderAt, size int64, limits Limits) (*Report, error) {
	f, err := Open(ra, size, limits)
	if err != nil {
		return nil, err
	}
	if junk, err := f.trailing(); err != nil || junk {
		if err == nil {
			err = trailingData()
		}
		return nil, err
	}
	if err := f.checkSize(); err != nil {
		return nil, err
	}
	c, err := f.takeCensus()
	if err != nil {
		return nil, err
	}
	// An update, ours above all, would bring to life what was prepared under the
	// next number.
	if c.dangling > 0 && c.highest >= f.fresh() {
		return nil, ambiguous("it refers to an object that only a later revision could define")
	}
	r := &Report{Revisions: len(f.sections), XRef: f.overall(), Objects: len(c.used), Dangling: c.dangling}
	r.FragmentedXRef = f.sections[len(f.sections)-1].subs > 1 && !f.linearized()
	for _, step := range []func(*Report) error{c.pages, c.form, c.catalog, c.structure, f.rehearse} {
		if err := step(r); err != nil {
			return nil, err
		}
	}
	r.Findings = c.judge.list()
	return r, f.locate(r.Findings)
}

// linearized files have a first section near the start that lists the objects of
// the first page; the last section then begins after them (Annex F).
func (f *File) linearized() bool {
	return len(f.sections) > 1 && f.sections[0].offset < f.sections[1].offset
}

// overall is the form of the newest section, or hybrid when any section is.
func (f *File) overall() XRefForm {
	if slices.ContainsFunc(f.sections, func(s *section) bool { return s.form == XRefHybrid }) {
		return XRefHybrid
	}
	return f.sections[0].form
}

func (f *File) checkSize() error {
	if _, ok := f.trailer["Size"].(Integer); !ok {
		return damaged("its trailer does not state the number of objects")
	}
	if f.beyondSize() {
		return ambiguous("it has objects beyond the number of objects it states")
	}
	return nil
}

// beyondSize reports whether objects in use have numbers past the newest /Size,
// which hides them from some readers (ISO 32000-2 table 15 makes them null).
func (f *File) beyondSize() bool {
	size, ok := f.trailer["Size"].(Integer)
	if !ok {
		return false
	}
	for _, s := range f.sections {
		for num := range s.entries.all() {
			if int64(num) < int64(size) {
				continue
			}
			if _, used := f.entry(num); used {
				return true
			}
		}
	}
	return false
}

// add puts a finding of the whole document.
func (c *census) add(r Rule, count int) {
	if count > 0 {
		c.judge.findings[r] = &Finding{Rule: r, Count: count}
	}
}

func (c *census) addIf(r Rule, is bool) {
	if is {
		c.add(r, 1)
	}
}

func (c *census) pages(r *Report) error {
	t := c.file.tree(func(Ref, Dict, inherited) (bool, error) { return true, nil })
	t.leaf = c.page
	if err := t.walk(); err != nil {
		return err
	}
	if t.pages == 0 {
		return damaged("it has no pages")
	}
	r.Pages = t.pages
	c.addIf(RulePageCount, t.miscounted)
	return nil
}

func (c *census) form(r *Report) error {
	form, err := c.file.form()
	if err != nil {
		return err
	}
	r.FormFields = form.others
	for _, s := range form.signatures {
		if s.value != nil {
			r.Signatures++
		}
	}
	held, err := c.file.locks(form.signatures)
	if err != nil {
		return err
	}
	r.Locked = held == lockAll
	c.addIf(RuleXFA, form.xfa)
	c.add(RuleFormFields, r.FormFields)
	c.add(RuleSigned, r.Signatures)
	c.addIf(RuleLocked, r.Locked)
	return nil
}

func (c *census) catalog(r *Report) error {
	f := c.file
	cat, err := f.catalog()
	if err != nil {
		return err
	}
	r.Version = f.version
	if v := string(cat.name("Version")); v > r.Version {
		r.Version = v
	}
	names, err := f.dict(cat["Names"])
	if err != nil {
		return err
	}
	r.Attachments = names["EmbeddedFiles"] != nil || cat["AF"] != nil
	c.addIf(RuleAttachments, r.Attachments)
	open, err := f.resolve(cat["OpenAction"])
	if err != nil {
		return err
	}
	if d, ok := open.(Dict); ok {
		reaches, err := f.reachesOut(d)
		if err != nil {
			return err
		}
		if reaches || d.name("S") != "GoTo" {
			c.judge.num = 0
			c.judge.found(RuleOpenAction)
		}
	}
	if r.PDFA, err = f.claim(cat); err != nil {
		return err
	}
	c.addIf(RuleArchival, strings.HasPrefix(r.PDFA, "1") || strings.HasPrefix(r.PDFA, "2"))
	return c.layers(r, cat)
}

// layers: optional content (8.11), and whether some of it is hidden at first or
// prints otherwise than it shows.
func (c *census) layers(r *Report, cat Dict) error {
	r.OptionalContent = cat["OCProperties"] != nil
	c.addIf(RuleOptionalContent, r.OptionalContent)
	all, err := c.file.dict(cat["OCProperties"])
	if err != nil {
		return err
	}
	first, err := c.file.dict(all["D"])
	if err != nil {
		return err
	}
	off, err := c.file.array(first["OFF"])
	if err != nil {
		return err
	}
	usage, err := c.file.array(first["AS"])
	if err != nil {
		return err
	}
	hidden := len(off) + len(usage)
	if s := first.name("BaseState"); s != "" && s != "ON" {
		hidden++
	}
	c.add(RuleHiddenLayers, hidden)
	return nil
}

// structure: what only the way the file is written shows.
func (c *census) structure(r *Report) error {
	c.add(RuleDangling, r.Dangling)
	c.add(RuleUnreferenced, c.unreferenced())
	c.addIf(RuleFragmentedXRef, r.FragmentedXRef)
	c.addIf(RuleHybrid, r.XRef == XRefHybrid)
	if r.Signatures == 0 {
		c.add(RuleReplacedContent, c.replacedContent())
	}
	return nil
}

var (
	pdfaPart  = regexp.MustCompile(`pdfaid:part(?:>|=["'])\s*([1-4])`)
	pdfaLevel = regexp.MustCompile(`pdfaid:conformance(?:>|=["'])\s*([ABUEFabuef])`)
)

// claim reads the PDF/A identification from the XMP metadata (ISO 19005-1
// 6.7.11), as a claim: conformance is not checked.
func (f *File) claim(cat Dict) (string, error) {
	ref, ok := cat["Metadata"].(Ref)
	if !ok {
		return "", nil
	}
	o, err := f.load(ref)
	if err != nil {
		return "", err
	}
	s, ok := o.(*Stream)
	if !ok {
		return "", nil
	}
	const maxMetadata = 4 << 20
	xmp, err := f.readStreamBytes(s, maxMetadata)
	if err != nil {
		return "", err
	}
	part := pdfaPart.FindSubmatch(xmp)
	if part == nil {
		return "", nil
	}
	claim := string(part[1])
	if level := pdfaLevel.FindSubmatch(xmp); level != nil {
		claim += strings.ToUpper(string(level[1]))
	}
	return claim, nil
}

// maxLocated bounds the annotations that are looked at for a page's number.
const maxLocated = 100_000

// locate says on which page each finding that hangs on one was found first. The
// pages are gone through only when there is such a finding.
func (f *File) locate(findings []Finding) error {
	at := map[uint32]int{}
	for _, x := range findings {
		if x.object != 0 {
			at[x.object] = 0
		}
	}
	if len(at) == 0 {
		return nil
	}
	page, left := 0, maxLocated
	note := func(o Object) {
		ref, _ := o.(Ref)
		if p, wanted := at[ref.Num]; wanted && p == 0 {
			at[ref.Num] = page
		}
	}
	err := f.walkPages(func(r Ref, d Dict, _ inherited) (bool, error) {
		page++
		note(r)
		annots, err := f.array(d["Annots"])
		if err != nil {
			return false, err
		}
		note(d["Annots"])
		note(d["AA"])
		for _, o := range annots {
			if left--; left < 0 {
				return false, nil
			}
			note(o)
			a, err := f.dict(o)
			if err != nil {
				return false, err
			}
			note(a["A"])
			note(a["AA"])
		}
		return true, nil
	})
	for i := range findings {
		findings[i].Page = at[findings[i].object]
	}
	return err
}
