package pdf

import (
	"bytes"
	"slices"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/revocation"
)

// history is a document state by state, from the one that the first signature
// covers. A signature speaks of the state that it covers, and each state after it
// has to be explained by what changed from the one before: a comparison of the
// first with the last would not see what came and went between them.
type history struct {
	file   *File
	states []*state // oldest first
	steps  []*step  // steps[i] leads from states[i] to states[i+1]
	broken string   // why the states after the last cannot be told apart
}

// state is the document at the end of one of its revisions.
type state struct {
	file     *File
	revision int                  // counted from 1
	proofs   *revocation.Register // of its security store, once it is wanted
}

// alone reads what a signature covers from its own bytes alone, so that nothing
// behind it can lend it an end, an object or the rest of a stream. Nil when it is
// not a document of its own.
func (f *File) alone(s *signature) (*File, error) {
	then, err := f.prefix(s.covers.end)
	if err != nil {
		if _, ok := fault.As(err); ok {
			return nil, nil
		}
		return nil, err
	}
	if junk, err := then.trailing(); err != nil || junk {
		return nil, err
	}
	n := len(f.sections) - len(then.sections)
	if n < 0 || !f.sameSections(then, n) {
		return nil, nil
	}
	return then, nil
}

// follow divides what comes after base, which is read alone, into its states.
// Those with as many sections as wanted says are covered by signatures.
func (f *File) follow(base *File, wanted map[int]bool) (*history, error) {
	h := &history{file: f, states: []*state{{file: base, revision: len(base.sections)}}}
	later := f.sections[:len(f.sections)-len(base.sections)]
	end := base.end
	for i, s := range slices.Backward(later) {
		if s.offset < end {
			h.broken = "The document was rebuilt"
			return h, nil
		}
		next, ok, err := f.endOf(s)
		if err != nil {
			return nil, err
		}
		if !ok || next > f.size {
			h.broken = "A revision that does not end as one was added"
			return h, nil
		}
		if ok, err = f.accounted(s, end); err != nil || !ok {
			h.broken = "A revision was added with bytes that belong to none of its objects"
			return h, onlyReads(err)
		}
		end = next
		now := f.upTo(i, end)
		h.states = append(h.states, &state{file: now, revision: len(f.sections) - i})
	}
	return h, h.compare(wanted)
}

func (h *history) last() *state { return h.states[len(h.states)-1] }

// endOf finds the end that belongs to a section: startxref with its position,
// then the marker (7.5.5).
func (f *File) endOf(s *section) (int64, bool, error) {
	window := make([]byte, min(tailWindow, f.size-s.end))
	if err := readFull(f.src, window, s.end); err != nil {
		return 0, false, err
	}
	const keyword, marker = "startxref", "%%EOF"
	rest := bytes.TrimLeft(window, " \t\r\n\f\x00")
	if !bytes.HasPrefix(rest, []byte(keyword)) {
		return 0, false, nil
	}
	rest = bytes.TrimLeft(rest[len(keyword):], " \t\r\n\f\x00")
	at := int64(0)
	for len(rest) > 0 && isDigit(rest[0]) && at < 1<<56 {
		at, rest = at*10+int64(rest[0]-'0'), rest[1:]
	}
	// Some writers point at the line end before the section.
	if at > s.offset || s.offset-at > 16 {
		return 0, false, nil
	}
	rest = bytes.TrimLeft(rest, " \t\r\n\f\x00")
	if !bytes.HasPrefix(rest, []byte(marker)) {
		return 0, false, nil
	}
	rest = rest[len(marker):]
	if len(rest) > 0 && rest[0] == '\r' {
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return s.end + int64(len(window)-len(rest)), true, nil
}

// accounted: from the end of the revision before it up to its section, a revision
// is made of the objects that it lists. What no table lists, a reader that repairs
// files could find all the same.
func (f *File) accounted(s *section, from int64) (bool, error) {
	var places []int64
	for _, e := range s.entries.all() {
		if e.kind == entryAt && e.offset >= from && e.offset < s.offset {
			places = append(places, e.offset)
		}
	}
	if at, ok := s.trailer["XRefStm"].(Integer); ok && int64(at) >= from && int64(at) < s.offset {
		places = append(places, int64(at))
	}
	slices.Sort(places)
	l := newLexer(f.blocks, from, s.end, f.limits)
	for _, at := range append(slices.Compact(places), s.offset) {
		before := l.pos
		if l.skipSpace(); before > at || l.pos < at {
			return false, nil
		}
		if at == s.offset {
			break
		}
		if _, _, err := f.indirect(l, nil); err != nil {
			return false, err
		}
	}
	return true, nil
}

// compare judges every step once, whatever the number of signatures. After one
// that nothing allows, what follows matters only from where the next signature is.
func (h *history) compare(wanted map[int]bool) error {
	if len(h.states) == 1 {
		return nil
	}
	u, pages, failed := newUses(), &sheets{}, false
	for _, st := range h.states[1:] {
		for num := range st.file.sections[0].entries.all() {
			u.watched[num] = true
		}
	}
	if err := u.scan(h.states[0].file); err != nil {
		return h.unreadable(err)
	}
	for i, st := range h.states[1:] {
		before := h.states[i].file
		if failed = failed && !wanted[len(before.sections)]; !failed {
			s := newStep(before, st.file, u, pages)
			s.revision = st.revision
			st.file.inherit(before)
			h.steps = append(h.steps, s)
			if err := s.conclude(); err != nil {
				return err
			}
			if failed = s.reason != ""; failed {
				pages = &sheets{}
			}
		} else {
			h.steps = append(h.steps, &step{})
		}
		if err := u.add(st.file); err != nil {
			return h.unreadable(err)
		}
		before.forget()
	}
	return nil
}

// conclude judges the step and, when nothing is wrong with it, keeps what its form
// is for the next one.
func (s *step) conclude() error {
	var err error
	if s.reason, err = s.judge(); err == nil && s.reason == "" {
		s.now.formed, err = s.grownForm()
	}
	if _, ok := fault.As(err); ok {
		s.reason, err = "What was added cannot be read.", nil
	}
	return err
}

func (h *history) unreadable(err error) error {
	if _, ok := fault.As(err); !ok {
		return err
	}
	h.broken = "The document holds objects that cannot be read, and was extended"
	return nil
}

// of finds the state that a signature covers.
func (h *history) of(then *File) int {
	for i, st := range h.states {
		if len(st.file.sections) == len(then.sections) {
			return i
		}
	}
	return -1
}
