package pdf

import (
	"bytes"
	"io"

	"github.com/handslag/handslag/fault"
)

// Later is what was added to a document since it was sent to somebody.
type Later struct {
	Changes []Change // oldest first
	// Locked: a signature in it forbids any further one.
	Locked bool
}

// Since says what follows the first bytes of a document, which are a document of
// its own, by the rules of what may follow a signature, whether or not they carry
// one. It is for documents that others have signed, with programs that write
// otherwise than [Seal] does. [CheckSigned] asks more: that what follows is ours.
//
// What nothing allows is the fault pdf_appended_change with a sentence of what was
// changed. A signature that draws on a page is told in the changes.
func Since(ra io.ReaderAt, size, first int64, limits Limits) (Later, error) {
	var l Later
	if first <= 0 || first > size {
		return l, appendedChange("The document is shorter than the one that was sent.")
	}
	base, err := openUpload(ra, first, limits)
	if err != nil {
		return l, err
	}
	f, err := Open(ra, size, limits)
	if err != nil {
		return l, asChange(err)
	}
	n := len(f.sections) - len(base.sections)
	if n < 0 || !f.sameSections(base, n) {
		return l, appendedChange("What was sent is not what the rest of the document builds on.")
	}
	h, err := f.follow(base, nil)
	if err != nil {
		return l, asChange(err)
	}
	if h.broken != "" {
		return l, appendedChange(h.broken + ".")
	}
	for _, s := range h.steps {
		switch {
		case s.reason != "":
			return l, appendedChange(s.reason)
		case s.drawn != "":
			return l, appendedChange(s.drawn)
		}
		l.Changes = append(l.Changes, s.changes...)
	}
	if err := f.endsAt(h.last().file.end); err != nil {
		return l, err
	}
	form, err := f.form()
	if err != nil {
		return l, asChange(err)
	}
	held, err := f.locks(form.signatures)
	l.Locked = held == lockAll
	return l, asChange(err)
}

// endsAt: nothing but line ends follow the last revision.
func (f *File) endsAt(end int64) error {
	const most = 16
	rest := make([]byte, min(most+1, f.size-end))
	if err := readFull(f.src, rest, end); err != nil {
		return err
	}
	if len(rest) > most || len(bytes.Trim(rest, "\r\n")) > 0 {
		return appendedChange("There is other data in the file after its last revision.")
	}
	return nil
}

// asChange makes a finding of what cannot be read. A failed read stays one.
func asChange(err error) error {
	if e, ok := fault.As(err); ok {
		return appendedChange("What was added cannot be read.").Because(e)
	}
	return err
}
