package pdf

import (
	"bytes"
	"crypto/x509"
	"slices"
	"time"

	"github.com/handslag/handslag/pdf/cms"
	"github.com/handslag/handslag/pdf/revocation"
)

// stamped is a signature timestamp that proves its time, with the chain of its
// authority.
type stamped struct {
	token *cms.Token
	chain []*x509.Certificate
}

// vouched is a chain and the time at which its certificates had to be good.
type vouched struct {
	chain []*x509.Certificate
	at    time.Time
}

// grade raises the level as far as what is there is sound (EN 319 142-1 6.3): a
// proven time; all that is needed to judge it again, in the security store; and a
// document timestamp over that. It is the level that is, not one that is claimed.
func (j *judgement) grade(s *signature, baseline bool, chain []*x509.Certificate, stamp *stamped, archived []*signature) error {
	r := s.report
	switch {
	case r.Timestamp.IsZero():
		return nil
	case !baseline:
		r.Level = LevelPKCS7T
		return nil
	}
	r.Level = LevelT
	if chain == nil {
		return nil
	}
	needed := []vouched{{chain, r.Timestamp}}
	if stamp != nil {
		needed = append(needed, vouched{stamp.chain, stamp.token.Time})
	}
	if j.evidence.suffices(j.evidence.stored, needed) {
		r.Level = LevelLT
	}
	for _, a := range archived {
		st := a.history.states[a.state]
		if st.proofs == nil {
			p, err := st.file.storeProofs()
			if err != nil {
				return err
			}
			st.proofs = j.evidence.alone(p)
		}
		if j.evidence.suffices(st.proofs, needed) {
			r.Level = LevelLTA
			return nil
		}
	}
	return nil
}

// alone is a register of a store and the signatures alone; nil without a store.
func (e *evidence) alone(store revocation.Proofs) *revocation.Register {
	if len(store.Certificates)+len(store.OCSP)+len(store.CRLs) == 0 {
		return nil
	}
	store.Certificates = e.inFile
	return e.register.Of(store)
}

// suffices: with what is registered each chain can be judged.
func (e *evidence) suffices(register *revocation.Register, needed []vouched) bool {
	if register == nil {
		return false
	}
	for _, v := range needed {
		for i := range len(v.chain) - 1 {
			c := v.chain[i]
			if !slices.ContainsFunc(e.inFile, func(raw []byte) bool { return bytes.Equal(raw, c.Raw) }) {
				return false
			}
			a := register.Status(revocation.Question{Certificate: c, Issuer: v.chain[i+1], At: v.at})
			if needsProof(c) && a.Status == revocation.Unknown {
				return false
			}
		}
	}
	return true
}

// storeProofs unpacks the security store of the newest revision. Entries that
// cannot be unpacked are no proofs.
func (f *File) storeProofs() (revocation.Proofs, error) {
	var p revocation.Proofs
	s, err := f.readStore()
	if err != nil {
		return p, onlyReads(err)
	}
	for list, to := range map[Name]*[][]byte{"Certs": &p.Certificates, "OCSPs": &p.OCSP, "CRLs": &p.CRLs} {
		for _, ref := range s.lists[list] {
			b, ok, err := f.storeEntry(ref)
			if onlyReads(err) != nil {
				return p, err
			}
			if ok && err == nil {
				*to = append(*to, b)
			}
		}
	}
	return p, nil
}
