package pdf

import "github.com/handslag/handslag/fault"

// preparation finds what an upload had ready for the additions to it: references
// to objects that only a later revision defines (hide and replace), and lists
// that are grown in one use while they serve another. It also sees that every
// object of the upload is whole within its bytes.
type preparation struct {
	base    *File
	later   map[uint32]bool // numbers that the additions define
	holders map[uint32]use  // objects that the additions grow, by their one use
	parents map[int64]bool  // keys into the structure that the additions define
	// sealsOnly: pages and files may not be added.
	sealsOnly bool
}

// use is where a reference stands: under a key, or in the array under it.
type use struct {
	key    Name
	listed bool
}

func (p *preparation) judge() (string, error) {
	if p.base.beyondSize() {
		return "The upload has objects beyond the number of objects it states, which some readers hide.", nil
	}
	err := p.base.eachObject(func(_ uint32, o Object) error {
		if reason := p.walk(o, use{}); reason != "" {
			return appendedChange(reason)
		}
		return nil
	})
	if e, ok := fault.As(err); ok && e.Code == CodeAppendedChange {
		return e.Message, nil
	}
	if err != nil {
		return "", err
	}
	for _, s := range p.base.sections {
		if reason := p.walk(s.trailer, use{}); reason != "" {
			return reason, nil
		}
	}
	return "", nil
}

// The root of the structure may be referred to by its elements too (14.7.2).
var structureRoot, toParent = use{key: "StructTreeRoot"}, use{key: "P"}

// joins reports whether content of the upload would find its elements under a key
// that was defined after it. One that cannot be read is worth no trust.
func (p *preparation) joins(key Object) bool {
	n, ok, err := p.base.integer(key)
	return len(p.parents) > 0 && (err != nil || ok && p.parents[n])
}

// walk goes no deeper than the parser did.
func (p *preparation) walk(o Object, at use) string {
	switch v := o.(type) {
	case Ref:
		if p.later[v.Num] {
			return "An object that the upload refers to but does not have was defined after it."
		}
		if only, held := p.holders[v.Num]; held && only != at && (only != structureRoot || at != toParent) {
			return "A list of the upload that was added to has another use in it."
		}
	case *Stream:
		return p.walk(v.Dict, use{})
	case Dict:
		for k, e := range v {
			if reason := p.walk(e, use{key: k}); reason != "" {
				return reason
			}
			if (k == "StructParent" || k == "StructParents") && p.joins(e) {
				return "A part of the upload is tied to the structure that was added."
			}
		}
	case Array:
		for _, e := range v {
			if reason := p.walk(e, use{at.key, true}); reason != "" {
				return reason
			}
		}
	}
	return ""
}
