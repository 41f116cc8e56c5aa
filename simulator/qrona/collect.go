package qrona

import (
	"fmt"
	"net/http"
	"time"

	"github.com/handslag/handslag/simulator/bankid"
)

type collected struct {
	OrderRef   string      `json:"orderRef,omitempty"`
	QRCode     string      `json:"qrCode,omitempty"`
	Status     string      `json:"status"`
	HintCode   string      `json:"hintCode,omitempty"`
	Completion *completion `json:"completionData,omitempty"`
}

type completion struct {
	User   *user  `json:"user,omitempty"`
	Device device `json:"device"`
}

// user has what Qrona adds to BankID's: age, sex and initials.
type user struct {
	PersonalNumber string `json:"personalNumber"`
	Name           string `json:"name"`
	GivenName      string `json:"givenName"`
	Surname        string `json:"surname"`
	Age            int    `json:"age"`
	Sex            string `json:"sex"`
	Initials       string `json:"initials"`
}

type device struct {
	IPAddress string `json:"ipAddress"`
}

// collect answers how an order stands; terminal says that it has ended.
func (s *Server) collect(ref string) (body any, terminal bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	for old, k := range s.kept {
		if now.After(k.until) {
			delete(s.kept, old)
		}
	}
	if k, ok := s.kept[ref]; ok {
		return again(k.reply)
	}
	order, err := s.broker.Collect(ref)
	if err != nil {
		return nil, false, err
	}
	if order.Status == "pending" {
		return s.pending(ref, order), false, nil
	}
	reply := s.ended(ref, order, now)
	if !s.settings.AnswersOnce {
		s.kept[ref] = kept{reply, now.Add(keepFor)}
	}
	return again(reply)
}

// again answers with what an order ended with.
func again(reply any) (any, bool, error) {
	if e, ok := reply.(*refusal); ok {
		return nil, true, e
	}
	return reply, true, nil
}

func (s *Server) pending(ref string, order bankid.Standing) any {
	if _, broken := s.faults.Take(MissingComma, "collect", false); broken {
		return []byte(fmt.Sprintf("{\n  \"orderRef\": %q,\n  \"qrCode\": %q\n  \"status\": \"pending\",\n  \"hintCode\": %q\n}\n", ref, order.QR, order.Hint))
	}
	return collected{OrderRef: ref, QRCode: order.QR, Status: "pending", HintCode: order.Hint}
}

// ended is the answer to an order that ended. The caller holds the lock.
func (s *Server) ended(ref string, order bankid.Standing, now time.Time) any {
	if order.Status != "complete" {
		switch s.settings.Failed {
		case FailedBare:
			return collected{Status: "failed"}
		case FailedError:
			return &refusal{http.StatusBadRequest, order.Hint, "The order failed"}
		case FailedAsBankID:
		}
		return collected{OrderRef: ref, Status: "failed", HintCode: order.Hint}
	}
	c := &completion{User: userOf(order, now), Device: device{order.IPAddress}}
	if _, on := s.faults.Take(OtherPerson, "", true); on {
		c.User.PersonalNumber = "199001012385"
	}
	if _, on := s.faults.Take(NoPerson, "", true); on {
		c.User = nil
	}
	return collected{OrderRef: ref, Status: "complete", Completion: c}
}

func userOf(order bankid.Standing, now time.Time) *user {
	u := &user{
		PersonalNumber: order.PersonalNumber, Name: order.GivenName + " " + order.Surname,
		GivenName: order.GivenName, Surname: order.Surname, Sex: "Female",
	}
	if (order.PersonalNumber[10]-'0')%2 == 1 { // the last but one digit is odd for men
		u.Sex = "Male"
	}
	date := []byte(order.PersonalNumber[:8])
	if date[6] >= '6' { // a coordination number
		date[6] -= 6
	}
	if born, err := time.Parse("20060102", string(date)); err == nil {
		u.Age = now.Year() - born.Year()
		if now.Before(born.AddDate(u.Age, 0, 0)) {
			u.Age--
		}
	}
	for _, name := range []string{order.GivenName, order.Surname} {
		for _, letter := range name {
			u.Initials += string(letter)
			break
		}
	}
	return u
}
