package signing

import (
	"slices"

	"github.com/handslag/handslag/fault"
)

// Assurance says what stands behind a signature. A policy is a set of them;
// none is more than another.
type Assurance string

// The assurances.
const (
	AssuranceVerified        Assurance = "verified"         // we checked the cryptography
	AssuranceAttested        Assurance = "attested"         // the provider says they signed our text
	AssuranceAttestedProcess Assurance = "attested-process" // the provider says they signed its own process
	AssuranceIdentified      Assurance = "identified"       // identity proven, consent recorded
)

// Level is the legal level of an electronic signature (Regulation (EU) 910/2014,
// articles 3(11) and 3(12)). Unlike assurances, levels have an order.
type Level string

// The levels. The empty level is any.
const (
	LevelAny Level = "any"
	LevelAES Level = "aes" // advanced electronic signature
	LevelQES Level = "qes" // qualified electronic signature
)

var levels = []Level{"", LevelAny, LevelAES, LevelQES}

// Valid reports whether l is one of the levels.
func (l Level) Valid() bool { return slices.Contains(levels, l) }

// Meets reports whether a signature of level l is enough where want is asked for.
func (l Level) Meets(want Level) bool {
	return max(1, slices.Index(levels, l)) >= max(1, slices.Index(levels, want))
}

// Policy says which signatures a collection accepts: those with one of the
// assurances, and of the level at least.
type Policy struct {
	Accept []Assurance `json:"accept"`
	Level  Level       `json:"level,omitempty"`
}

// DefaultPolicy accepts only what we verified ourselves.
func DefaultPolicy() Policy { return Policy{Accept: []Assurance{AssuranceVerified}} }

// Validate refuses an empty policy and unknown assurances and levels.
func (p Policy) Validate() error {
	f := fault.New(fault.Invalid, "policy_invalid", "The policy cannot be applied.")
	if len(p.Accept) == 0 || slices.ContainsFunc(p.Accept, func(a Assurance) bool { return !a.known() }) {
		f = f.In("/accept", "unknown", "The policy accepts at least one assurance, and only known ones.")
	}
	if !p.Level.Valid() {
		f = f.In("/level", "unknown", "The level is any, aes or qes.")
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

func (a Assurance) known() bool {
	switch a {
	case AssuranceVerified, AssuranceAttested, AssuranceAttestedProcess, AssuranceIdentified:
		return true
	}
	return false
}

// Accepts reports whether an outcome with assurance a and level l meets the
// policy. A related process is no signature of ours, so no level is asked of it.
func (p Policy) Accepts(a Assurance, l Level) bool {
	return slices.Contains(p.Accept, a) && (a == AssuranceAttestedProcess || l.Meets(p.Level))
}
