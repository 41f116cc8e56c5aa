package pdf

import (
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/handslag/handslag/fault"
)

// Codes of what the upload check refuses, beside those of reading.
const (
	CodeJavaScript     = "pdf_javascript"
	CodeLaunch         = "pdf_launch"
	CodeEmbeddedGoTo   = "pdf_embedded_goto"
	CodeOpenAction     = "pdf_open_action"
	CodeXFA            = "pdf_xfa"
	CodeExternalStream = "pdf_external_stream"
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

	dangling uint32 // the highest number among them
}

// Check decides whether a document may be offered for signing. It reads every
// object once and refuses, with a fault that names the reason, what could act on
// its own, change what it shows, or be read in two ways. Signatures, locks,
// hybrid sections and the like are reported, and the caller decides.
func Check(ra io.ReaderAt, size int64, limits Limits) (*Report, error) {
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
	r := &Report{Revisions: len(f.sections), XRef: f.sections[0].form}
	r.FragmentedXRef = f.sections[len(f.sections)-1].subs > 1 && !f.linearized()
	if slices.ContainsFunc(f.sections, func(s *section) bool { return s.form == XRefHybrid }) {
		r.XRef = XRefHybrid
	}
	if err := f.scan(r); err != nil {
		return nil, err
	}
	if r.Pages, err = f.countPages(); err != nil {
		return nil, err
	}
	if r.Pages == 0 {
		return nil, damaged("it has no pages")
	}
	if err := f.checkForm(r); err != nil {
		return nil, err
	}
	return r, f.checkCatalog(r)
}

// linearized files have a first section near the start that lists the objects of
// the first page; the last section then begins after them (Annex F).
func (f *File) linearized() bool {
	return len(f.sections) > 1 && f.sections[0].offset < f.sections[1].offset
}

func (f *File) checkForm(r *Report) error {
	form, err := f.form()
	if err != nil {
		return err
	}
	if form.xfa {
		return fault.New(fault.Invalid, CodeXFA, "The PDF holds an XFA form, which can show other content than its pages.")
	}
	r.FormFields = form.others
	for _, s := range form.signatures {
		if s.value != nil {
			r.Signatures++
		}
	}
	held, err := f.locks(form.signatures)
	r.Locked = held == lockAll
	return err
}

func (f *File) checkCatalog(r *Report) error {
	cat, err := f.catalog()
	if err != nil {
		return err
	}
	r.Version = f.version
	if v := string(cat.name("Version")); v > r.Version {
		r.Version = v
	}
	r.OptionalContent = cat["OCProperties"] != nil
	names, err := f.dict(cat["Names"])
	if err != nil {
		return err
	}
	r.Attachments = names["EmbeddedFiles"] != nil || cat["AF"] != nil
	open, err := f.resolve(cat["OpenAction"])
	if err != nil {
		return err
	}
	if d, ok := open.(Dict); ok && d.name("S") != "GoTo" {
		return fault.New(fault.Invalid, CodeOpenAction, "The PDF does something of its own when it is opened.")
	}
	r.PDFA, err = f.claim(cat)
	return err
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

// scan looks into every object in use. It refuses what an update, ours above
// all, would bring to life: objects that the stated size hides from some readers
// (ISO 32000-2 table 15 makes them null) and references to numbers that no
// revision has used yet.
func (f *File) scan(r *Report) error {
	if f.beyondSize() {
		return ambiguous("it has objects beyond the number of objects it states")
	}
	err := f.eachObject(func(_ uint32, o Object) error {
		r.Objects++
		return f.inspect(o, r, 0)
	})
	if err != nil {
		return err
	}
	for _, s := range f.sections {
		if err := f.inspect(s.trailer, r, 0); err != nil {
			return err
		}
	}
	if r.Dangling > 0 && r.dangling >= f.fresh() {
		return ambiguous("it refers to an object that only a later revision could define")
	}
	return nil
}

// beyondSize reports whether objects in use have numbers past the newest /Size.
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

// eachObject visits every object in use, in the order of the file.
func (f *File) eachObject(visit func(num uint32, o Object) error) error {
	for _, p := range f.places() {
		o, err := f.load(Ref{p.num, p.e.gen})
		if err != nil {
			return err
		}
		if err := visit(p.num, o); err != nil {
			return err
		}
	}
	return nil
}

// inspect looks for what acts or fetches, wherever it hangs: an object that
// nothing refers to today may be referred to by a later revision.
func (f *File) inspect(o Object, r *Report, depth int) error {
	switch v := o.(type) {
	case Ref:
		if _, ok := f.entry(v.Num); !ok {
			r.Dangling++
			r.dangling = max(r.dangling, v.Num)
		}
	case Array:
		for _, e := range v {
			if err := f.inspect(e, r, depth+1); err != nil {
				return err
			}
		}
	case *Stream:
		if v.Dict["F"] != nil { // table 5: the data is in another file
			return fault.New(fault.Invalid, CodeExternalStream, "The PDF takes content from another file.")
		}
		return f.inspect(v.Dict, r, depth)
	case Dict:
		if err := action(v); err != nil {
			return err
		}
		if err := f.triggers(v); err != nil {
			return err
		}
		for _, e := range v {
			if err := f.inspect(e, r, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// action refuses dictionaries that are actions of the dangerous kinds (ISO
// 32000-2 table 201), and any that carry a script.
func action(d Dict) error {
	if d["JS"] != nil || d["JavaScript"] != nil {
		return fault.New(fault.Invalid, CodeJavaScript, "The PDF contains JavaScript.")
	}
	switch d.name("S") {
	case "JavaScript":
		return fault.New(fault.Invalid, CodeJavaScript, "The PDF contains JavaScript.")
	case "Launch", "ImportData":
		return fault.New(fault.Invalid, CodeLaunch, "The PDF can start a program or load other files.")
	case "GoToE":
		return fault.New(fault.Invalid, CodeEmbeddedGoTo, "The PDF opens documents hidden inside it.")
	}
	return nil
}

// maxTriggers is well above the kinds there are (tables 197 to 200); without a
// bound, many objects that share a long list would take quadratic time.
const maxTriggers = 64

// triggers refuses additional actions (12.6.3) that reach out by themselves.
func (f *File) triggers(d Dict) error {
	if d["AA"] == nil {
		return nil
	}
	all, err := f.dict(d["AA"])
	if err != nil {
		return err
	}
	if len(all) > maxTriggers {
		return tooComplex("too many actions")
	}
	for _, o := range all {
		a, err := f.dict(o)
		if err != nil {
			return err
		}
		if s := a.name("S"); s == "URI" || s == "SubmitForm" || s == "GoToR" {
			return fault.New(fault.Invalid, CodeOpenAction, "The PDF does something of its own when it is opened.")
		}
	}
	return nil
}
