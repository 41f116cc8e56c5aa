package pdf

import "github.com/handslag/handslag/fault"

// Level is how long a signature can be checked (ETSI EN 319 142-1 6.1).
type Level string

// The levels.
const (
	LevelB   Level = "B-B"   // while its certificate is good
	LevelT   Level = "B-T"   // a timestamp proves when it was there
	LevelLT  Level = "B-LT"  // the document carries the proofs of its certificates' status
	LevelLTA Level = "B-LTA" // and a timestamp over them; to be renewed before that ends
)

// level is the level asked for, which is never lowered silently.
func (o SealOptions) level() (Level, error) {
	l := o.Level
	switch l {
	case "":
		if l = LevelB; o.Timestamper != nil {
			l = LevelT
		}
	case LevelB, LevelT, LevelLT, LevelLTA:
	default:
		return "", fault.New(fault.Internal, "seal_level", "The level that the seal should have is none of PAdES.")
	}
	if l != LevelB && o.Timestamper == nil {
		return "", fault.New(fault.Internal, "seal_level", "A seal of level %s needs a timestamp authority, and none is given.", l)
	}
	if l.lasts() && o.Revocation == nil {
		return "", fault.New(fault.Internal, "seal_level", "A seal of level %s needs proofs of its certificates' status, and nothing is given that gets them.", l)
	}
	return l, nil
}

// lasts reports whether the document carries what its check will need.
func (l Level) lasts() bool { return l == LevelLT || l == LevelLTA }
