package bankid

import (
	"encoding/asn1"
	"net/netip"
	"sort"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
)

// Person is somebody with a simulated BankID.
type Person struct {
	PersonalNumber string `json:"personalNumber"` // 12 digits
	GivenName      string `json:"givenName"`
	Surname        string `json:"surname"`
	// Policy is the certificate policy of their BankID; empty is mobile BankID of
	// the test environment, 1.2.3.4.25.
	Policy string `json:"policy,omitempty"`
	// SecurityCode is what they type; empty is [DefaultSecurityCode].
	SecurityCode string `json:"securityCode,omitempty"`
	// NoNFC is a device that cannot read an ID document.
	NoNFC bool `json:"noNFC,omitempty"`
	// IPAddress is the address of their phone.
	IPAddress string    `json:"ipAddress,omitempty"`
	Issued    time.Time `json:"issued,omitzero"`
}

// DefaultSecurityCode is the code of a person registered without one.
const DefaultSecurityCode = "123456"

// medium is where a BankID lives, by its certificate policy.
type medium struct {
	oid    asn1.ObjectIdentifier
	medium string
	card   bool
}

func media(policy string) (medium, bool) {
	known := map[string]medium{
		"1.2.752.78.1.1": {asn1.ObjectIdentifier{1, 2, 752, 78, 1, 1}, "BankID på fil", false},
		"1.2.752.78.1.2": {asn1.ObjectIdentifier{1, 2, 752, 78, 1, 2}, "BankID på kort", true},
		"1.2.752.78.1.5": {asn1.ObjectIdentifier{1, 2, 752, 78, 1, 5}, "Mobilt BankID", false},
		"1.2.3.4.5":      {asn1.ObjectIdentifier{1, 2, 3, 4, 5}, "BankID på fil", false},
		"1.2.3.4.10":     {asn1.ObjectIdentifier{1, 2, 3, 4, 10}, "BankID på kort", true},
		"1.2.3.4.25":     {asn1.ObjectIdentifier{1, 2, 3, 4, 25}, "Mobilt BankID", false},
		"1.2.752.60.1.6": {asn1.ObjectIdentifier{1, 2, 752, 60, 1, 6}, "Mobilt BankID", false},
	}
	m, ok := known[policy]
	return m, ok
}

// check completes a registration and refuses a wrong one.
func (p Person) check(now time.Time) (Person, error) {
	if !validNumber(p.PersonalNumber) {
		return p, fault.New(fault.Invalid, "bad_personal_number", "not a personal or coordination number of 12 digits").
			In("/personalNumber", "bad_personal_number", "wrong date or check digit")
	}
	p.GivenName, p.Surname = strings.TrimSpace(p.GivenName), strings.TrimSpace(p.Surname)
	if p.GivenName == "" || p.Surname == "" || len(p.GivenName) > 100 || len(p.Surname) > 100 {
		return p, fault.New(fault.Invalid, "bad_name", "givenName and surname must have 1 to 100 bytes")
	}
	if p.Policy == "" {
		p.Policy = "1.2.3.4.25"
	}
	if _, ok := media(p.Policy); !ok {
		return p, fault.New(fault.Invalid, "bad_policy", "not a certificate policy of BankID")
	}
	if p.SecurityCode == "" {
		p.SecurityCode = DefaultSecurityCode
	}
	if p.IPAddress == "" {
		p.IPAddress = "198.51.100.12"
	}
	if _, err := netip.ParseAddr(p.IPAddress); err != nil {
		return p, fault.New(fault.Invalid, "bad_ip_address", "not an IP address")
	}
	if p.Issued.IsZero() {
		p.Issued = now.Add(-30 * 24 * time.Hour).UTC().Truncate(time.Minute)
	}
	return p, nil
}

// validNumber checks a Swedish personal number, YYYYMMDDNNNC with a Luhn digit
// over the last ten; a coordination number has 60 added to the day.
func validNumber(n string) bool {
	if !twelveDigits.MatchString(n) {
		return false
	}
	date := []byte(n[:8])
	if date[6] >= '6' {
		date[6] -= 6
	}
	if _, err := time.Parse("20060102", string(date)); err != nil {
		return false
	}
	sum := 0
	for i, c := range n[2:] {
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// register adds a person, or replaces what is known of them.
func (s *Server) register(p Person) (Person, error) {
	err := s.change(func(now time.Time) (bool, error) {
		checked, err := p.check(now)
		if err != nil {
			return false, err
		}
		if known, ok := s.state.Persons[p.PersonalNumber]; ok && p.Issued.IsZero() {
			checked.Issued = known.Issued
		}
		p = checked
		changed := s.state.Persons[p.PersonalNumber] != p
		s.state.Persons[p.PersonalNumber] = p
		return changed, nil
	})
	if err != nil {
		return p, err
	}
	// Their certificates are made here, not while the lock is held for a signature.
	for _, signs := range []bool{true, false} {
		if _, err := s.pki.Person(p.leaf(signs, false)); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (s *Server) persons() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Person, 0, len(s.state.Persons))
	for _, p := range s.state.Persons {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].PersonalNumber < out[j].PersonalNumber })
	return out
}
