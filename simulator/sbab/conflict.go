package sbab

import "time"

// conflict applies SBAB's rules for starting while another signing of the person
// is live (SBAB, "Cancellations and retries"):
//
//	two starts, one address        409, and the next one is taken
//	two starts, two addresses      409, and the person is blocked for some 3 minutes
//	two calls                      409, and the person is blocked for about a minute
//	one of each                    409
//	an order at another bank       409
//	start, cancel, start           is fine
//
// While a person is blocked, every start is 409 and cancel does not help. The
// caller holds the lock.
func (s *Server) conflict(p *participant, phone bool, address string, now time.Time) error {
	who := p.PersonalNumber
	if now.Before(s.blocked[who]) {
		return errInProgress
	}
	delete(s.blocked, who)
	live := s.live(who, now)
	if live == nil {
		if s.broker.Busy(who) {
			return errInProgress
		}
		return nil
	}
	var block time.Duration
	switch {
	case phone && live.phone:
		block = time.Duration(s.settings.PhoneBlock)
	case phone != live.phone:
		block = time.Duration(s.settings.MixedBlock)
	case address != live.address:
		block = time.Duration(s.settings.AddressBlock)
	}
	if block > 0 {
		s.blocked[who] = now.Add(block)
	}
	_ = s.broker.Cancel(live.ref) // BankID ends both; it may have ended by itself
	live.end(s.settings.FailedStatus, "cancelled")
	return errInProgress
}

// live returns the person's live signing, in whichever process.
func (s *Server) live(who string, now time.Time) *signing {
	for _, p := range s.participants {
		if p.PersonalNumber != who || p.Sandbox || p.signing == nil {
			continue
		}
		s.settle(p, now)
		if !p.signing.ended {
			return p.signing
		}
	}
	return nil
}
