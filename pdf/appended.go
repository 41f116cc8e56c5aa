package pdf

import (
	"io"
	"maps"
	"slices"

	"github.com/handslag/handslag/fault"
)

// CodeAppendedChange is the fault of a document in which something other than
// additions follows the upload.
const CodeAppendedChange = "pdf_appended_change"

func appendedChange(reason string) *fault.Error {
	return fault.New(fault.Invalid, CodeAppendedChange, "%s", reason)
}

// CheckAppended holds all that follows the first upload bytes of a file to what
// [Append] and [Seal] write. People signed the upload, and a seal covers whatever
// its maker put behind it: without this check, who holds the seal's key could
// append another contract under the same signatures.
//
// The upload must be a complete document of its own. Each revision after it, to
// the last byte of the file, either adds pages after the last one and associated
// files, or adds one invisible signature over everything before it; nothing else
// is changed, freed, replaced or brought to life. It is a whitelist: what is not
// known to be ours is refused, with the fault pdf_appended_change and a sentence
// that says what was changed. A file that ends with the upload passes.
//
// Every object of the upload is read once and nothing that the upload draws is
// unpacked. It is no substitute for the digest of the upload or for [Verify].
func CheckAppended(ra io.ReaderAt, size, upload int64, limits Limits) error {
	return checkAppended(ra, size, upload, limits, &preparation{})
}

// CheckSigned is [CheckAppended] for a document that only ever receives
// signatures: to which not even a page or an associated file may be added, as
// when the upload was signed before or claims PDF/A-1 or -2.
func CheckSigned(ra io.ReaderAt, size, upload int64, limits Limits) error {
	return checkAppended(ra, size, upload, limits, &preparation{sealsOnly: true})
}

func checkAppended(ra io.ReaderAt, size, upload int64, limits Limits, p *preparation) error {
	if upload <= 0 || upload > size {
		return appendedChange("The document is shorter than the upload that was signed.")
	}
	base, err := openUpload(ra, upload, limits)
	if err != nil {
		return err
	}
	f, err := Open(ra, size, limits)
	if err != nil {
		return err
	}
	reason, err := f.appended(base, p)
	if e, ok := fault.As(err); ok {
		return appendedChange("What follows the upload cannot be read as additions to it.").Because(e)
	}
	if reason != "" {
		return appendedChange(reason)
	}
	return err
}

// openUpload opens the upload from its own bytes alone, so that nothing behind
// it can lend it an end, an object or a stream's rest.
func openUpload(ra io.ReaderAt, upload int64, limits Limits) (*File, error) {
	const reason = "The bytes that were signed are not a complete PDF of its own."
	base, err := Open(ra, upload, limits)
	if e, ok := fault.As(err); ok {
		return nil, appendedChange(reason).Because(e)
	}
	if err != nil {
		return nil, err
	}
	if junk, err := base.trailing(); err != nil || junk {
		if err == nil {
			err = appendedChange(reason)
		}
		return nil, err
	}
	return base, nil
}

// appended judges the revisions after base, oldest first.
func (f *File) appended(base *File, p *preparation) (string, error) {
	later, ok := (&comparison{then: base, now: f}).laterSections()
	if !ok || !f.sameSections(base, len(later)) {
		return "The upload is not what the rest of the document builds on.", nil
	}
	// Each adds one signature, but for the few of Append.
	if len(later) > f.limits.MaxSignatures {
		return "", tooComplex("too many revisions after the upload")
	}
	p.base, p.later, p.holders, p.parents = base, map[uint32]bool{}, map[uint32]use{}, map[int64]bool{}
	then, fresh := base, base.fresh()
	for i, section := range slices.Backward(later) {
		end, reason, err := f.frame(then, fresh, section)
		if reason != "" || err != nil {
			return reason, err
		}
		now := f.upTo(i, end)
		a := newAddition(then, now, fresh, p)
		if reason, err := a.judge(); reason != "" || err != nil {
			return reason, err
		}
		then, fresh = now, uint32(section.trailer["Size"].(Integer)) // the frame has seen to it
	}
	if then.size != f.size {
		return "There is other data in the file after its last revision.", nil
	}
	return p.judge()
}

