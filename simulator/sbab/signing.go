package sbab

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/bankid"
)

// The statuses of a signing.
const (
	statusInitiated = "INITIATED"
	statusPending   = "PENDING"
	statusComplete  = "COMPLETE"
	statusError     = "COLLECT_ERROR"
	statusFailed    = "FAILED" // not in SBAB's table
)

// mockedStep is how long each step of a mocked signing takes.
const mockedStep = 3 * time.Second

// signing is one signing of a participant. It is read and changed under the
// server's lock.
type signing struct {
	ref     string // BankID's, unless mocked
	mock    string // the token of a mocked one
	phone   bool
	address string
	at      time.Time
	status  string
	hint    string // BankID's
	qr      string
	ended   bool
}

// settle asks BankID how the signing stands, and keeps an answer that ends it.
// BankID gives that once, to SBAB; SBAB gives it as often as it is asked.
func (s *Server) settle(p *participant, now time.Time) {
	g := p.signing
	if g == nil || g.ended {
		return
	}
	g.status, g.hint, g.qr = statusPending, "", ""
	if g.mock != "" {
		g.advance(now)
		return
	}
	order, err := s.broker.Collect(g.ref)
	switch {
	case err != nil:
		g.end(statusError, "")
	case order.Status == "complete":
		g.end(statusComplete, "")
	case order.Status == "failed":
		g.end(s.settings.FailedStatus, order.Hint)
	default:
		g.hint, g.qr = order.Hint, order.QR
		if now.Before(g.at.Add(time.Duration(s.settings.InitiatedFor))) {
			g.status, g.hint = statusInitiated, ""
		}
	}
}

// advance moves a mocked signing on, by time alone.
func (g *signing) advance(now time.Time) {
	steps := []string{"outstandingTransaction", "started", "userSign"}
	if g.phone {
		steps = []string{"userCallConfirm", "userSign"}
	}
	age := now.Sub(g.at)
	if at := int(age / mockedStep); at < len(steps) {
		g.hint = steps[at]
	} else {
		g.end(statusComplete, "")
	}
	if !g.phone && g.hint == steps[0] {
		g.qr = fmt.Sprintf("bankid.%s.%d.mocked", g.mock, int(age/time.Second))
	}
}

func (g *signing) end(status, hint string) {
	g.status, g.hint, g.qr, g.ended = status, hint, "", true
}

// text is what a person signs at SBAB: SBAB's own, never the caller's.
func (p Process) text() string {
	if p == PreApproval {
		return "Jag skriver under min ansökan om lånelöfte hos SBAB (simulerad)."
	}
	return "Jag skriver under min låneansökan hos SBAB (simulerad)."
}

// start begins a signing, unless SBAB's rules are against it. The caller holds
// the lock.
func (s *Server) start(p *participant, phone bool, address string, now time.Time) (any, error) {
	if p.Process == Loan && p.CoApplicant {
		return nil, &problem{http.StatusBadRequest, "", "Only the main applicant signs a loan application"}
	}
	s.settle(p, now)
	if p.signing != nil && p.signing.status == statusComplete {
		return nil, &problem{http.StatusBadRequest, "", "The participant has signed"}
	}
	if p.Sandbox {
		return s.mock(p, phone, now)
	}
	if err := s.conflict(p, phone, address, now); err != nil {
		return nil, err
	}
	order := bankid.BrokerOrder{Sign: true, Phone: phone, PersonalNumber: p.PersonalNumber, Text: p.Process.text()}
	if !phone {
		order.EndUserIP = address
	}
	started, err := s.broker.Start(order)
	if fault.KindOf(err) == fault.Conflict {
		return nil, errInProgress
	}
	if err != nil {
		return nil, err
	}
	p.signing = &signing{ref: started.Ref, phone: phone, address: address, at: now}
	s.settle(p, now)
	return s.started(p, started.AutoStartToken), nil
}

func (s *Server) started(p *participant, token string) any {
	if p.signing.phone {
		return struct{}{}
	}
	return map[string]string{"autostart_token": token, "qr_string": p.signing.qr}
}

// mock begins a signing that nobody signs. Conflicts are not mocked.
func (s *Server) mock(p *participant, phone bool, now time.Time) (any, error) {
	id, err := uuid.NewRandomFromReader(s.entropy)
	if err != nil {
		return nil, err
	}
	p.signing = &signing{mock: id.String(), phone: phone, at: now}
	s.settle(p, now)
	return s.started(p, id.String()), nil
}

// collect answers how the last signing stands; terminal says that it has ended.
// The caller holds the lock.
func (s *Server) collect(p *participant, now time.Time) (body any, terminal bool, err error) {
	if p.signing == nil {
		return nil, false, errNoSigning
	}
	s.settle(p, now)
	g := p.signing
	out := map[string]string{"status": g.status}
	if s.settings.Misspelt && g.status == statusInitiated {
		out["status"] = "INITATED"
	}
	if hint := upper(g.hint, g.ended); hint != "" && g.status != statusError {
		name := "hint_code"
		if s.settings.CamelHint {
			name = "hintCode"
		}
		out[name] = hint
	}
	if g.qr != "" {
		out["qr_string"] = g.qr
	}
	if s.settings.Echo {
		out["participant_id"] = p.ID
	}
	return out, g.ended, nil
}

// upper spells a hint of BankID's as SBAB does. A pending one that SBAB's table
// lacks is UNKNOWN; the failed ones are in no table.
func upper(hint string, ended bool) string {
	known := map[string]string{
		"": "", "outstandingTransaction": "OUTSTANDING_TRANSACTION", "noClient": "NO_CLIENT", "started": "STARTED",
		"userSign": "USER_SIGN", "userMrtd": "USER_MRTD", "userCallConfirm": "USER_CALL_CONFIRM",
	}
	if h, ok := known[hint]; ok {
		return h
	}
	if !ended {
		return "UNKNOWN"
	}
	spelt := []rune{}
	for _, r := range hint {
		if r >= 'A' && r <= 'Z' {
			spelt = append(spelt, '_')
		}
		if r >= 'a' && r <= 'z' {
			r += 'A' - 'a'
		}
		spelt = append(spelt, r)
	}
	return string(spelt)
}

// cancel withdraws the live signing. The caller holds the lock.
func (s *Server) cancel(p *participant, now time.Time) error {
	if now.Before(s.blocked[p.PersonalNumber]) {
		return errInProgress // cancel does not help meanwhile
	}
	s.settle(p, now)
	g := p.signing
	if g == nil || g.ended {
		return errNoSigning
	}
	if g.mock == "" {
		if err := s.broker.Cancel(g.ref); err != nil {
			var f *fault.Error
			if errors.As(err, &f) && f.Kind == fault.NotFound {
				return errNoSigning
			}
			return err
		}
	}
	g.end(s.settings.FailedStatus, "cancelled")
	return nil
}
