package idkollen

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/handslag/handslag/simulator/bankid"
)

// order is one order. It is only read and changed under the server's lock.
type order struct {
	id, kind  string // kind is auth or sign
	account   Account
	request   request
	ref       string // at BankID
	created   time.Time
	end       *statusAnswer
	endedAt   time.Time
	cancelled bool // by the customer
}

// statusAnswer is what is told of an order, at its start, later and in the
// callback. Its status says which of the members are there.
type statusAnswer struct {
	ID     string `json:"id"`
	RefID  string `json:"refId,omitempty"`
	Status string `json:"status"` // PENDING, COMPLETED, FAILED

	AutoStartToken string `json:"autoStartToken,omitempty"`
	QRStartToken   string `json:"qrStartToken,omitempty"`
	QRStartSecret  string `json:"qrStartSecret,omitempty"`
	HintCode       string `json:"hintCode,omitempty"`

	SSN           string `json:"ssn,omitempty"`
	Name          string `json:"name,omitempty"`
	GivenName     string `json:"givenName,omitempty"`
	Surname       string `json:"surname,omitempty"`
	CertStartDate string `json:"certStartDate,omitempty"`
	// Address is one text, which is how IDkollen's own clients read it; what is in
	// it is not documented.
	Address              string `json:"address,omitempty"`
	CompanySignatoryText string `json:"companySignatoryText,omitempty"`

	Error string `json:"error,omitempty"`
}

const (
	pending   = "PENDING"
	completed = "COMPLETED"
	failed    = "FAILED"
)

func (s *Server) start(a Account, endpoint, kind string, sent []byte) (any, error) {
	q, err := parse(endpoint, a, sent)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewRandomFromReader(s.o.Entropy)
	if err != nil {
		return nil, fmt.Errorf("draw id: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted, err := q.atBankID(endpoint, s.settings.DigestAsIs)
	if err != nil {
		return nil, err
	}
	made, err := s.broker.Start(wanted)
	if err != nil {
		return nil, err
	}
	now := s.o.Clock()
	s.forget(now)
	s.orders[id.String()] = &order{id: id.String(), kind: kind, account: a, request: q, ref: made.Ref, created: now}
	return statusAnswer{
		ID: id.String(), RefID: q.RefID, Status: pending,
		AutoStartToken: made.AutoStartToken, QRStartToken: made.QRStartToken, QRStartSecret: made.QRStartSecret,
	}, nil
}

func (s *Server) status(a Account, kind, id string) (any, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Clock()
	if s.tooEarly(a, id, now) {
		return nil, false, &refusal{s.settings.RateLimitStatus, "tooManyRequests"}
	}
	o, err := s.find(a, kind, id, now)
	if err != nil {
		return nil, false, err
	}
	hint := s.settle(o, now)
	if o.end == nil {
		return statusAnswer{ID: o.id, RefID: o.request.RefID, Status: pending, HintCode: hint}, false, nil
	}
	if o.cancelled && s.settings.CancelledIsGone {
		return nil, false, errExpired
	}
	told := *o.end
	if _, other := s.faults.Take(OtherOrder, status, true); other {
		told.ID = "00000000-0000-4000-8000-00000000beef"
	}
	if _, unknown := s.faults.Take(UnknownStatus, status, true); unknown {
		told.Status = UnknownCode
	}
	return told, true, nil
}

// pace is what IDkollen allows: one status call per second.
const pace = time.Second

// tooEarly reports whether a status call comes before its time. One that is
// refused does not count.
func (s *Server) tooEarly(a Account, id string, now time.Time) bool {
	key := a.ID + "/" + id
	if s.settings.PerAccount {
		key = a.ID
	}
	last, asked := s.asked[key]
	if asked && now.Before(last.Add(pace)) {
		return true
	}
	s.asked[key] = now
	return false
}

// find returns an order of the account that can still be asked about.
func (s *Server) find(a Account, kind, id string, now time.Time) (*order, error) {
	o := s.orders[id]
	if o == nil || o.account.ID != a.ID || o.kind != kind {
		return nil, errExpired
	}
	s.settle(o, now)
	if s.forgotten(o, now) {
		return nil, errExpired
	}
	return o, nil
}

// settle brings an order up to date with BankID and returns what it waits for.
func (s *Server) settle(o *order, now time.Time) (hint string) {
	if o.end != nil {
		return ""
	}
	a, err := s.broker.Collect(o.ref)
	switch {
	case err != nil:
		s.finish(o, statusAnswer{Status: failed, Error: "SESSION_TIMEOUT"}, now)
	case a.Status == "pending":
		return a.Hint
	case a.Status == "complete":
		s.finish(o, s.completed(o, a), now)
	default:
		s.finish(o, statusAnswer{Status: failed, Error: s.failure(a.Hint)}, now)
	}
	return ""
}

func (s *Server) completed(o *order, a bankid.Standing) statusAnswer {
	out := statusAnswer{
		Status: completed, SSN: a.PersonalNumber, Name: a.GivenName + " " + a.Surname, GivenName: a.GivenName, Surname: a.Surname,
		CertStartDate: a.IssueDate, CompanySignatoryText: s.signatory[o.request.OrgNumber],
	}
	if _, other := s.faults.Take(OtherPerson, status, true); other {
		out.SSN, out.Name, out.GivenName, out.Surname = "199001012385", "Annan Person", "Annan", "Person"
	}
	if o.request.RequestAddress {
		out.Address = "Simulerade gatan 1, 111 11 Stockholm"
	}
	return out
}

// failure is IDkollen's word for BankID's hint. It has few, and one for the rest.
func (s *Server) failure(hint string) string {
	if _, unknown := s.faults.Take(UnknownFailure, status, true); unknown {
		return UnknownCode
	}
	switch hint {
	case "userCancel":
		return "CANCELLED"
	case "cancelled":
		return "CONFLICT"
	case "startFailed", "expiredTransaction":
		return "SESSION_TIMEOUT"
	case "certificateErr":
		return "INVALID_ID"
	case "notSupportedByUserApp", "nfcNotSupportedByDevice", "multipleBankIdsOnDevice":
		return "UNSUPPORTED_CLIENT"
	}
	return "AUTH_FAILED"
}

// finish ends an order and has its callback sent.
func (s *Server) finish(o *order, end statusAnswer, now time.Time) {
	end.ID, end.RefID = o.id, o.request.RefID
	o.end, o.endedAt = &end, now
	s.announce(o, now)
}

func (s *Server) cancel(a Account, kind, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Clock()
	o, err := s.find(a, kind, id, now)
	if err != nil {
		return err
	}
	if o.end != nil {
		if s.settings.CancelEndedIsFine {
			return nil
		}
		return errExpired
	}
	if err := s.broker.Cancel(o.ref); err != nil {
		s.settle(o, now) // it ended in this very moment
		return errExpired
	}
	o.cancelled = true
	s.finish(o, statusAnswer{Status: failed, Error: "CANCELLED"}, now)
	return nil
}

func (s *Server) forgotten(o *order, now time.Time) bool {
	return o.end != nil && !now.Before(o.endedAt.Add(time.Duration(s.settings.Retention)))
}

// forget drops what nobody can ask about any more.
func (s *Server) forget(now time.Time) {
	for id, o := range s.orders {
		s.settle(o, now)
		if s.forgotten(o, now) {
			delete(s.orders, id)
		}
	}
	for key, at := range s.asked {
		if !now.Before(at.Add(pace)) {
			delete(s.asked, key)
		}
	}
}