// sameSections: both readings of the upload list the same objects, whatever the
// later revisions lent to the reading of the older ones.
func (f *File) sameSections(base *File, later int) bool {
	for i, s := range base.sections {
		if x := f.sections[later+i]; x != s && (!s.entries.equal(&x.entries) || !sameObject(s.trailer, x.trailer)) {
			return false
		}
	}
	return true
}

// addition judges one revision by what the one before it was.
type addition struct {
	comparison
	preparation *preparation
	section     *section
	fresh       uint32         // the first number that may be new
	signed      signatureField // that it adds
}

func newAddition(then, now *File, fresh uint32, p *preparation) *addition {
	a := &addition{
		comparison:  comparison{then: then, now: now, changed: map[uint32]bool{}, allowed: map[uint32]bool{}},
		preparation: p, section: now.sections[0], fresh: fresh,
	}
	for num := range a.section.entries.all() {
		a.changed[num] = true
	}
	return a
}

func (a *addition) judge() (string, error) {
	if reason := a.numbers(); reason != "" {
		return reason, nil
	}
	before, err := a.then.form()
	if err != nil {
		return "", err
	}
	after, err := a.now.form()
	if err != nil {
		return "", err
	}
	steps := []func() (string, error){a.extendedCatalog, a.tree, a.files, a.rest}
	if len(after.signatures) > len(before.signatures) {
		steps = []func() (string, error){func() (string, error) { return a.seal(after) }, a.rest, a.signedWhole}
	} else if a.preparation.sealsOnly || slices.ContainsFunc(before.signatures, func(s signatureField) bool { return s.value != nil }) {
		steps = []func() (string, error){a.store, a.rest}
	}
	for _, step := range steps {
		if reason, err := step(); reason != "" || err != nil {
			return reason, err
		}
	}
	return "", nil
}

// numbers: what is new has a number that nobody used, freed or counted before,
// and what is replaced keeps its generation, or references would miss it.
func (a *addition) numbers() string {
	for num, e := range a.section.entries.all() {
		old, listed := a.then.entry(num)
		switch {
		case listed && e.gen != old.gen, !listed && e.gen != 0:
			return "An object was replaced by one of another generation."
		case !listed && num < a.fresh:
			return "An object was defined under a number that the document had set aside."
		case !listed:
			a.preparation.later[num] = true
		}
	}
	if a.section.form == XRefStream { // the stream lists itself
		ref, ok := a.now.sectionObject(a.section)
		if !ok || a.exists(ref) || a.section.at(ref.Num).offset != a.section.offset {
			return "A cross-reference stream takes the place of another object."
		}
		a.allowed[ref.Num] = true
	}
	return ""
}

// rest: every number that the revision lists is explained by now.
func (a *addition) rest() (string, error) {
	nums := slices.Sorted(maps.Keys(a.changed))
	for _, num := range nums {
		if _, known := a.then.entry(num); !known {
			continue
		}
		if idle, err := a.idle(num); err != nil || idle || !a.allowed[num] {
			return a.replaced(num), err
		}
	}
	for _, num := range nums {
		if !a.allowed[num] {
			return "An object was added that belongs to no added page, file or signature.", nil
		}
	}
	return "", nil
}

// idle: an object was written again as it was, which the writer never does.
func (a *addition) idle(num uint32) (bool, error) {
	ref := Ref{num, a.section.at(num).gen}
	was, err := a.then.load(ref)
	if err != nil {
		return false, err
	}
	is, err := a.now.load(ref)
	return sameObject(was, is), err
}

// replaced says in words of ours what kind of object was replaced.
func (a *addition) replaced(num uint32) string {
	what := "An object"
	e, _ := a.then.entry(num)
	o, err := a.then.load(Ref{num, e.gen})
	if err != nil {
		return what + " of the document was replaced."
	}
	switch v := o.(type) {
	case *Stream:
		what = "A stream (text, picture or font)"
		switch v.Dict.name("Type") {
		case "ObjStm":
			what = "An object stream"
		case "Metadata":
			what = "The metadata"
		}
	case Dict:
		switch v.name("Type") {
		case "Page":
			what = "A page"
		case "Pages":
			what = "A node of the page tree"
		case "Catalog":
			what = "The catalog"
		case "Font", "FontDescriptor":
			what = "A font"
		case "Annot":
			what = "An annotation"
		}
	}
	return what + " of the document was replaced."
}
