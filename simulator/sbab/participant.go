package sbab

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/handslag/handslag/fault"
)

// Process is what of SBAB's is signed.
type Process string

// The processes.
const (
	Loan        Process = "loan"        // the main applicant signs
	PreApproval Process = "preApproval" // every applicant signs; not in the sandbox
)

// How long an application lives, and so its participants.
const (
	life        = 45 * 24 * time.Hour
	sandboxLife = 15 * time.Minute
)

// Participant is somebody who signs in a process of SBAB's, as the control API
// makes and shows them.
type Participant struct {
	ID             string    `json:"id"`
	PersonalNumber string    `json:"personalNumber"`
	Process        Process   `json:"process"`
	CoApplicant    bool      `json:"coApplicant,omitempty"`
	Sandbox        bool      `json:"sandbox,omitempty"`
	Created        time.Time `json:"created"`
	Status         string    `json:"status,omitempty"` // of the last signing
}

// participant is a participant with their last signing.
type participant struct {
	Participant
	signing *signing
}

// enrol makes a participant, as SBAB's own process would.
func (s *Server) enrol(in Participant) (Participant, error) {
	if in.Process == "" {
		in.Process = Loan
	}
	switch {
	case in.Process != Loan && in.Process != PreApproval:
		return in, fault.New(fault.Invalid, "bad_process", "process must be loan or preApproval")
	case in.Process == PreApproval && in.Sandbox:
		return in, fault.New(fault.Invalid, "bad_process", "the sandbox has no pre-approvals")
	case len(in.PersonalNumber) != 12:
		return in, fault.New(fault.Invalid, "bad_personal_number", "personalNumber must be 12 digits")
	}
	id, err := uuid.NewRandomFromReader(s.entropy)
	if err != nil {
		return in, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in.ID, in.Created, in.Status = id.String(), s.clock().UTC(), ""
	s.participants[in.ID] = &participant{Participant: in}
	return in, nil
}

func (s *Server) enrolled() []Participant {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	all := []Participant{}
	for _, p := range s.participants {
		view := p.Participant
		if p.signing != nil {
			s.settle(p, now)
			view.Status = p.signing.status
		}
		all = append(all, view)
	}
	slices.SortFunc(all, func(a, b Participant) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return all
}

// Settle brings every signing up to date.
func (s *Server) Settle() { s.enrolled() }

// participant finds one who may sign. The caller holds the lock.
func (s *Server) participant(id string, sandbox bool, now time.Time) (*participant, error) {
	p := s.participants[id]
	if p == nil || p.Sandbox != sandbox {
		return nil, errNoParticipant
	}
	alive := life
	if sandbox {
		alive = sandboxLife
	}
	if !now.Before(p.Created.Add(alive)) {
		delete(s.participants, id)
		return nil, errNoParticipant
	}
	return p, nil
}
